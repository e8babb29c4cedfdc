package eventdoc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const pageIntro = `# Events

What a subscriber reads, type by type. This page is made from the types of the program and the comments in its source
(` + "`make golden`" + `), as are the JSON Schemas in [schemas](schemas). How to subscribe, and what stands around each event, is told in
[subscribing.md](subscribing.md).

A type is ` + "`noun.verb.version`" + `. Names never change, and neither does the shape of a version: a new shape is a new version, and no member
is ever added to an old one. Members that are not always there are left out, and never null unless it says so here. Times are RFC 3339 in
UTC; days are days in the contract's own zone.

Personal texts are left out unless the subscriber may read them; of a person who was forgotten they are the string ` + "`erased`" + `. The
samples are without them. A Contract ID is never part of an event.
`

// Page is docs/events.md.
func Page(entries []Entry) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(pageIntro)
	noun := ""
	for i := range entries {
		e := &entries[i]
		if e.Noun() != noun {
			noun = e.Noun()
			fmt.Fprintf(&b, "\n## %s\n", noun)
		}
		sample, err := e.Sample()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s Its [schema](schemas/%s.json).\n\n", e.Name, e.Meaning, e.Name)
		b.WriteString("| member | holds | there | meaning |\n| --- | --- | --- | --- |\n")
		rows(&b, "", e.shape)
		fmt.Fprintf(&b, "\n```json\n%s\n```\n", sample)
	}
	return b.Bytes(), nil
}

// rows writes a row for each member of an object, and of the objects in it.
func rows(b *bytes.Buffer, prefix string, of object) {
	properties, _ := of.get("properties").(object)
	required, _ := of.get("required").([]string)
	for _, m := range properties {
		schema := m.value.(object)
		there := "sometimes"
		if slices.Contains(required, m.name) {
			there = "always"
		}
		meaning, _ := schema.get("description").(string)
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", prefix, m.name, holds(schema), there, meaning)
		inner, suffix := schema, "."
		if items, ok := schema.get("items").(object); ok {
			inner, suffix = items, "[]."
		}
		if choices, ok := schema.get("oneOf").([]any); ok {
			inner = choices[0].(object)
		}
		rows(b, prefix+m.name+suffix, inner)
	}
}

// holds says in a few words what a schema lets through.
func holds(schema object) string {
	if items, ok := schema.get("items").(object); ok {
		return "list of: " + holds(items)
	}
	if choices, ok := schema.get("enum").([]any); ok {
		words := make([]string, len(choices))
		for i, c := range choices {
			words[i] = fmt.Sprintf("`%v`", c)
		}
		return strings.Join(words, ", ")
	}
	if schema.get("oneOf") != nil {
		return "object, or `erased`"
	}
	switch schema.get("format") {
	case "date-time":
		return "time"
	case "date":
		return "day"
	case "uuid":
		return "UUID"
	}
	if pattern := schema.get("pattern"); pattern != nil {
		return fmt.Sprintf("string `%v`", pattern)
	}
	if kinds, ok := schema.get("type").([]any); ok {
		return fmt.Sprintf("%v or %v", kinds...)
	}
	return fmt.Sprint(schema.get("type"))
}
