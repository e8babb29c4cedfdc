package tidy

import (
	"go/ast"
	"go/token"
	"strings"
)

const owned = ": state belongs to a value that somebody owns"

// inits finds what runs before main.
func inits(f *File) (found []Finding) {
	for _, decl := range f.AST.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, f.finding(fn.Pos(), "init runs before anybody asked: wire it where it is used"))
		}
	}
	return found
}

// globals finds package variables that are, or are used as, mutable state.
// Allowed are values that are made once: errors, patterns, tables, embedded
// files; and pools, whose content nobody can tell. Locks, counters and caches
// belong to a value that somebody owns.
func globals(files []*File) (found []Finding) {
	packages := map[string]map[string]bool{}
	for _, f := range files {
		names := packages[f.Folder()]
		if names == nil {
			names = map[string]bool{}
			packages[f.Folder()] = names
		}
		found = append(found, f.variables(names)...)
	}
	for _, f := range files {
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				found = append(found, f.assignments(fn, packages[f.Folder()])...)
			}
		}
	}
	return found
}

// variables collects the package's variables into names and judges them by
// their declaration.
func (f *File) variables(names map[string]bool) (found []Finding) {
	for _, decl := range f.AST.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, s := range vars.Specs {
			spec := s.(*ast.ValueSpec)
			for i, name := range spec.Names {
				if name.Name == "_" {
					continue
				}
				names[name.Name] = true
				if reason := stateful(vars, spec, i); reason != "" {
					found = append(found, f.finding(name.Pos(), "the package variable %s %s", name.Name, reason))
				}
			}
		}
	}
	return found
}

func stateful(vars *ast.GenDecl, spec *ast.ValueSpec, i int) string {
	if embedded(vars.Doc) || embedded(spec.Doc) {
		return ""
	}
	if len(spec.Values) == 0 {
		return "begins empty" + owned
	}
	if len(spec.Values) <= i {
		return ""
	}
	switch value := spec.Values[i].(type) {
	case *ast.CompositeLit:
		if name := selection(value.Type); strings.HasPrefix(name, "sync.") && name != "sync.Pool" {
			return "is a " + name + owned
		}
	case *ast.UnaryExpr:
		if value.Op == token.AND {
			return "points to something that may change" + owned
		}
	case *ast.CallExpr:
		if name, ok := value.Fun.(*ast.Ident); ok && (name.Name == "make" || name.Name == "new") {
			return "is made empty" + owned
		}
	case *ast.BasicLit:
		return "is never anything else: make it a constant"
	}
	return ""
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, comment := range doc.List {
		if strings.HasPrefix(comment.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// assignments finds where a function changes a package variable. Names that the
// function declares itself are its own.
func (f *File) assignments(fn *ast.FuncDecl, names map[string]bool) (found []Finding) {
	own := declared(fn)
	report := func(target ast.Expr) {
		if name := base(target); name != nil && names[name.Name] && !own[name.Name] {
			found = append(found, f.finding(name.Pos(), "%s changes the package variable %s"+owned, fn.Name.Name, name.Name))
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				if n.Tok != token.DEFINE {
					report(target)
				}
			}
		case *ast.IncDecStmt:
			report(n.X)
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") {
				report(n.Args[0])
			}
		}
		return true
	})
	return found
}

// base is the variable that an assignment's target begins with.
func base(target ast.Expr) *ast.Ident {
	for {
		switch t := target.(type) {
		case *ast.Ident:
			return t
		case *ast.IndexExpr:
			target = t.X
		case *ast.SelectorExpr:
			target = t.X
		case *ast.StarExpr:
			target = t.X
		case *ast.ParenExpr:
			target = t.X
		default:
			return nil
		}
	}
}

// declared collects the names that a function declares anywhere in it.
func declared(fn *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				if name, ok := target.(*ast.Ident); ok && n.Tok == token.DEFINE {
					own[name.Name] = true
				}
			}
		case *ast.RangeStmt:
			for _, target := range []ast.Expr{n.Key, n.Value} {
				if name, ok := target.(*ast.Ident); ok && n.Tok == token.DEFINE {
					own[name.Name] = true
				}
			}
		}
		return true
	})
	return own
}
