// Package tidy keeps the house as ARCHITECTURE.md says it is: who may import
// whom, how long a function may be, what no file may hold. Its test reads every
// Go file of the module as data and names file, line and reason of whatever
// breaks a rule. A rule that is in the way is changed here, with its reason, and
// not worked around.
package tidy

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Module is the path that the house's own imports begin with.
const Module = "github.com/supportledger/supportledger"

// A File is one Go file of the house.
type File struct {
	Path string // from the module's root, with slashes
	Test bool   // compiled for tests only
	Fset *token.FileSet
	AST  *ast.File
}

// A Finding is a place that breaks a rule, and why that is a rule.
type Finding struct {
	Path   string
	Line   int
	Reason string
}

// String is the form in which editors find the place.
func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Reason) }

// A Rule looks at all Go files, for some rules are about whole packages.
type Rule func([]*File) []Finding

// Rules are the rules for Go files by name.
var Rules = map[string]Rule{
	"imports go inwards only":         each(layers),
	"the domain is pure":              each(purity),
	"each driver is fenced":           each(fences),
	"functions fit a screen":          each(longFunctions),
	"files can be read at once":       each(longFiles),
	"no init":                         each(inits),
	"no global mutable state":         globals,
	"no sleeping in tests":            each(sleeps),
	"a panic says why":                each(panics),
	"a skip fails where CI=true":      each(skips),
	"nothing is left to do":           each(leftovers),
	"packages say what they promise":  packageDocs,
	"exported names say what they do": each(exportedDocs),
}

// Check applies one rule and returns what it found, in order of place.
func Check(rule Rule, files []*File) []Finding {
	found := rule(files)
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Reason, b.Reason))
	})
	return found
}

// Parse reads one Go file; path is from the module's root, with slashes.
func Parse(path string, source []byte) (*File, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse file: %w", err)
	}
	return &File{path, strings.HasSuffix(path, "_test.go"), fset, file}, nil
}

// Load reads every Go file below root but fixtures and what tools made.
func Load(root string) ([]*File, error) {
	var files []*File
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if skipped(entry.Name()) && name != root {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := load(root, name)
		if err == nil && !ast.IsGenerated(file.AST) {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

func skipped(folder string) bool {
	return folder == "testdata" || folder == "vendor" || strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

func load(root, name string) (*File, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	inside, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(inside), source)
}

// Folder is where the file lies, "." for the module's root.
func (f *File) Folder() string { return path.Dir(f.Path) }

func (f *File) line(pos token.Pos) int { return f.Fset.Position(pos).Line }

// lines counts the lines that a node touches.
func (f *File) lines(n ast.Node) int { return f.line(n.End()) - f.line(n.Pos()) + 1 }

func (f *File) finding(at token.Pos, reason string, args ...any) Finding {
	return Finding{f.Path, f.line(at), fmt.Sprintf(reason, args...)}
}

// each makes a rule of one that looks at a file at a time.
func each(check func(*File) []Finding) Rule {
	return func(files []*File) (found []Finding) {
		for _, f := range files {
			found = append(found, check(f)...)
		}
		return found
	}
}

// below says whether a slashed path is the folder or lies in it.
func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
