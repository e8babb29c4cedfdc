// Package golden holds a package's events to what they were when they were
// released: a file of JSON for each, and a list of checksums that only grows.
package golden

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

// A Shelf is a package's events: its names in alphabetical order, a sample of
// each, how they are read and written, and the folder with their files.
type Shelf[E domain.Event] struct {
	Dir     string
	Names   []string
	Samples []E
	Decode  func(name string, data []byte) (E, error)
	Encode  func(E) ([]byte, error)
}

const list = "checksums.txt"

// Decodes reads what earlier versions wrote, one file for every name.
// SUPPORTLEDGER_GOLDEN=1 writes the files of events that have none, and lists
// them; it never changes one.
func (s Shelf[E]) Decodes(t *testing.T) {
	t.Helper()
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		s.writeMissing(t)
	}
	var sampled []string
	for _, want := range s.Samples {
		sampled = append(sampled, want.Name())
		data, err := os.ReadFile(filepath.Join(s.Dir, want.Name()+".json"))
		if err != nil {
			t.Errorf("%v; make golden writes it", err)
			continue
		}
		if got, err := s.Decode(want.Name(), data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s means %+v (%v), want %+v", want.Name(), got, err, want)
		}
		again, err := s.Encode(want)
		if err != nil || !bytes.Equal(again, compact(t, data)) {
			t.Errorf("%s is written otherwise than it was (%v):\n- %s\n+ %s", want.Name(), err, compact(t, data), again)
		}
	}
	if slices.Sort(sampled); !slices.Equal(sampled, s.Names) {
		t.Errorf("samples of %v\nnames are %v", sampled, s.Names)
	}
}

// Unchanged compares the files with the list of what they were when they were
// written. A line of the list is never edited.
func (s Shelf[E]) Unchanged(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, list))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{list: true}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		data, err := os.ReadFile(filepath.Join(s.Dir, name))
		if !ok || err != nil {
			t.Errorf("line %q: %v", line, err)
			continue
		}
		if listed[name] = true; checksum(data) != sum {
			t.Errorf("%s changed; a released event keeps its shape: make a new version of the name instead", name)
		}
	}
	files, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !listed[file.Name()] {
			t.Errorf("%s is not listed in %s", file.Name(), filepath.Join(s.Dir, list))
		}
	}
}

// Complete looks for members that no file would miss, since the sample leaves
// them out.
func (s Shelf[E]) Complete(t *testing.T) {
	t.Helper()
	for _, e := range s.Samples {
		for i, v := 0, reflect.ValueOf(e).Elem(); i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("the sample of %s leaves %s unset", e.Name(), v.Type().Field(i).Name)
			}
		}
	}
}

// Named finds members without a JSON name: they are written with a capital.
func (s Shelf[E]) Named(t *testing.T) {
	t.Helper()
	for _, e := range s.Samples {
		data, err := s.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			if name != strings.ToLower(name) {
				t.Errorf("%s has a member called %s", e.Name(), name)
			}
		}
	}
}

func (s Shelf[E]) writeMissing(t *testing.T) {
	t.Helper()
	sums, err := os.OpenFile(filepath.Join(s.Dir, list), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	for _, e := range s.Samples {
		name := e.Name() + ".json"
		data, err := json.MarshalIndent(e, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(filepath.Join(s.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, '\n')
		if _, err = file.Write(data); err == nil {
			_, err = sums.WriteString(checksum(data) + "  " + name + "\n")
		}
		if err != nil || file.Close() != nil {
			t.Fatalf("write %s: %v", name, err)
		}
	}
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
