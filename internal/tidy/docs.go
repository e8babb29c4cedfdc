package tidy

import (
	"go/ast"
	"go/token"
)

// packageDocs finds packages without a comment of promises.
func packageDocs(files []*File) (found []Finding) {
	documented, first := map[string]bool{}, map[string]*File{}
	for _, f := range files {
		if f.Test {
			continue
		}
		folder := f.Folder()
		documented[folder] = documented[folder] || f.AST.Doc != nil
		if first[folder] == nil {
			first[folder] = f
		}
	}
	for folder, f := range first {
		if !documented[folder] {
			found = append(found, f.finding(f.AST.Package, "package %s has no comment: say what it promises (order, durability, concurrency)", f.AST.Name.Name))
		}
	}
	return found
}

// exportedDocs finds exported names that say nothing to whoever calls them.
func exportedDocs(f *File) (found []Finding) {
	if f.Test || f.AST.Name.Name == "main" {
		return nil
	}
	report := func(name *ast.Ident) {
		found = append(found, f.finding(name.Pos(), "%s is exported and has no comment: say what its caller needs", name.Name))
	}
	for _, decl := range f.AST.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Doc == nil && decl.Name.IsExported() && !customary(decl) && receiverExported(decl) {
				report(decl.Name)
			}
		case *ast.GenDecl:
			for _, name := range undocumented(decl) {
				report(name)
			}
		}
	}
	return found
}

// undocumented lists exported names that neither they nor their group explain.
func undocumented(decl *ast.GenDecl) (names []*ast.Ident) {
	if decl.Doc != nil && decl.Tok != token.TYPE {
		return nil
	}
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && decl.Doc == nil {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// customary are methods whose meaning is the same everywhere.
func customary(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return false
	}
	switch fn.Name.Name {
	case "String", "Error", "Unwrap", "Is":
		return true
	}
	return false
}

func receiverExported(fn *ast.FuncDecl) bool {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return true
	}
	kind := fn.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.IndexListExpr:
			kind = k.X
		case *ast.Ident:
			return k.IsExported()
		default:
			return true
		}
	}
}
