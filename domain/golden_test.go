package domain_test

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
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
)

// tables are the packages whose events are held to their golden files here; the
// contract's and the mail's own tests do it for theirs.
func tables() map[string]table {
	return map[string]table{
		"partner":     of(partner.Events, partner.Personal),
		"programcase": of(programcase.Events, programcase.Personal),
		"purchase":    of(purchase.Events, func(purchase.Event) domain.Personal { return nil }),
	}
}

// A table is a package's names, whatever its events are called.
type table struct {
	names    []string
	decode   func(name string, data []byte) (domain.Event, error)
	personal func(domain.Event) domain.Personal
}

func of[E domain.Event](names domain.Names[E], personal func(E) domain.Personal) table {
	return table{
		names:    names.List(),
		decode:   func(name string, data []byte) (domain.Event, error) { return names.Decode(name, data) },
		personal: func(e domain.Event) domain.Personal { return personal(e.(E)) },
	}
}

// TestTheNamesAreTheContractOfTheSpec lists section 6, as far as it is about
// partners, cases and purchases.
func TestTheNamesAreTheContractOfTheSpec(t *testing.T) {
	for pkg, want := range map[string]string{
		"partner": "partner.contact-changed.v1 partner.location-added.v1 partner.membership-renewed.v1 partner.registered.v1 " +
			"partner.toolkit-bought.v1",
		"programcase": "program-case.closed.v1 program-case.opened.v1",
		"purchase":    "purchase.registered.v1 purchase.spent.v1",
	} {
		if got := strings.Join(tables()[pkg].names, " "); got != want {
			t.Errorf("the names of %s are\n%s, want\n%s", pkg, got, want)
		}
	}
}

// TestGolden_EveryNameHasASampleThatDecodes reads what earlier versions wrote.
// SUPPORTLEDGER_GOLDEN=1 writes the files of events that have none, and lists
// them; it never changes one.
func TestGolden_EveryNameHasASampleThatDecodes(t *testing.T) {
	for pkg, names := range tables() {
		if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
			writeMissing(t, pkg)
		}
		var sampled []string
		for _, want := range samples()[pkg] {
			sampled = append(sampled, want.Name())
			data, err := os.ReadFile(filepath.Join(goldenOf(pkg), want.Name()+".json"))
			if err != nil {
				t.Errorf("%v; make golden writes it", err)
				continue
			}
			if got, err := names.decode(want.Name(), data); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s means %+v (%v), want %+v", want.Name(), got, err, want)
			}
			again, err := domain.Encode(want)
			if err != nil || !bytes.Equal(again, compact(t, data)) {
				t.Errorf("%s is written otherwise than it was (%v):\n- %s\n+ %s", want.Name(), err, compact(t, data), again)
			}
		}
		if slices.Sort(sampled); !slices.Equal(sampled, names.names) {
			t.Errorf("samples of %v\nnames are %v", sampled, names.names)
		}
	}
}

// TestGolden_NoReleasedFileChanges compares the files with the lists of what they
// were when they were written. A line of a list is never edited.
func TestGolden_NoReleasedFileChanges(t *testing.T) {
	for pkg := range tables() {
		list, err := os.ReadFile(filepath.Join(goldenOf(pkg), "checksums.txt"))
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{"checksums.txt": true}
		for line := range strings.Lines(string(list)) {
			sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
			data, err := os.ReadFile(filepath.Join(goldenOf(pkg), name))
			if listed[name] = true; !ok || err != nil || checksum(data) != sum {
				t.Errorf("%s changed (%v); a released event keeps its shape: make a new version of the name instead", name, err)
			}
		}
		files, err := os.ReadDir(goldenOf(pkg))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !listed[file.Name()] {
				t.Errorf("%s is not listed in the checksums of %s", file.Name(), pkg)
			}
		}
	}
}

// TestGolden_SamplesSetEveryMember looks for members that no golden file would
// miss, and for those without a JSON name.
func TestGolden_SamplesSetEveryMember(t *testing.T) {
	for _, events := range samples() {
		for _, e := range events {
			for i, v := 0, reflect.ValueOf(e).Elem(); i < v.NumField(); i++ {
				if v.Field(i).IsZero() || v.Type().Field(i).Tag.Get("json") == "" {
					t.Errorf("the sample of %s leaves %s unset, or it has no name", e.Name(), v.Type().Field(i).Name)
				}
			}
		}
	}
}

// TestR47_EveryPersonalTextIsFound compares the members that are sealed with what
// Personal finds.
func TestR47_EveryPersonalTextIsFound(t *testing.T) {
	for pkg, names := range tables() {
		for _, e := range samples()[pkg] {
			var sealed domain.Personal
			for i, v := 0, reflect.ValueOf(e).Elem(); i < v.NumField(); i++ {
				if p, ok := v.Field(i).Addr().Interface().(domain.Personal); ok {
					sealed = p
				}
			}
			if found := names.personal(e); found != sealed {
				t.Errorf("Personal finds %v in %s, want %v", found, e.Name(), sealed)
			}
		}
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, data := range map[string]string{
		"partner.vanished.v1": `{}`, "partner.registered.v2": `{}`, "": `{}`, "partner.registered.v1": `{"name":`,
		"partner.membership-renewed.v1": `{"renewed_on":"2026-02-30"}`,
	} {
		if e, err := partner.Events.Decode(name, []byte(data)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s %s is read as %+v (%v)", name, data, e, err)
		}
	}
	if partner.Events.Knows("partner.registered.v2") || !partner.Events.Knows("partner.registered.v1") {
		t.Error("Knows does not know which names there are")
	}
}

func goldenOf(pkg string) string { return filepath.Join(pkg, "testdata", "golden") }

func writeMissing(t *testing.T, pkg string) {
	t.Helper()
	list, err := os.OpenFile(filepath.Join(goldenOf(pkg), "checksums.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	for _, e := range samples()[pkg] {
		name := e.Name() + ".json"
		if _, err := os.Stat(filepath.Join(goldenOf(pkg), name)); err == nil {
			continue
		}
		data, err := json.MarshalIndent(e, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, '\n')
		if err = os.WriteFile(filepath.Join(goldenOf(pkg), name), data, 0o644); err == nil {
			_, err = list.WriteString(checksum(data) + "  " + name + "\n")
		}
		if err != nil {
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
