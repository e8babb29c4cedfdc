package tidy

import (
	"go/ast"
	"go/token"
	"strings"
)

// use is a place where a package's name is used, like time.Now.
type use struct {
	name string
	pos  token.Pos
}

// selections lists every x.y of the file where x is a plain name.
func (f *File) selections() (uses []use) {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if name := selection(s); name != "" {
				uses = append(uses, use{name, s.Pos()})
			}
		}
		return true
	})
	return uses
}

func selection(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}

// sleeps finds tests that hope.
func sleeps(f *File) (found []Finding) {
	if !f.Test {
		return nil
	}
	for _, use := range f.selections() {
		if use.name == "time.Sleep" {
			found = append(found, f.finding(use.pos, "a test that sleeps is slow or wrong: wait for what must happen, or use testing/synctest"))
		}
	}
	return found
}

// panics finds a panic without a comment on its line or on the one before.
func panics(f *File) (found []Finding) {
	commented := map[int]bool{}
	for _, group := range f.AST.Comments {
		for line := f.line(group.Pos()); line <= f.line(group.End()); line++ {
			commented[line] = true
		}
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, ok := call.Fun.(*ast.Ident)
		if line := f.line(call.Pos()); ok && name.Name == "panic" && !commented[line] && !commented[line-1] {
			found = append(found, f.finding(call.Pos(), "panic without a word: it is for the impossible only, and says why it cannot happen"))
		}
		return true
	})
	return found
}

// skips finds skipping outside of a helper that fails where CI=true.
func skips(f *File) (found []Finding) {
	for _, decl := range f.AST.Decls {
		var skipped []token.Pos
		asksCI, fails := false, false
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				switch n.Sel.Name {
				case "Skip", "Skipf", "SkipNow":
					skipped = append(skipped, n.Pos())
				case "Fatal", "Fatalf", "FailNow":
					fails = true
				}
			case *ast.BasicLit:
				asksCI = asksCI || n.Value == `"CI"`
			}
			return true
		})
		if asksCI && fails {
			continue
		}
		for _, pos := range skipped {
			found = append(found, f.finding(pos, "a skip hides what was not tested: skip in a helper that fails where CI=true (what cannot apply needs no skip but no test)"))
		}
	}
	return found
}

// unfinished are the words for work that was put off. They are written in two
// halves here, since this file is read as well.
var unfinished = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"}

// leftovers finds comments that put work off.
func leftovers(f *File) (found []Finding) {
	for _, group := range f.AST.Comments {
		for _, comment := range group.List {
			for _, word := range strings.FieldsFunc(comment.Text, notLetter) {
				for _, banned := range unfinished {
					if word == banned {
						found = append(found, f.finding(comment.Pos(), "%s: do it, or open an issue", banned))
					}
				}
			}
		}
	}
	return found
}

func notLetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }
