package domain_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

type texts struct {
	Name string `json:"name"`
}

var ani = uuid.MustParse("00000000-0000-4000-8000-00000000000a")

func TestR47_WhatIsRecordedIsTheBoxAndNothingElse(t *testing.T) {
	sealed := domain.Sealed[texts]{Person: ani, Box: []byte("box"), Clear: &texts{"Ani"}}
	data, err := json.Marshal(sealed)
	const want = `{"person":"00000000-0000-4000-8000-00000000000a","box":"Ym94"}`
	if err != nil || string(data) != want {
		t.Errorf("recorded as %s (%v), want %s", data, err, want)
	}
	inside, err := json.Marshal(struct{ Contact *domain.Sealed[texts] }{&sealed})
	if err != nil || strings.Contains(string(inside), "Ani") {
		t.Errorf("R47: inside another value the name is recorded: %s (%v)", inside, err)
	}
	var read domain.Sealed[texts]
	if err := json.Unmarshal(data, &read); err != nil || !reflect.DeepEqual(read, domain.Sealed[texts]{Person: ani, Box: []byte("box")}) {
		t.Errorf("read as %+v (%v)", read, err)
	}
	if err := json.Unmarshal([]byte(`{"person":"ani"}`), &read); err == nil {
		t.Error("a person that is no UUID is read")
	}
}

func TestR47_OpeningWhatWasSealed(t *testing.T) {
	sealed := domain.Sealed[texts]{Person: ani, Box: []byte("box")}
	var personal domain.Personal = &sealed
	if person, box := personal.Sealing(); person != ani || string(box) != "box" {
		t.Errorf("sealed for %v: %q", person, box)
	}
	if err := personal.Open([]byte(`{"name":"Ani"}`)); err != nil || sealed.Clear.Name != "Ani" || sealed.Erased {
		t.Errorf("opened: %+v (%v)", sealed, err)
	}
	if err := personal.Open(nil); err != nil || sealed.Clear != nil || !sealed.Erased {
		t.Errorf("after an erasure: %+v (%v)", sealed, err)
	}
	if err := personal.Open([]byte(`{"name":"Ani"}`)); err != nil || sealed.Clear == nil || sealed.Erased {
		t.Errorf("opened after all: %+v (%v)", sealed, err)
	}
	if err := personal.Open([]byte(`{"name":`)); err == nil {
		t.Error("half a text is opened")
	} else if strings.Contains(err.Error(), "Ani") {
		t.Errorf("R47: the error repeats the text: %v", err)
	}
}

// TestR47_AReplacedTextDoesNotWriteThroughToTheOld opens one value twice, as a
// reader does who keeps what was opened first.
func TestR47_AReplacedTextDoesNotWriteThroughToTheOld(t *testing.T) {
	var sealed domain.Sealed[texts]
	if err := sealed.Open([]byte(`{"name":"Ani"}`)); err != nil {
		t.Fatal(err)
	}
	first := sealed.Clear
	if err := sealed.Open([]byte(`{"name":"Budi"}`)); err != nil || first.Name != "Ani" {
		t.Errorf("the first opening now reads %q (%v)", first.Name, err)
	}
}
