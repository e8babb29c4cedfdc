package mail

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"
)

// A Message is a letter as it travels. It is rendered once; every try sends the
// same bytes.
type Message struct {
	ID     uuid.UUID
	From   string // addresses without names, as the server is told them
	To     string
	Secret bool // the content has a Contract ID in it

	content  []byte   // RFC 5322, with CRLF
	personal []string // words that name the recipient, in lower case
}

// Content is the message as RFC 5322 has it. That of a secret one is stored
// nowhere but where it is delivered (R40).
func (m *Message) Content() []byte { return m.content }

// String names the message and tells nothing of it.
func (m *Message) String() string { return "message " + m.ID.String() }

// GoString is String: %#v tells nothing either.
func (m *Message) GoString() string { return m.String() }

// LogValue is String, for slog.
func (m *Message) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Render writes the letter as a message from an address, dated by the caller.
// Templates and date the same, the message is the same to the byte. An error is
// an *Error.
func (t *Templates) Render(l Letter, from netmail.Address, date time.Time) (*Message, error) {
	if err := l.check(); err != nil {
		return nil, &Error{Verdict: Permanent, Step: "render letter", Cause: err}
	}
	to, err := recipient(l.To)
	if err != nil {
		return nil, &Error{Verdict: Permanent, Step: "address letter", Cause: err}
	}
	w, err := t.write(l)
	if err != nil {
		return nil, &Error{Verdict: Configuration, Step: "render letter", Cause: err}
	}
	m := &Message{ID: l.ID, From: from.Address, To: to.Address, Secret: l.Secret(), personal: personal(to)}
	if m.content, err = compose(l.ID, w, &from, to, date); err != nil {
		return nil, &Error{Verdict: Permanent, Step: "compose letter", Cause: err}
	}
	return m, nil
}

// compose puts headers and both parts together.
func compose(id uuid.UUID, w written, from, to *netmail.Address, date time.Time) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(boundary(id, w)))
	m.SetMessageIDWithValue(messageID(id, from.Address))
	m.SetDateWithValue(date.UTC())
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.SetGenHeader(gomail.HeaderSubject, encodeSubject(w.subject))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no robot answers it
	m.SetBodyString(gomail.TypeTextPlain, w.text)
	m.AddAlternativeString(gomail.TypeTextHTML, w.html)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// boundary is what parts the message. It is made of the id, so that a repeat is
// the same, and is in neither part: quoted-printable leaves its characters alone.
func boundary(id uuid.UUID, w written) string {
	mark := hex.EncodeToString(id[:])
	for strings.Contains(w.text, mark) || strings.Contains(w.html, mark) {
		mark += "0"
	}
	return mark
}

// messageID is the same for a letter on every try.
func messageID(id uuid.UUID, from string) string {
	return id.String() + "@" + from[strings.LastIndexByte(from, '@')+1:]
}

// longestName is what is kept of a name, in characters: a header line ends at
// 998 bytes.
const longestName = 120

// recipient checks an address that a client sent: it is nothing but an address,
// on one line.
func recipient(p Person) (*netmail.Address, error) {
	parsed, err := netmail.ParseAddress(p.Email)
	if err != nil || parsed.Name != "" || parsed.Address != p.Email || oneLine(p.Email) != p.Email || len(p.Email) > longestAddress {
		return nil, errors.New("the recipient's address is malformed") // and personal: it is not repeated
	}
	return &netmail.Address{Name: clip(oneLine(p.Name), longestName), Address: p.Email}, nil
}

// personal are the words by which a recipient can be recognised.
func personal(to *netmail.Address) []string {
	local := to.Address[:strings.LastIndexByte(to.Address, '@')]
	return strings.Fields(strings.ToLower(local + " " + to.Name))
}

// longestAddress is the most that an SMTP server must take, in bytes.
const longestAddress = 254

// clip keeps the first characters of a text.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// encodeSubject writes a subject in the characters of a header. Plain ones stay
// as they are; go-mail would also leave what only looks like an encoded word
// (RFC 2047), which readers would show as something else, and take a word that is
// longer than a line may be.
func encodeSubject(s string) string {
	plain := !strings.Contains(s, "=?")
	run := 0
	for _, r := range s {
		if run++; r == ' ' {
			run = 0
		}
		plain = plain && r >= ' ' && r <= '~' && run <= encodedRun
	}
	if plain {
		return s
	}
	var words []string
	for len(s) > 0 {
		n := min(len(s), encodedRun)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n-- // a character is not divided between words
		}
		words = append(words, fmt.Sprintf("=?UTF-8?B?%s?=", base64.StdEncoding.EncodeToString([]byte(s[:n]))))
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// encodedRun is how many bytes one encoded word carries: 60 characters, and 12
// around them, stay below the 75 of RFC 2047.
const encodedRun = 45
