package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every code that the domain, the ledger or the auditor refuses with has a
// status, and every code has its sentences in both languages.
func TestEveryCodeHasAStatusAndSentences(t *testing.T) {
	for _, folder := range []string{"../domain", "../ledger", "../audit", "../attachments", "../transfer"} {
		for code, where := range codesIn(t, folder) {
			if statuses[code] == 0 {
				t.Errorf("%s refuses with %q, which has no status", where, code)
			}
		}
	}
	for code := range statuses {
		if sentences[code].title == "" {
			t.Errorf("%s has no English title", code)
		}
		if kalimat[code].title == "" {
			t.Errorf("%s has no Indonesian title", code)
		}
	}
	for key := range sentences {
		code, _, ofUnit := strings.Cut(key, " ")
		if statuses[code] == 0 {
			t.Errorf("%s has sentences and no status", key)
		}
		if ofUnit && kalimat[key].title == "" {
			t.Errorf("%s has no Indonesian title", key)
		}
	}
}

// codesIn finds the codes of refusals in the source: what Refuse is called with,
// and constants that name codes or reasons.
func codesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	codes := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if code, ok := codeOf(n); ok {
				codes[code] = path
			}
			return true
		})
		return nil
	})
	must(t, err)
	if len(codes) == 0 && folder != "../audit" {
		t.Fatalf("no refusal found in %s: the search is wrong", folder)
	}
	return codes
}

// codeOf is the code in a call of Refuse, in a Refusal's Code, or in a constant
// whose comment-free form is a kebab-case word used as one.
func codeOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if name(n.Fun) == "Refuse" && len(n.Args) > 1 {
			return literal(n.Args[0])
		}
	case *ast.KeyValueExpr:
		if name(n.Key) == "Code" {
			return literal(n.Value)
		}
	case *ast.ValueSpec:
		if len(n.Values) == 1 && isCodeName(n.Names[0].Name) {
			return literal(n.Values[0])
		}
	}
	return "", false
}

// isCodeName says whether a constant holds a code, by the names that are given
// to such.
func isCodeName(s string) bool {
	switch s {
	case "InvalidField", "MalformedID", "AlreadyClosed", "TooMany", "PairNotValid", "MalformedMoment", "UnknownPosition", "AlreadySent", "NotFound",
		"NotAPartner", "NotEligible", "RegionPolicy", "ReferenceUsed",
		"TooLarge", "TypeNotTaken", "QuotaExceeded", "KeyReused", "OffsetDiffers", "UploadBusy", "ImportRunning":
		return true
	}
	return strings.HasPrefix(s, "reason") && s != "reasons"
}

func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func TestLanguageOf(t *testing.T) {
	for header, want := range map[string]language{
		"": english, "en": english, "id": indonesian, "id-ID,en;q=0.8": indonesian, "en;q=0.5,id;q=0.9": indonesian,
		"fr": english, "fr,id;q=0.3": indonesian, "*": english, "id;q=0": english, "id;q=x": english, "in": indonesian,
	} {
		if got := languageOf(header); got != want {
			t.Errorf("%q: got %d, want %d", header, got, want)
		}
	}
}

// namesOnce fails where a problem names a member twice: in its list, in its sentence
// one after the other, or in its hint.
func namesOnce(t testing.TB, p *Problem) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range p.Errors {
		if seen[f.Name] {
			t.Errorf("%s is listed twice: %+v", f.Name, p)
		}
		seen[f.Name] = true
		if again, twice := strings.CutPrefix(f.Reason, f.Name); twice && !strings.ContainsAny(again[:min(1, len(again))], ".-_") {
			t.Errorf("the reason says %s again: %+v", f.Name, p)
		}
		whole := `(?:^|[^\w.\]])` + regexp.QuoteMeta(f.Name)
		if len(regexp.MustCompile(whole+" must").FindAllString(p.Detail, -1)) > 1 || len(regexp.MustCompile(whole+",").FindAllString(p.Hint+",", -1)) > 1 {
			t.Errorf("the sentence names %s twice: %+v", f.Name, p)
		}
	}
}

// Whatever is wrong with a member, and however much, it is named once.
func TestR43_AMemberIsNamedOnceWhateverIsWrongWithIt(t *testing.T) {
	f := newFuzz(t)
	f.fillPool()
	worst := []any{"", "\x00", "\n@", strings.Repeat("\x01", 70_000), "@" + strings.Repeat("x", 300), -1.5, -2_000_000_000, 2_000_000_000, []any{"", ""}, object{}, nil}
	refused := 0
	for _, call := range f.calls {
		if call.RequestBody == nil || kindOf(call) != "application/json" {
			continue
		}
		schema := call.RequestBody.Value.Content["application/json"].Schema.Value
		right := f.value(schema, "", 0).(object)
		path := strings.NewReplacer("{id}", f.pool[0], "{number}", f.pool[1]).Replace(call.path)
		if strings.HasPrefix(path, "/v1/partners/") {
			path = strings.ReplaceAll(call.path, "{id}", f.partner)
		}
		for _, bad := range worst {
			body := maps.Clone(right)
			for member := range schema.Properties {
				body[member] = bad
				if f.post(f.all(), path, body).wrongly(t) {
					refused++
				}
				body[member] = right[member]
			}
			for member, inner := range schema.Properties {
				for name := range inner.Value.Properties {
					body[member] = object{name: bad}
					if f.post(f.all(), path, body).wrongly(t) {
						refused++
					}
					body[member] = right[member]
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d requests were refused: the search is wrong", refused)
	}
}

// wrongly says whether the answer is a refusal of what was sent, and holds it to what
// problems are.
func (a answer) wrongly(t *testing.T) bool {
	t.Helper()
	if a.StatusCode < 400 {
		return false
	}
	return len(a.problem().Errors) > 0
}
