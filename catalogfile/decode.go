package catalogfile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxTokens is how many keys, values and signs a file may have: many times what
// a catalogue needs. The parser's time grows with their square where they nest
// or repeat.
const maxTokens = 30_000

// parse returns the top of the YAML document, or nil after a mistake.
func (r *reading) parse(data []byte) ast.Node {
	if len(data) > MaxBytes {
		r.cannotRead("", "is longer than %d bytes", MaxBytes)
		return nil
	}
	parsed, err := parseYAML(string(data))
	if err != nil {
		r.notYAML(err)
		return nil
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		r.cannotRead("", "must hold one YAML document with the keys of a catalogue")
		return nil
	}
	return parsed.Docs[0].Body
}

// parseYAML keeps a parser that panics on odd input from taking the program along.
func parseYAML(text string) (parsed *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the parser gave up")
		}
	}()
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		return nil, fmt.Errorf("more than %d keys, values and signs", maxTokens)
	}
	// Duplicate keys are found later, each with its place.
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func (r *reading) notYAML(err error) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		if p, ok := positionOf(syntax.Token); ok {
			r.places[""] = p
		}
		r.cannotRead("", "cannot be read as YAML: %s", syntax.Message)
		return
	}
	r.cannotRead("", "cannot be read as YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
}

func positionOf(t *token.Token) (place, bool) {
	if t == nil || t.Position == nil {
		return place{}, false
	}
	return place{t.Position.Line, t.Position.Column}, true
}

// value puts what stands at k into a value of the same form, noting unknown,
// repeated and missing keys, and values of another kind.
func (r *reading) value(k key, n ast.Node, into reflect.Value) {
	if p, ok := positionOf(first(n)); ok && k != "" {
		r.places[k] = p
	}
	switch into.Kind() {
	case reflect.Struct:
		r.mapping(k, n, into)
	case reflect.Slice:
		r.list(k, n, into)
	case reflect.String:
		r.text(k, n, into)
	case reflect.Bool:
		r.flag(k, n, into)
	case reflect.Int64:
		r.number(k, n, into)
	default:
		panic(fmt.Sprintf("catalogfile: no values of kind %s are read", into.Kind())) // a mistake in file.go
	}
}

// first is the token at which a reader looks for the value.
func first(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case nil:
		return nil
	}
	return n.GetToken()
}

func (r *reading) mapping(k key, n ast.Node, into reflect.Value) {
	entries, ok := n.(*ast.MappingNode)
	if !ok {
		r.cannotRead(k, "is %s; it must be keys with values: %s", kindOf(n), strings.Join(keysOf(into.Type()), ", "))
		return
	}
	for _, entry := range entries.Values {
		r.entry(k, entry, into)
	}
	for _, field := range fieldsOf(into.Type()) {
		name, optional := keyOf(field)
		if _, given := r.places[k.of(name)]; !given && !optional {
			r.cannotRead(k.of(name), "is missing")
		}
	}
}

func (r *reading) entry(k key, entry *ast.MappingValueNode, into reflect.Value) {
	name := entry.Key.GetToken().Value
	here := k.of(name)
	_, repeated := r.places[here]
	p, _ := positionOf(entry.Key.GetToken())
	field, known := fieldOf(into, name)
	switch {
	case !known:
		r.places[here] = p
		r.wrong(here, "no such key; keys here are %s", strings.Join(keysOf(into.Type()), ", "))
	case repeated:
		// A key of its own, so that the mistake stands where the repetition does.
		again := k.of(name + " (again)")
		r.places[again] = p
		r.wrong(again, "stands here a second time; leave one of them")
	default:
		r.places[here] = p
		r.value(here, entry.Value, field)
		if composed(entry.Value) {
			r.places[here] = p
		}
	}
}

// composed values are best looked for at their key.
func composed(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.SequenceNode, *ast.NullNode, nil:
		return true
	}
	return false
}

func (r *reading) list(k key, n ast.Node, into reflect.Value) {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		r.cannotRead(k, "is %s; it must be a list", kindOf(n))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(items.Values), len(items.Values))
	for i, item := range items.Values {
		r.value(k.at(i), item, list.Index(i))
	}
	into.Set(list)
}

func (r *reading) text(k key, n ast.Node, into reflect.Value) {
	switch n := n.(type) {
	case *ast.StringNode:
		into.SetString(n.Value)
	case *ast.LiteralNode:
		into.SetString(n.Value.Value)
	case *ast.MappingNode, *ast.SequenceNode, *ast.NullNode, *ast.AliasNode, *ast.AnchorNode, *ast.TagNode, nil:
		r.cannotRead(k, "is %s; it must be a text", kindOf(n))
	default:
		r.cannotRead(k, "is %s; it must be a text: put it in quotes", kindOf(n))
	}
}

func (r *reading) flag(k key, n ast.Node, into reflect.Value) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.cannotRead(k, "is %s; it must be true or false", kindOf(n))
		return
	}
	into.SetBool(b.Value)
}

func (r *reading) number(k key, n ast.Node, into reflect.Value) {
	whole, ok := n.(*ast.IntegerNode)
	if !ok {
		r.cannotRead(k, "is %s; it must be a whole number", kindOf(n))
		return
	}
	switch v := whole.Value.(type) {
	case int64:
		into.SetInt(v)
	case uint64:
		if v > maxNumber {
			r.wrong(k, "%d is too much; at most %d", v, int64(maxNumber))
			return
		}
		into.SetInt(int64(v))
	default:
		r.wrong(k, "is not a number that can be counted with")
	}
}

func kindOf(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.StringNode:
		return "the text " + quote(n.Value)
	case *ast.LiteralNode:
		return "a text"
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or a reference to one, which a catalogue does without"
	}
	return "something that a catalogue does without"
}

// keyOf returns the name under which a field stands in the file, and whether it
// may be left out.
func keyOf(f reflect.StructField) (name string, optional bool) {
	name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name, option == "optional"
}

// fieldsOf lists the fields that have a key, those of embedded types included.
func fieldsOf(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func keysOf(t reflect.Type) []string {
	var names []string
	for _, field := range fieldsOf(t) {
		name, _ := keyOf(field)
		names = append(names, name)
	}
	return names
}

func fieldOf(into reflect.Value, name string) (reflect.Value, bool) {
	for _, field := range fieldsOf(into.Type()) {
		if known, _ := keyOf(field); known == name {
			return into.FieldByIndex(field.Index), true
		}
	}
	return reflect.Value{}, false
}
