package contract

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

// TestTheNamesAreTheContractOfTheSpec lists section 6, as far as it is about
// contracts, grants, links, incidents and advisory requests, and the promise of
// an activation, which has a name of our own.
func TestTheNamesAreTheContractOfTheSpec(t *testing.T) {
	want := strings.Fields(`
		contract.registered.v1 contract.activated.v1 contract.suspended.v1 contract.resumed.v1 contract.cancelled.v1
		contract.expired.v1 contract.renewed.v1 contract.reissued.v1
		grant.added.v1 grant.adjusted.v1 grant.lapsed.v1 account.linked.v1 account.unlinked.v1
		incident.submitted.v1 incident.deducted.v1 incident.commented.v1 incident.severity-changed.v1 incident.closed.v1
		incident.credited-back.v1 incident.reopened.v1 incident.reclassified.v1
		advisory.opened.v1 advisory.time-deducted.v1 advisory.time-credited-back.v1 advisory.closed.v1
		contract.promised.v1 incident.files-attached.v1 incident.right-used.v1`) // the last three are ours: a released type gains no member
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(newEvent)); !slices.Equal(got, want) {
		t.Errorf("names\n%v, want\n%v", got, want)
	}
	for _, name := range want {
		if !Knows(name) || newEvent[name]().Name() != name {
			t.Errorf("%s is read into something else", name)
		}
	}
}

// TestEveryEventIsInTheTable finds the events by their method evolve.
func TestEveryEventIsInTheTable(t *testing.T) {
	var inTable []string
	for _, construct := range newEvent {
		inTable = append(inTable, reflect.TypeOf(construct()).Elem().Name())
	}
	slices.Sort(inTable)
	if got := receiversOf(t, "evolve"); !slices.Equal(got, inTable) {
		t.Errorf("events %v\nin the table %v", got, inTable)
	}
}

// receiversOf lists the types of this package that have a method.
func receiversOf(t *testing.T, method string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var receivers []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				receivers = append(receivers, f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(receivers)
	return receivers
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, data := range map[string]string{
		"incident.vanished.v1":  `{}`,
		"incident.closed.v2":    `{}`,
		"":                      `{}`,
		"incident.closed.v1":    `{"number":`,
		"incident.deducted.v1":  `{"number":12}`,
		"grant.added.v1":        `{"grant":"12"}`,
		"contract.expired.v1":   `{"ended_at":"yesterday"}`,
		"contract.renewed.v1":   `{"starts_on":"2027-02-30"}`,
		"account.linked.v1":     `{"account":"ani"}`,
		"incident.commented.v1": `[]`,
	} {
		e, err := Decode(name, []byte(data))
		if err == nil {
			t.Errorf("%s %s is read as %+v", name, data, e)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not name it: %v", name, err)
		}
	}
	if Knows("incident.closed.v2") || Knows("") {
		t.Error("an unknown name is known")
	}
}

// TestARetiredNameIsReadAsWhatTookItsPlace retires a name, in a table of the
// test's own, whose shape had the closure code under another member.
func TestARetiredNameIsReadAsWhatTookItsPlace(t *testing.T) {
	retired := map[string]upcast{
		"incident.reclassified.v0": func(data []byte) (Event, error) {
			var old struct {
				Number Number `json:"number"`
				Code   string `json:"code"`
			}
			if err := json.Unmarshal(data, &old); err != nil {
				return nil, err
			}
			return &IncidentReclassified{Number: old.Number, Closure: old.Code}, nil
		},
	}
	got, err := decode(retired, "incident.reclassified.v0", []byte(`{"number":"260302123456789","code":"duplicate"}`))
	if err != nil || !reflect.DeepEqual(got, Event(&IncidentReclassified{Number: goldenNumber, Closure: "duplicate"})) {
		t.Errorf("read as %+v (%v)", got, err)
	}
	if _, err := decode(retired, "incident.reclassified.v0", []byte(`[]`)); err == nil || !strings.Contains(err.Error(), "incident.reclassified.v0") {
		t.Errorf("nonsense under a retired name: %v", err)
	}
	if _, err := decode(retired, "incident.reopened.v1", []byte(`{}`)); err != nil {
		t.Errorf("a name that is in use is not read any more: %v", err)
	}
	if _, err := Decode("incident.reclassified.v0", []byte(`{}`)); err == nil {
		t.Error("the test's table has become everybody's")
	}
}

func TestNoNameIsBothInUseAndRetired(t *testing.T) {
	for name := range upcasts {
		if newEvent[name] != nil {
			t.Errorf("%s is both", name)
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
		if found := Personal(e); any(found) != sealed {
			t.Errorf("Personal finds %v in %s, want %v", found, name, sealed)
		}
	}
}
