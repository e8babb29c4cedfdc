package domain_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/internal/golden"
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

// onEachShelf holds the events of each package to their files.
func onEachShelf(t *testing.T, holds func(golden.Shelf[domain.Event], *testing.T)) {
	for pkg, names := range tables() {
		t.Run(pkg, func(t *testing.T) {
			holds(golden.Shelf[domain.Event]{
				Dir: filepath.Join(pkg, "testdata", "golden"), Names: names.names, Samples: samples()[pkg], Decode: names.decode, Encode: domain.Encode,
			}, t)
		})
	}
}

func TestGolden_EveryNameHasASampleThatDecodes(t *testing.T) {
	onEachShelf(t, golden.Shelf[domain.Event].Decodes)
}

func TestGolden_NoReleasedFileChanges(t *testing.T) {
	onEachShelf(t, golden.Shelf[domain.Event].Unchanged)
}

func TestGolden_SamplesSetEveryMember(t *testing.T) {
	onEachShelf(t, golden.Shelf[domain.Event].Complete)
}

func TestGolden_SamplesHaveNothingInCapitals(t *testing.T) {
	onEachShelf(t, golden.Shelf[domain.Event].Named)
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
