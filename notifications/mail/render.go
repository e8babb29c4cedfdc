package mail

import (
	"bytes"
	"errors"
	"strings"
)

// written is a letter's words.
type written struct {
	subject, text, html string
}

// page is what the HTML template sees: the letter, and the subject that the text
// template wrote.
type page struct {
	Letter
	Subject string
}

// subjectMark begins the first line of a text template.
const subjectMark = "Subject:"

// write fills the letter's templates in its language.
func (t *Templates) write(l Letter) (written, error) {
	return t.forms[formName(languageOf(l.Language), l.Kind)].write(l)
}

func (f form) write(l Letter) (w written, err error) {
	l = l.oneLine()
	var out bytes.Buffer
	if err := f.text.Execute(&out, l); err != nil {
		return w, plainly(err)
	}
	first, rest, _ := strings.Cut(strings.TrimLeft(out.String(), "\n"), "\n")
	subject, ok := strings.CutPrefix(first, subjectMark)
	if w.subject = oneLine(subject); !ok || w.subject == "" {
		return w, errors.New(f.text.Lookup("content").Tree.ParseName + ":1: the first line must be " + subjectMark + " and a subject")
	}
	w.text = strings.TrimSpace(rest) + "\n"
	out.Reset()
	if err := f.html.Execute(&out, page{l, w.subject}); err != nil {
		return w, plainly(err)
	}
	w.html = strings.TrimSpace(out.String()) + "\n"
	return w, nil
}
