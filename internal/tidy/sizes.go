package tidy

import "go/ast"

const (
	maxFunction = 60
	maxFile     = 400
)

// longFunctions measures a function without its largest table, for the rows of a
// table are read one at a time.
func longFunctions(f *File) (found []Finding) {
	for _, decl := range f.AST.Decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			var body *ast.BlockStmt
			name := "a function literal"
			switch n := n.(type) {
			case *ast.FuncDecl:
				name, body = n.Name.Name, n.Body
			case *ast.FuncLit:
				body = n.Body
			default:
				return true
			}
			if body == nil {
				return false
			}
			if lines := f.lines(n) - f.largestTable(body); lines > maxFunction {
				found = append(found, f.finding(n.Pos(), "%s has %d lines: what does not fit a screen of %d is not read at once", name, lines, maxFunction))
			}
			return false // what a function holds is measured with it
		})
	}
	return found
}

func (f *File) largestTable(body *ast.BlockStmt) int {
	largest := 0
	ast.Inspect(body, func(n ast.Node) bool {
		table, ok := n.(*ast.CompositeLit)
		if ok {
			largest = max(largest, f.lines(table))
		}
		return !ok
	})
	return largest
}

func longFiles(f *File) []Finding {
	if lines := f.line(f.AST.FileEnd); lines > maxFile {
		return []Finding{f.finding(f.AST.FileEnd, "the file has %d lines, more than %d: it holds more than one thought", lines, maxFile)}
	}
	return nil
}
