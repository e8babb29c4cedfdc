package catalogfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/catalogfile"
)

// FuzzRead holds that no file makes Read panic or answer with both or neither
// of a catalogue and mistakes, and that each mistake has a place in the file.
func FuzzRead(f *testing.F) {
	for _, name := range catalogfile.BuiltinNames() {
		text, err := catalogfile.BuiltinFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	wrong, err := os.ReadFile(filepath.Join("testdata", "mistakes.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wrong)
	for _, text := range []string{
		"", "a", "- a", "vendor: &a b\nagreement: *a", "<<: {a: b}", "? [a]\n: b", "!!str vendor: !x 1", "vendor: |\n  a\n", "vendor: ~",
		"few_left: [0x10, .inf, 1e3, 99999999999999999999]", "portals: [{id: {a: b}}]", "\x00", "\xff\xfe", "%YAML 1.2\n---\nvendor: a\n...\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalogfile.Read("x.yaml", data)
		if (c == nil) != (err != nil) {
			t.Fatalf("catalogue %v, error %v", c, err)
		}
		var mistakes catalogfile.Mistakes
		if err != nil && (!errors.As(err, &mistakes) || len(mistakes) == 0) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, m := range mistakes {
			if m.Line < 1 || m.Column < 1 || m.File != "x.yaml" || m.Problem == "" {
				t.Fatalf("%+v", m)
			}
		}
	})
}

// Without the limits this takes minutes, or the stack.
func TestHostileFilesAreRefused(t *testing.T) {
	for title, unit := range map[string]string{
		"sequences in sequences": "- ", "keys of keys": "? ", "anchors": "&a ", "tags": "!a ", "colons": "a: ", "many keys": "a: b\n",
		"quotes": `"`, "texts": "|\n", "many documents": "---\n", "lists in lists": "[", "keys in keys": "{a: ", "zeros": "\x00",
	} {
		refused(t, title, strings.Repeat(unit, catalogfile.MaxBytes/len(unit)))
		refused(t, title+", just not too many", strings.Repeat(unit, 3_000))
	}
	refused(t, "a staircase of keys", staircase(300))
	refused(t, "references", "a: &a [b, b]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n")
}

func refused(t *testing.T, title, text string) {
	t.Helper()
	if _, err := catalogfile.Read("x.yaml", []byte(text)); err == nil {
		t.Errorf("%s: taken", title)
	}
}

// staircase nests keys, each one step further in.
func staircase(steps int) string {
	var b strings.Builder
	for i := range steps {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
