package mail

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"
)

// An opened message is what the standard library reads, which did not write it.
type opened struct {
	header     netmail.Header
	from, to   *netmail.Address
	subject    string
	text, html string
}

// open reads a message and holds it to what RFC 5322 and 2045 ask of lines.
func open(t testing.TB, content []byte) (o opened) {
	t.Helper()
	for line := range bytes.SplitSeq(bytes.TrimSuffix(content, []byte("\r\n")), []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("a line of %d bytes, or with a bare line break: %q", len(line), line)
		}
	}
	message, err := netmail.ReadMessage(bytes.NewReader(content))
	must(t, err)
	o.header = message.Header
	o.from, err = netmail.ParseAddress(o.header.Get("From"))
	must(t, err)
	o.to, err = netmail.ParseAddress(o.header.Get("To"))
	must(t, err)
	o.subject, err = new(mime.WordDecoder).DecodeHeader(o.header.Get("Subject"))
	must(t, err)
	kind, parameters, err := mime.ParseMediaType(o.header.Get("Content-Type"))
	must(t, err)
	if kind != "multipart/alternative" {
		t.Fatalf("the message is %s", kind)
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	o.text = o.part(t, parts, "text/plain; charset=UTF-8")
	o.html = o.part(t, parts, "text/html; charset=UTF-8")
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Fatalf("there is a third part: %v", err)
	}
	return o
}

func (o *opened) part(t testing.TB, parts *multipart.Reader, kind string) string {
	t.Helper()
	part, err := parts.NextRawPart()
	must(t, err)
	want := map[string][]string{"Content-Type": {kind}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if !maps.EqualFunc(part.Header, want, slices.Equal) {
		t.Fatalf("a part has the headers %v, want %v", part.Header, want)
	}
	content, err := io.ReadAll(quotedprintable.NewReader(part))
	must(t, err)
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}

// ourHeaders are those that a message has, and no others.
func ourHeaders() []string {
	return []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
}

// wantOurHeaders fails unless each header is there once, and no other.
func (o *opened) wantOurHeaders(t testing.TB) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(o.header)); !slices.Equal(got, ourHeaders()) {
		t.Fatalf("the headers are %v, want %v", got, ourHeaders())
	}
	for name, values := range o.header {
		if len(values) != 1 {
			t.Fatalf("%s is there %d times: %q", name, len(values), values)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func builtInTemplates(t testing.TB) *Templates {
	t.Helper()
	templates, err := LoadTemplates("")
	must(t, err)
	return templates
}

func sender() netmail.Address {
	return netmail.Address{Name: "Dukungan Çontoh", Address: "support@example.com"}
}

func someDay() time.Time {
	return time.Date(2026, time.March, 2, 10, 0, 0, 0, time.FixedZone("", 7*3600))
}
