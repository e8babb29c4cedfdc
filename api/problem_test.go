package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
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
