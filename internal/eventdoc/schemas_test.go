package eventdoc_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/ledger"
)

func compile(t testing.TB, file string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(file)
	must(t, err)
	return s
}

func schemaOf(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	return compile(t, filepath.Join(schemas, name+".json"))
}

func valid(s *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// Samples fit their schemas in every form in which they are shown: with personal
// texts and without, and after the person was forgotten; and no schema lets the
// recorded form through where something must not leave the house.
func TestSchemas_LetThroughWhatIsShown(t *testing.T) {
	for _, e := range entries(t) {
		s := schemaOf(t, e.Name)
		forms := map[string]func(domain.Personal) error{
			"sealed": func(domain.Personal) error { return nil },
			"erased": func(p domain.Personal) error { return p.Open(nil) },
			"opened": func(p domain.Personal) error { return p.Open(textsFor(p)) },
		}
		for form, open := range forms {
			if texts := ledger.Personal(e.Event); texts != nil {
				must(t, open(texts))
			}
			shown, err := ledger.Shown(e.Event)
			must(t, err)
			if err := valid(s, shown); err != nil {
				t.Errorf("%s, %s: %v\n%s", e.Name, form, err, shown)
			}
		}
		if recorded, err := json.Marshal(e.Event); err != nil || ledger.Personal(e.Event) != nil && valid(s, recorded) == nil {
			t.Errorf("the schema of %s lets through what is recorded: %s, %v", e.Name, recorded, err)
		}
	}
}

// textsFor are personal texts with every member set.
func textsFor(p domain.Personal) []byte {
	clear := reflect.New(reflect.TypeOf(p).Elem().Field(2).Type.Elem())
	for i := range clear.Elem().NumField() {
		if member := clear.Elem().Field(i); member.Kind() == reflect.String {
			member.SetString("x")
		} else {
			member.Set(reflect.ValueOf([]string{"x", "y"}))
		}
	}
	text, _ := json.Marshal(clear.Interface()) // a struct of strings and lists of them
	return text
}

// A schema is not let through by anything: each sample is spoiled member by
// member, and must no longer fit.
func TestSchemas_RefuseWhatIsNotShown(t *testing.T) {
	for _, e := range entries(t) {
		s := schemaOf(t, e.Name)
		text, err := ledger.Shown(e.Event)
		must(t, err)
		var members map[string]any
		must(t, json.Unmarshal(text, &members))
		spoil := func(what, name string, value any) {
			t.Helper()
			other := map[string]any{}
			for k, v := range members {
				other[k] = v
			}
			if other[name] = value; value == nil {
				delete(other, name)
			}
			spoiled, err := json.Marshal(other)
			must(t, err)
			if valid(s, spoiled) == nil {
				t.Errorf("%s with %s %s fits: %s", e.Name, name, what, spoiled)
			}
		}
		spoil("besides", "contract_id", "0098765432")
		var schema struct{ Required []string }
		must(t, json.Unmarshal(e.Schema, &schema))
		for _, name := range schema.Required {
			spoil("left out", name, nil)
		}
		for name := range members {
			spoil("as another kind", name, []any{[]any{}})
		}
	}
}

// The messages that the feed's own test holds on to fit what is written about
// them: headers, and data by their type.
func TestAsyncAPI_DescribesTheMessagesOfTheFeed(t *testing.T) {
	headers := compile(t, docs+"/asyncapi.json#/components/schemas/headers")
	text, err := os.ReadFile(filepath.Join(root, "notifications", "testdata", "messages.txt"))
	must(t, err)
	var document struct {
		Channels map[string]struct{ Address string }
	}
	feed, err := os.ReadFile(docs + "/asyncapi.json")
	must(t, err)
	must(t, json.Unmarshal(feed, &document))
	in := bufio.NewReader(bytes.NewReader(text))
	count := 0
	for ; ; count++ {
		subject, err := in.ReadString('\n')
		if err != nil {
			break
		}
		head, err := textproto.NewReader(in).ReadMIMEHeader()
		must(t, err)
		data, err := in.ReadBytes('\n')
		must(t, err)
		if _, err := in.Discard(1); err != nil && count == 0 {
			t.Fatal(err)
		}
		said := map[string]any{}
		for name, value := range http.Header(head) {
			if strings.HasPrefix(name, "Ce-") || name == "Traceparent" {
				name = strings.ToLower(name)
			}
			said[name] = value[0]
		}
		kind := fmt.Sprint(said["ce-type"])
		if err := headers.Validate(said); err != nil {
			t.Errorf("headers of %s: %v", kind, err)
		}
		if err := valid(schemaOf(t, kind), data); err != nil {
			t.Errorf("data of %s: %v", kind, err)
		}
		channel := document.Channels[kind[:strings.LastIndexByte(kind, '.')]]
		if want := strings.Replace(channel.Address, "{stream}", fmt.Sprint(said["ce-subject"]), 1); strings.TrimSpace(subject) != want {
			t.Errorf("%s is on %s, want %s", kind, subject, want)
		}
	}
	if count < 3 {
		t.Errorf("only %d messages", count)
	}
}

// asyncAPISchema is what the AsyncAPI initiative publishes of version 3.0.0, under
// the Apache License 2.0.
const asyncAPISchema = "testdata/asyncapi-3.0.0.schema.json.gz"

func TestAsyncAPI_IsValid(t *testing.T) {
	file, err := os.Open(asyncAPISchema)
	must(t, err)
	defer file.Close()
	text, err := gzip.NewReader(file)
	must(t, err)
	schema, err := jsonschema.UnmarshalJSON(text)
	must(t, err)
	c := jsonschema.NewCompiler()
	must(t, c.AddResource(asyncAPISchema, schema))
	s, err := c.Compile(asyncAPISchema)
	must(t, err)
	document, err := os.ReadFile(docs + "/asyncapi.json")
	must(t, err)
	if err := valid(s, document); err != nil {
		t.Error(err)
	}
	if spoiled := bytes.Replace(document, []byte(`"action": "send"`), []byte(`"action": "publish"`), 1); valid(s, spoiled) == nil {
		t.Error("a wrong document is valid, too")
	}
}

// Every reference of the feed's description leads somewhere, and every type that
// is published has its channel, message and operation.
func TestAsyncAPI_IsWhole(t *testing.T) {
	text, err := os.ReadFile(docs + "/asyncapi.json")
	must(t, err)
	var document map[string]any
	must(t, json.Unmarshal(text, &document))
	references(document, func(to string) {
		at, inFile := any(document), false
		path, inside := strings.CutPrefix(to, "#/")
		if !inside {
			_, err := os.Stat(filepath.Join(docs, filepath.FromSlash(to)))
			inFile = err == nil
		}
		for _, step := range strings.Split(path, "/") {
			members, _ := at.(map[string]any)
			at = members[step]
		}
		if at == nil && !inFile {
			t.Errorf("%s leads nowhere", to)
		}
	})
	get := func(path ...string) any {
		at := any(document)
		for _, step := range path {
			members, _ := at.(map[string]any)
			at = members[step]
		}
		return at
	}
	for _, e := range entries(t) {
		channel := e.Noun() + "." + e.Verb()
		for what, there := range map[string]any{
			"channel": get("channels", channel, "messages", e.Name), "operation": get("operations", "publish."+channel, "action"),
			"message": get("components", "messages", e.Name, "payload", "schema"),
		} {
			if there == nil {
				t.Errorf("%s has no %s", e.Name, what)
			}
		}
	}
	if version := get("asyncapi"); version != "3.0.0" {
		t.Errorf("the document is of AsyncAPI %v", version)
	}
}

// references shows every $ref.
func references(v any, to func(string)) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			to(ref)
		}
		for _, member := range v {
			references(member, to)
		}
	case []any:
		for _, entry := range v {
			references(entry, to)
		}
	}
}
