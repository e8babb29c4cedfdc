package mail

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vendor makes a directory of templates from names and contents.
func vendor(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func TestR39_TheTemplatesThatComeWithTheProgramAreRight(t *testing.T) {
	must(t, CheckTemplates(""))
	own, err := fs.Sub(builtIn, "templates")
	must(t, err)
	must(t, CheckTemplates(copied(t, own)))
}

// copied is what a vendor starts from: everything that comes with the program.
func copied(t *testing.T, from fs.FS) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, from))
	return dir
}

func TestR39_AVendorReplacesTemplatesOneByOne(t *testing.T) {
	dir := vendor(t, map[string]string{
		"id/few-left.txt":  "\r\nSubject: Tinggal {{number .Left.Count}}\r\n\r\nHalo {{.To.Name}}\r\n",
		"en/layout.html":   "<!DOCTYPE html><title>{{.Subject}}</title>{{template \"content\" .}}<p>Greetings",
		"id/layout.html":   "{{define \"row\"}}<p>{{.}}{{end}}{{template \"content\" .}}",
		"id/linked.html":   "{{template \"row\" .Portal}}",
		"en/submitted.txt": "Subject: {{.Title}}\n{{define \"x\"}}{{left .Left}}{{end}}{{template \"x\" .}}",
	})
	templates, err := LoadTemplates(dir)
	must(t, err)
	write := func(kind Kind, language string) written {
		w, err := templates.write(samples(kind, language)[0])
		must(t, err)
		return w
	}
	if w := write(FewLeft, "id"); w.subject != "Tinggal 5" || !strings.HasPrefix(w.text, "Halo Ani Wijaya\n") || !strings.Contains(w.html, "Insiden pada kontrak") {
		t.Errorf("the vendor's text is %+v", w)
	}
	if w := write(Linked, "id"); w.html != "<p>Partner portal\n" {
		t.Errorf("a part of the layout is not used: %+v", w)
	}
	if w := write(FewLeft, "en"); !strings.HasSuffix(w.html, "<p>Greetings\n") || !strings.Contains(w.html, "<title>Incidents left") || !strings.Contains(w.text, "Few incidents are left") {
		t.Errorf("the vendor's layout is not around %+v", w)
	}
	if w := write(Submitted, "en"); !strings.HasPrefix(w.text, "5 incidents") {
		t.Errorf("a template of a template is not filled: %+v", w)
	}
	if w := write(Submitted, "fr"); !strings.HasPrefix(w.text, "5 incidents") {
		t.Errorf("another language is not English: %+v", w)
	}
}

func TestR44_AVendorsMistakesAreNamedByFileAndLine(t *testing.T) {
	for title, c := range map[string]struct {
		files map[string]string
		words []string
	}{
		"a field that is not": {map[string]string{"id/closed.txt": "Subject: x\n\n{{.Number}} {{.Numbr}}\n"}, []string{"id/closed.txt:3:", "Numbr"}},
		"and in HTML":         {map[string]string{"id/closed.html": "<p>\n{{.Numbr}}"}, []string{"id/closed.html:2:", "Numbr"}},
		"a field of others that is not, in one case only": {
			map[string]string{"en/closed.html": "<p>\n\n{{if .Left.Unlimited}}{{.Left.Much}}{{end}}"}, []string{"en/closed.html:3:", "Much"}},
		"a function that is not":         {map[string]string{"en/ids.txt": "Subject: x\n{{shout .AccessID}}"}, []string{"en/ids.txt:2:", "shout"}},
		"an action without an end":       {map[string]string{"en/layout.txt": "{{template \"content\" .}}\n{{if .Vendor}}"}, []string{"en/layout.txt:2:", "unexpected EOF"}},
		"a template that is not":         {map[string]string{"en/layout.html": "{{template \"contents\" .}}"}, []string{"en/layout.html:1:", "contents"}},
		"HTML without an end":            {map[string]string{"en/ids.html": "<p>{{.AccessID}} {{.ContractID}}</p><a href=\"{{.Vendor}}"}, []string{"en/ids.html:", "ends in"}},
		"and in a layout":                {map[string]string{"id/layout.html": "{{template \"content\" .}}<a href=\"{{.Vendor}}"}, []string{"id/layout.html:", "ends in"}},
		"a mistaken type":                {map[string]string{"id/expiring.txt": "Subject: x\n{{date .DaysLeft}}"}, []string{"id/expiring.txt:2:", ".DaysLeft", "wrong type"}},
		"no subject":                     {map[string]string{"id/expired.txt": "Habis\n"}, []string{"id/expired.txt:1:", "Subject:"}},
		"an empty subject":               {map[string]string{"id/expired.txt": "Subject: {{with .Portal}}{{end}}\nHabis\n"}, []string{"id/expired.txt:1:", "Subject:"}},
		"a subject without an end":       {map[string]string{"en/expired.txt": "Subject: " + strings.Repeat("long ", 60)}, []string{"en/expired.txt:1:", "250"}},
		"the Contract ID in a subject":   {map[string]string{"en/ids.txt": "Subject: {{.ContractID}}\n{{.AccessID}} {{.ContractID}}"}, []string{"en/ids.txt:1:", "Contract ID"}},
		"no Contract ID in the text":     {map[string]string{"en/ids.txt": "Subject: x\n{{.AccessID}}"}, []string{"en/ids.txt:", ".ContractID"}},
		"no Access ID in the HTML":       {map[string]string{"id/ids.html": "<p>{{.ContractID}}"}, []string{"id/ids.html:", ".AccessID"}},
		"a name that is never read":      {map[string]string{"en/ids.htm": "x"}, []string{"en/ids.htm is not", "en,id"}},
		"a language that is not written": {map[string]string{"fr/ids.txt": "x"}, []string{"fr/ids.txt is not"}},
		"two mistakes at once":           {map[string]string{"id/closed.txt": "{{", "en/linked.html": "{{"}, []string{"id/closed.txt:1", "en/linked.html:1"}},
	} {
		t.Run(title, func(t *testing.T) {
			dir := vendor(t, c.files)
			err := CheckTemplates(dir)
			if err == nil {
				t.Fatal("nothing is wrong with it")
			}
			for _, words := range append(c.words, dir) {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%v\nshould say %q", err, words)
				}
			}
			if strings.Contains(err.Error(), "template: ") || strings.Contains(err.Error(), "html/template:") {
				t.Errorf("the place is not first: %v", err)
			}
		})
	}
	if err := CheckTemplates(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
	if err := CheckTemplates(os.Args[0]); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}

func TestR44_AMistakeInALayoutIsToldOnce(t *testing.T) {
	err := CheckTemplates(vendor(t, map[string]string{"en/layout.txt": "{{.Nobody}}{{template \"content\" .}}"}))
	if err == nil || strings.Count(err.Error(), "Nobody") != strings.Count("<.Nobody>: can't evaluate field Nobody", "Nobody") {
		t.Errorf("got %v", err)
	}
}

func TestR39_HTMLHasNothingFromElsewhere(t *testing.T) {
	templates := builtInTemplates(t)
	for _, language := range []string{"en", "id"} {
		for _, kind := range Kinds() {
			for _, sample := range samples(kind, language) {
				w, err := templates.write(sample)
				must(t, err)
				for _, from := range []string{"http:", "https:", "//", "<img", "<link", "<script", "url(", "@import"} {
					if strings.Contains(w.html, from) {
						t.Errorf("%s/%s has %q in it", language, kind, from)
					}
				}
				if !strings.Contains(w.html, `<html lang="`+language+`">`) || strings.Count(w.html, "<h1>") != 1 || strings.Contains(w.html+w.text, "<no value>") {
					t.Errorf("%s/%s is\n%s", language, kind, w.html)
				}
			}
		}
	}
}

// What a letter must tell is in both of its parts (R17, R29, R39).
func TestR39_LettersTellWhatTheyAreSentFor(t *testing.T) {
	templates := builtInTemplates(t)
	for _, c := range []struct {
		kind     Kind
		language string
		sample   int
		tells    []string
	}{
		{IDs, "en", 0, []string{"0230242323", "0098765432", "Partner Support Gold 20Pack", "1 March 2026", "28 February 2027", "Asia/Jakarta"}},
		{IDs, "id", 1, []string{"0230242323", "0098765432", "1 Maret 2026", "28 Februari 2027", "UTC", "Dengan hormat"}},
		{Linked, "en", 0, []string{"0230242323 - Partner Support Gold 20Pack", "Monday, 2 March 2026, 10:04", "Partner portal"}},
		{Linked, "id", 1, []string{"Senin, 2 Maret 2026 pukul 03.04 UTC"}},
		{Submitted, "en", 0, []string{"26030212345678", "Backup fails", "B", "within 4 business hours", "Tuesday, 3 March 2026, 06:30 Asia/Jakarta (2 March 2026, 23:30 UTC)", "5 incidents"}},
		{Submitted, "id", 0, []string{"dalam 4 jam kerja", "Selasa, 3 Maret 2026 pukul 06.30", "Satu insiden telah dipotong", "5 insiden"}},
		{Submitted, "en", 1, []string{"Nothing was deducted: no contract is charged for this request."}},
		{Submitted, "id", 1, []string{"permintaan ini tidak dibebankan ke kontrak mana pun."}},
		{Submitted, "en", 2, []string{"unlimited"}},
		{Closed, "en", 0, []string{"26030212345678", "Resolved", "It counts", "5 incidents"}},
		{Closed, "en", 1, []string{"Nothing was deducted for it."}},
		{Closed, "en", 2, []string{"credited back to your contract", "unlimited"}},
		{Closed, "id", 3, []string{"dikembalikan ke kontrak Anda", "1 insiden"}},
		{Closed, "id", 4, []string{"tidak dapat dipakai lagi", "tidak ada"}},
		{FewLeft, "id", 0, []string{"0230242323 - Partner Support Gold 20Pack", "5 insiden"}},
		{Expiring, "en", 0, []string{"28 February 2027", "5 incidents"}},
		{Expiring, "id", 1, []string{"28 Februari 2027"}},
		{Expired, "en", 0, []string{"28 February 2027"}},
	} {
		w, err := templates.write(samples(c.kind, c.language)[c.sample])
		must(t, err)
		for _, tells := range c.tells {
			if !strings.Contains(w.text, tells) || !strings.Contains(w.html, tells) {
				t.Errorf("%s/%s does not tell %q:\n%s\n%s", c.language, c.kind, tells, w.text, w.html)
			}
		}
	}
	for language, subject := range map[string]string{"en": "Your support contract ends in 7 days", "id": "Kontrak dukungan Anda berakhir dalam 7 hari"} {
		if w, err := templates.write(samples(Expiring, language)[1]); err != nil || w.subject != subject {
			t.Errorf("the subject is %q (%v), want %q", w.subject, err, subject)
		}
	}
}
