package eventdoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// Comments are what the source says about types and their fields. A nil
// *Comments says nothing.
type Comments struct {
	types  map[string]string // by package path and name
	fields map[string]string // by package path, type and name
}

// module is the path that the source's packages begin with.
const module = "github.com/supportledger/supportledger"

// ReadComments reads the source of some packages below the module's root, with
// slashes.
func ReadComments(root string, packages ...string) (*Comments, error) {
	c := &Comments{types: map[string]string{}, fields: map[string]string{}}
	for _, folder := range packages {
		dir := filepath.Join(root, filepath.FromSlash(folder))
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		for _, entry := range entries {
			if name := entry.Name(); filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				if err := c.read(module+"/"+folder, filepath.Join(dir, name)); err != nil {
					return nil, fmt.Errorf("read source: %w", err)
				}
			}
		}
	}
	return c, nil
}

func (c *Comments) read(path, file string) error {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			kind, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			name := path + "." + kind.Name.Name
			c.types[name] = meaning(kind.Name.Name, group.Doc.Text()+kind.Doc.Text())
			if body, ok := kind.Type.(*ast.StructType); ok {
				c.readFields(name, body)
			}
		}
	}
	return nil
}

func (c *Comments) readFields(kind string, body *ast.StructType) {
	for _, f := range body.Fields.List {
		for _, name := range f.Names {
			c.fields[kind+"."+name.Name] = sentence(f.Doc.Text() + f.Comment.Text())
		}
	}
}

// Type is what a type means, as a sentence; "" where nothing is said.
func (c *Comments) Type(kind reflect.Type) string {
	if c == nil {
		return ""
	}
	return c.types[kind.PkgPath()+"."+kind.Name()]
}

// Field is what a field means, as a sentence; "" where nothing is said.
func (c *Comments) Field(kind reflect.Type, field string) string {
	if c == nil {
		return ""
	}
	return c.fields[kind.PkgPath()+"."+kind.Name()+"."+field]
}

// rule is a rule's number, which means nothing to those who read no source.
var rule = regexp.MustCompile(` \(R\d+(, R\d+)*\)`)

// meaning makes a sentence for subscribers of a comment such as "Suspended says
// that nothing can be spent.".
func meaning(name, comment string) string {
	text, _ := strings.CutPrefix(comment, name+" says that ")
	text, _ = strings.CutPrefix(text, name+" says ")
	return sentence(text)
}

// sentence puts a comment on one line, with a capital and a full stop.
func sentence(text string) string {
	text = rule.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
