package mail

import (
	"errors"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// codeClosing is what a server answers that closes the connection.
const codeClosing = 421

// aboutUs are refusals of ours rather than of the letter's: a command that is not
// known or comes at the wrong time, and signing in. Some other day, or after
// somebody changed a setting, the same letter may pass.
var aboutUs = [...]int{500, 502, 503, 530, 534, 535, 538}

// enhanced finds a status code (RFC 3463) at the beginning of a server's words.
var enhanced = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// judge makes an Error of what ended a step. Only an answer to the recipient or
// to the letter itself is about this letter, and a 5 at its beginning is for good;
// a sender that is refused is so for every letter, until somebody does something.
func judge(step string, err error) *Error {
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		err = errors.New("the server does not speak SMTP") // the error has its words in it
	}
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return &Error{Verdict: Passing, Step: step, Cause: err}
	}
	e := &Error{Verdict: Passing, Step: step, Code: reply.Code, Enhanced: enhanced.FindString(reply.Msg)}
	words := oneLine(strings.TrimPrefix(reply.Msg, e.Enhanced))
	if words = clip(words, mostWords); words != "" {
		e.Cause = errors.New(words)
	}
	refusesLetter := step == stepRcpt || step == stepData || step == stepAccept
	if refusesLetter && reply.Code >= 500 && !slices.Contains(aboutUs[:], reply.Code) {
		e.Verdict = Permanent
	}
	return e
}

// mostWords is how many characters are kept of what a server says.
const mostWords = 200

// about takes what is personal or secret out of an error about a message: words
// that name the recipient, and all words after a secret content was shown.
func about(err error, m *Message) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code == 0 || e.Cause == nil {
		return err
	}
	if m.Secret && e.Step == stepAccept {
		e.Cause = nil
		return e
	}
	words := strings.Fields(e.Cause.Error())
	for i, word := range words {
		if m.names(word) {
			words[i] = "[...]"
		}
	}
	e.Cause = errors.New(strings.Join(words, " "))
	return e
}

// names says whether a word of a server is about the recipient.
func (m *Message) names(word string) bool {
	word = strings.ToLower(word)
	return strings.Contains(word, "@") || slices.ContainsFunc(m.personal, func(name string) bool { return strings.Contains(word, name) })
}
