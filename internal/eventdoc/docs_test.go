package eventdoc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/eventdoc"
)

const (
	root    = "../.."
	docs    = root + "/docs"
	schemas = docs + "/schemas"
	// checksums lists the schemas that there are. A line of it is never edited.
	checksums = "testdata/checksums.txt"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entries(t testing.TB) []eventdoc.Entry {
	t.Helper()
	all, err := eventdoc.Read(root)
	must(t, err)
	return all
}

// mustEqual compares a file with what belongs into it; SUPPORTLEDGER_GOLDEN=1
// writes it.
func mustEqual(t *testing.T, path string, want []byte) {
	t.Helper()
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, want, 0o644))
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is not what the types of events say (%v); make golden writes it anew", path, err)
	}
}

// TestDocs_AreWhatTheTypesSay: schemas, the page of events, and the feed's
// description are made from the source, and nobody edits them.
func TestDocs_AreWhatTheTypesSay(t *testing.T) {
	all := entries(t)
	for i := range all {
		mustEqual(t, filepath.Join(schemas, all[i].Name+".json"), all[i].Schema)
	}
	page, err := eventdoc.Page(all)
	must(t, err)
	mustEqual(t, docs+"/events.md", page)
	feed, err := eventdoc.AsyncAPI(all)
	must(t, err)
	mustEqual(t, docs+"/asyncapi.json", feed)
}

// TestDocs_EverythingIsSaid: no type goes without a word.
func TestDocs_EverythingIsSaid(t *testing.T) {
	for _, e := range entries(t) {
		if kind := reflect.TypeOf(e.Event).Elem().Name(); len(e.Meaning) < 10 || strings.HasPrefix(e.Meaning, kind) {
			t.Errorf("%s means %q", e.Name, e.Meaning)
		}
	}
}

// TestDocs_NoReleasedSchemaChanges compares the shapes of schemas, without what
// they say to people, with the list of what they were. SUPPORTLEDGER_GOLDEN=1
// lists those that are new.
func TestDocs_NoReleasedSchemaChanges(t *testing.T) {
	list, err := os.ReadFile(checksums)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		listed[name] = true
		if got := shapeSum(t, name); !ok || got != sum {
			t.Errorf("%s changed; a released event keeps its shape: make a new version of the name instead", name)
		}
	}
	files, err := os.ReadDir(schemas)
	must(t, err)
	for _, file := range files {
		if name := file.Name(); !listed[name] {
			if os.Getenv("SUPPORTLEDGER_GOLDEN") == "" {
				t.Errorf("%s is not listed in %s; make golden lists it", name, checksums)
			}
			list = append(list, shapeSum(t, name)+"  "+name+"\n"...)
		}
	}
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		must(t, os.MkdirAll(filepath.Dir(checksums), 0o755))
		must(t, os.WriteFile(checksums, list, 0o644))
	}
}

func shapeSum(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(schemas, name))
	must(t, err)
	var schema map[string]any
	must(t, json.Unmarshal(text, &schema))
	strip(schema)
	shape, err := json.Marshal(schema)
	must(t, err)
	sum := sha256.Sum256(shape)
	return hex.EncodeToString(sum[:])
}

// strip takes out of a schema what it says to people. Members of events that are
// called like that stay.
func strip(schema map[string]any) {
	delete(schema, "description")
	delete(schema, "title")
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, p := range properties {
			strip(p.(map[string]any))
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		strip(items)
	}
	if choices, ok := schema["oneOf"].([]any); ok {
		for _, c := range choices {
			strip(c.(map[string]any))
		}
	}
}

// Files of types that are no more published stay; no other lie there.
func TestDocs_NothingElseLiesAmongTheSchemas(t *testing.T) {
	list, err := os.ReadFile(checksums)
	must(t, err)
	files, err := os.ReadDir(schemas)
	must(t, err)
	var names []string
	for line := range strings.Lines(string(list)) {
		names = append(names, strings.TrimSpace(line[66:]))
	}
	for _, file := range files {
		if !slices.Contains(names, file.Name()) {
			t.Errorf("%s is no schema of an event", file.Name())
		}
	}
	if len(files) != len(names) {
		t.Errorf("%d files, %d are listed", len(files), len(names))
	}
}
