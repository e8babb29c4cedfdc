package mail

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	text "text/template"
)

//go:embed templates
var builtIn embed.FS

// Templates write letters. They are immutable and safe for concurrent use.
type Templates struct {
	forms map[string]form // by language and kind: "en/ids"
}

// A form is what one kind of letter is written with in one language. The text's
// first line is the subject.
type form struct {
	text  *text.Template
	html  *html.Template
	alone *html.Template // the HTML without the layout around it, to try whose mistake it is
}

// CheckTemplates says everything that is wrong with the templates in a vendor's
// directory: every letter is written with them once, from samples. Each mistake
// is named by file and line.
func CheckTemplates(dir string) error {
	_, err := LoadTemplates(dir)
	return err
}

// LoadTemplates reads the templates that come with the program, and in their
// place those that the directory has under the same names: en/ids.txt,
// id/layout.html. The directory may be "", for none. Its mistakes are errors, as
// CheckTemplates says.
func LoadTemplates(dir string) (*Templates, error) {
	sources, err := readSources(dir)
	if err != nil {
		return nil, err
	}
	templates := &Templates{forms: map[string]form{}}
	var mistakes []error
	for i := range languages {
		for _, kind := range Kinds() {
			made, err := sources.form(&languages[i], kind)
			if err != nil {
				mistakes = append(mistakes, err)
				continue
			}
			templates.forms[formName(&languages[i], kind)] = made
			mistakes = append(mistakes, made.trial(&languages[i], kind))
		}
	}
	if err := joinOnce(mistakes); err != nil {
		return nil, fmt.Errorf("templates in %s:\n%w", dir, err)
	}
	return templates, nil
}

// joinOnce joins mistakes and tells each once: the layout is in every letter.
func joinOnce(mistakes []error) error {
	var told []string
	var once []error
	for _, err := range mistakes {
		if err != nil && !slices.Contains(told, err.Error()) {
			told, once = append(told, err.Error()), append(once, err)
		}
	}
	return errors.Join(once...)
}

func formName(l *language, kind Kind) string { return path.Join(l.tag, string(kind)) }

// sources are the templates' texts by name: "en/ids.txt".
type sources map[string]string

// layout is the frame of every letter of a language.
const layout = "layout"

func readSources(dir string) (sources, error) {
	own, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, err
	}
	found := sources{}
	if err := found.read(own, false); err != nil {
		return nil, fmt.Errorf("read built-in templates: %w", err)
	}
	if dir == "" {
		return found, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("read templates: %s is not a directory", dir)
	}
	if err := found.read(os.DirFS(dir), true); err != nil {
		return nil, fmt.Errorf("templates in %s: %w", dir, err)
	}
	return found, nil
}

// read takes every file; where only known names count, any other is a mistake,
// since a template that is never used would be missed by nobody.
func (s sources) read(dir fs.FS, known bool) error {
	var mistakes []error
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if _, ok := s[name]; known && !ok {
			mistakes = append(mistakes, fmt.Errorf("%s is not a template's name; the names are %s", name, s.names()))
			return nil
		}
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		s[name] = strings.ReplaceAll(string(content), "\r\n", "\n")
		return nil
	})
	return errors.Join(append(mistakes, err)...)
}

func (s sources) names() string {
	languageTags := make([]string, len(languages))
	for i := range languages {
		languageTags[i] = languages[i].tag
	}
	names := []string{layout}
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return fmt.Sprintf("{%s}/{%s}.{txt,html}", strings.Join(languageTags, ","), strings.Join(names, ","))
}

// form parses a kind's two templates, each in its language's layout.
func (s sources) form(l *language, kind Kind) (made form, err error) {
	functions := l.functions()
	frame, content := path.Join(l.tag, layout), formName(l, kind)
	made.text, err = s.parseText(frame+".txt", content+".txt", functions)
	errHTML := s.parseHTML(&made, frame+".html", content+".html", functions)
	return made, errors.Join(plainly(err), plainly(errHTML))
}

func (s sources) parseText(frame, content string, functions text.FuncMap) (*text.Template, error) {
	whole, err := text.New(frame).Funcs(functions).Parse(s[frame])
	if err != nil {
		return nil, err
	}
	inner, err := whole.New(content).Parse(s[content])
	if err != nil {
		return nil, err
	}
	_, err = whole.AddParseTree("content", inner.Tree)
	return whole, err
}

func (s sources) parseHTML(into *form, frame, content string, functions html.FuncMap) error {
	whole, err := html.New(frame).Funcs(functions).Parse(s[frame])
	if err != nil {
		return err
	}
	inner, err := whole.New(content).Parse(s[content])
	if err != nil {
		return err
	}
	if _, err := whole.AddParseTree("content", inner.Tree); err != nil {
		return err
	}
	apart, err := whole.Clone()
	if err != nil {
		return err
	}
	into.html, into.alone = whole, apart.Lookup(content)
	return nil
}

// plainly is a template's error as "file:line: what is wrong".
func plainly(err error) error {
	if err == nil {
		return nil
	}
	said := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "html/template:")
	return errors.New(strings.TrimPrefix(said, "template: "))
}
