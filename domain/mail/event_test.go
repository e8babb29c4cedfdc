package mail

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

// TestTheNamesAreTheContractOfTheSpec lists section 6, as far as it is about
// mails, and the one name that is the ledger's own.
func TestTheNamesAreTheContractOfTheSpec(t *testing.T) {
	want := []string{"mail.given-up.v1", "mail.requested.v1", "mail.sent.v1"}
	if got := slices.Sorted(maps.Keys(newEvent)); !slices.Equal(got, want) {
		t.Errorf("names\n%v, want\n%v", got, want)
	}
	for _, name := range want {
		if !Knows(name) || newEvent[name]().Name() != name {
			t.Errorf("%s is read into something else", name)
		}
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, data := range map[string]string{
		"mail.lost.v1":     `{}`,
		"mail.sent.v2":     `{}`,
		"":                 `{}`,
		"mail.sent.v1":     `{"mail":"first"}`,
		"mail.given-up.v1": `{"mail":`,
	} {
		for what, read := range map[string]func() error{
			"decoded":  func() error { _, err := Decode(name, []byte(data)); return err },
			"replayed": func() error { return Replay(new(State), name, []byte(data)) },
		} {
			if err := read(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s is %s (%v)", name, data, what, err)
			}
		}
	}
	if Knows("mail.sent.v2") || Knows("") {
		t.Error("an unknown name is known")
	}
}

// TestARetiredNameIsReadAsWhatTookItsPlace retires a name, in a table of the
// test's own, whose shape had the reason under another member.
func TestARetiredNameIsReadAsWhatTookItsPlace(t *testing.T) {
	retired := map[string]upcast{
		"mail.given-up.v0": func(data []byte) (Event, error) {
			var old struct {
				Letter
				Why string `json:"why"`
			}
			if err := json.Unmarshal(data, &old); err != nil {
				return nil, err
			}
			return &GivenUp{Letter: old.Letter, Reason: old.Why}, nil
		},
	}
	got, err := decode(retired, "mail.given-up.v0", []byte(`{"mail":"`+first.String()+`","why":"unreachable"}`))
	if err != nil || !reflect.DeepEqual(got, Event(&GivenUp{Letter: Letter{Mail: first}, Reason: "unreachable"})) {
		t.Errorf("read as %+v (%v)", got, err)
	}
	if _, err := decode(retired, "mail.given-up.v0", []byte(`[]`)); err == nil || !strings.Contains(err.Error(), "mail.given-up.v0") {
		t.Errorf("nonsense under a retired name: %v", err)
	}
	for name := range upcasts {
		if newEvent[name] != nil {
			t.Errorf("%s is both in use and retired", name)
		}
	}
}

// TestR47_EveryPersonalTextIsFound compares the members that are sealed with
// what Personal finds.
func TestR47_EveryPersonalTextIsFound(t *testing.T) {
	for name, construct := range newEvent {
		e := construct()
		var sealed any
		for i, v := 0, reflect.ValueOf(e).Elem(); i < v.NumField(); i++ {
			if p, ok := v.Field(i).Addr().Interface().(domain.Personal); ok {
				sealed = p
			}
		}
		if found := Personal(e); sealed == nil || any(found) != sealed {
			t.Errorf("Personal finds %v in %s, want %v", found, name, sealed)
		}
	}
}

func TestEveryKindIsKnown(t *testing.T) {
	for _, kind := range Kinds() {
		if !kind.Known() {
			t.Errorf("%s is listed and not known", kind)
		}
	}
	if len(Kinds()) != 7 || Kind("greeting").Known() || Kind("").Known() {
		t.Error("the kinds are not those of R39")
	}
}
