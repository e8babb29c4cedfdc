package mail

import (
	"errors"
	stdhtml "html"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Whatever clients send in names, addresses, titles and the rest, a message has
// our headers and two parts, and shows the texts as they were sent, on one line.
func FuzzR39_NothingThatClientsSendChangesTheFormOfALetter(f *testing.F) {
	for _, seed := range []struct{ name, email, title, other string }{
		{"Ani Wijaya", "ani@example.com", "Backup fails", "Gold 20Pack"},
		{"Ani\r\nBcc: eve@example.com", "ani@example.com", "a\r\nBcc: eve@example.com\r\n\r\n<b>", "x\r\n.\r\nQUIT"},
		{`Ani "Wi" \jaya`, "ani@example.com", "=?utf-8?q?=0D=0ABcc:_eve@example.com?=", "=?utf-8?b?aGk=?="},
		{"Łukasz Żółć", "łukasz@例え.jp", strings.Repeat("Überlänge ", 30), "éè"},
		{"阿尼·維查亞", "ani@例え.jp", strings.Repeat("題", 200), "平"},
		{"Ani (at) <ani>, you; me: all", "a?=b@example.com", strings.Repeat("x", 1200), "-- "},
		{strings.Repeat("n", 2000), "\"a b\"@example.com", "<script>alert(1)</script>{{.}}", "</table></main>"},
		{"Ani", "ani@example.com\r\nBcc: eve@example.com", "a", "b"},
		{"Ani", "Ani <ani@example.com>", "a", "b"},
		{"Ani", "\x00@x", "a", "b"},
		{"\xff\xfe", "a@b", "\u2028line\u0085break\x7f\x00", "\u202eright\u202c"},
		{"=?utf-8?q?eve?=", "ani@example.com", "a..b", "--00000000000000000000000000000007--"},
		{"", "", "", ""},
		{" . ", "a@b", ".", "="},
		{"a@example.com", "ani@[127.0.0.1]", "From here", "From there"},
	} {
		for kind := range Kinds() {
			f.Add(byte(kind), kind%2 == 0, seed.name, seed.email, seed.title, seed.other)
		}
	}
	templates := builtInTemplates(f)
	f.Fuzz(func(t *testing.T, kind byte, indonesian bool, name, email, title, other string) {
		letter := Letter{
			ID: uuid.UUID{15: 7}, Kind: Kinds()[int(kind)%len(Kinds())], To: Person{name, email},
			Vendor: other, Contract: other, ServiceName: other,
			AccessID: other, Portal: other, Number: other, Title: title, Severity: other, ResponseTime: other, ResponseHours: other,
			Closure: other, Outcome: Outcome(other), Left: Left{Pays: true, Count: 3},
		}
		if indonesian {
			letter.Language = "id"
		}
		if letter.Kind == IDs {
			letter.ContractID = other
		}
		message, err := templates.Render(letter, sender(), someDay())
		if err != nil {
			refused(t, letter, err)
			return
		}
		shown(t, open(t, message.Content()), letter)
		sameForm(t, templates, letter)
	})
}

// refused accepts that a letter is not written only for its address or its kind.
func refused(t *testing.T, l Letter, err error) {
	t.Helper()
	_, badAddress := recipient(l.To)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Verdict != Permanent || badAddress == nil && l.check() == nil {
		t.Fatalf("refused by %v", err)
	}
}

// shown fails unless the message has our headers, and every text in its place.
func shown(t *testing.T, o opened, l Letter) {
	t.Helper()
	o.wantOurHeaders(t)
	if o.from.String() != (new(sender())).String() || o.to.Address != l.To.Email || o.to.Name != clip(oneLine(l.To.Name), longestName) {
		t.Fatalf("from %v to %v, not from %v to %+v", o.from, o.to, new(sender()), l.To)
	}
	if o.header.Get("Message-Id") != "<"+l.ID.String()+"@example.com>" || o.header.Get("Date") != "Mon, 02 Mar 2026 03:00:00 +0000" {
		t.Fatalf("the headers are %v", o.header)
	}
	mentions := map[Kind][]string{
		IDs:       {l.AccessID, l.ContractID, l.ServiceName},
		Linked:    {l.Contract, l.Portal},
		Submitted: {l.Title, l.Number, l.Severity, l.Contract},
		Closed:    {l.Title, l.Number, l.Closure, l.Contract},
	}[l.Kind]
	for _, text := range append(mentions, l.Vendor, l.To.Name) {
		text = oneLine(text)
		if !strings.Contains(o.text, text) || !strings.Contains(stdhtml.UnescapeString(o.html), text) {
			t.Fatalf("%q is not in the text or the HTML:\n%s\n%s", text, o.text, o.html)
		}
	}
	if subject := oneLine(l.Title); (l.Kind == Submitted || l.Kind == Closed) && !strings.HasSuffix(o.subject, strings.TrimSpace(": "+subject)) {
		t.Fatalf("the subject is %q, want the title %q at its end", o.subject, subject)
	}
}

// sameForm compares the letter with one of harmless texts: the same lines, the
// same tags.
func sameForm(t *testing.T, templates *Templates, l Letter) {
	t.Helper()
	harmless := func(s string) string {
		if oneLine(s) == "" {
			return ""
		}
		return "x"
	}
	plain := l
	plain.To = Person{harmless(l.To.Name), "x@example.com"}
	plain.Vendor, plain.Contract, plain.ServiceName, plain.Portal = harmless(l.Vendor), harmless(l.Contract), harmless(l.ServiceName), harmless(l.Portal)
	plain.Number, plain.Title, plain.Severity, plain.Closure = harmless(l.Number), harmless(l.Title), harmless(l.Severity), harmless(l.Closure)
	plain.ResponseTime = harmless(l.ResponseTime)
	for _, id := range []*string{&plain.AccessID, &plain.ContractID} {
		if *id != "" {
			*id = "1"
		}
	}
	got, err := templates.write(l)
	must(t, err)
	want, err := templates.write(plain)
	must(t, err)
	if strings.Count(got.text, "\n") != strings.Count(want.text, "\n") || strings.Contains(got.subject, "\n") {
		t.Fatalf("the text has other lines:\n%s\nthan\n%s", got.text, want.text)
	}
	for _, mark := range []string{"<", ">", "\n"} {
		if strings.Count(got.html, mark) != strings.Count(want.html, mark) {
			t.Fatalf("the HTML has another form:\n%s\nthan\n%s", got.html, want.html)
		}
	}
}
