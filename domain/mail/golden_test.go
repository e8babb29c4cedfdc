package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	golden    = "testdata/golden"
	checksums = golden + "/checksums.txt"
)

// TestGolden_EveryNameHasASampleThatDecodes reads what earlier versions wrote.
// SUPPORTLEDGER_GOLDEN=1 writes the files of events that have none, and lists
// them; it never changes one.
func TestGolden_EveryNameHasASampleThatDecodes(t *testing.T) {
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		writeMissing(t)
	}
	var sampled []string
	for _, want := range samples() {
		sampled = append(sampled, want.Name())
		data, err := os.ReadFile(filepath.Join(golden, want.Name()+".json"))
		if err != nil {
			t.Errorf("%v; make golden writes it", err)
			continue
		}
		got, err := Decode(want.Name(), data)
		if err != nil {
			t.Error(err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s means %+v, want %+v", want.Name(), got, want)
		}
		again, err := Encode(want)
		if err != nil || !bytes.Equal(again, compact(t, data)) {
			t.Errorf("%s is written otherwise than it was (%v):\n- %s\n+ %s", want.Name(), err, compact(t, data), again)
		}
	}
	slices.Sort(sampled)
	if names := slices.Sorted(maps.Keys(newEvent)); !slices.Equal(sampled, names) {
		t.Errorf("samples of %v\nnames are %v", sampled, names)
	}
}

// TestGolden_NoReleasedFileChanges compares the files with the list of what they
// were when they were written. A line of the list is never edited.
func TestGolden_NoReleasedFileChanges(t *testing.T) {
	list, err := os.ReadFile(checksums)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{filepath.Base(checksums): true}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		data, err := os.ReadFile(filepath.Join(golden, name))
		if !ok || err != nil {
			t.Errorf("line %q: %v", line, err)
			continue
		}
		listed[name] = true
		if got := checksum(data); got != sum {
			t.Errorf("%s changed; a released event keeps its shape: make a new version of the name instead", name)
		}
	}
	files, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !listed[file.Name()] {
			t.Errorf("%s is not listed in %s", file.Name(), checksums)
		}
	}
}

// TestGolden_SamplesSetEveryMember looks for members that no golden file would
// miss.
func TestGolden_SamplesSetEveryMember(t *testing.T) {
	for _, e := range samples() {
		for i, v := 0, reflect.ValueOf(e).Elem(); i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("the sample of %s leaves %s unset", e.Name(), v.Type().Field(i).Name)
			}
		}
	}
}

// TestGolden_SamplesHaveNothingInCapitals finds members without a JSON name.
func TestGolden_SamplesHaveNothingInCapitals(t *testing.T) {
	for _, e := range samples() {
		data, err := Encode(e)
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

func writeMissing(t *testing.T) {
	t.Helper()
	list, err := os.OpenFile(checksums, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	for _, e := range samples() {
		name := e.Name() + ".json"
		data, err := json.MarshalIndent(e, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(filepath.Join(golden, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, '\n')
		if _, err = file.Write(data); err == nil {
			_, err = list.WriteString(checksum(data) + "  " + name + "\n")
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
