// Package mail turns a Letter into a message and hands it to whoever delivers
// it. It knows the letters of R39, their templates in English and Indonesian,
// RFC 5322, and two ways out: a folder of .eml files and an SMTP server. It
// knows neither the log nor the feed: who gets which letter, and when a letter
// is tried again, is decided by its caller.
//
// Open checks a Config and returns a Mailer; Send renders and delivers one
// letter. When Send returns nil, the letter is durable in the folder, or the
// server has taken responsibility for it. When it returns an *Error, the Verdict
// says whether trying again can help. The same letter always has the same
// Message-ID, so that one which was sent twice can be recognised.
//
// A letter that carries a Contract ID (R3) is secret: it leaves over TLS only,
// unless a setting allows otherwise; neither it nor an error about it prints the
// Contract ID, or the words that the server answered its content with.
//
// Everything is safe for concurrent use.
package mail
