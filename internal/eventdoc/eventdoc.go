// Package eventdoc writes down what subscribers need to know about events: a JSON
// Schema of each, a page that people read, and a description of the feed for
// programs (AsyncAPI). All of it is made from the Go types of the events and the
// comments beside their fields, and describes events as they are shown: without
// what must not leave the house.
//
// Its test holds the files below docs to what it writes. The shape of a schema
// that was released never changes; its wording may.
package eventdoc

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/ledger"
)

// An Entry is one type of event.
type Entry struct {
	Name    string // e.g. incident.submitted.v1
	Meaning string
	Event   domain.Event // a sample, with every member set
	Schema  []byte
	shape   object // the schema again
}

// Noun is the first word of the type.
func (e *Entry) Noun() string { return e.part(0) }

// Verb is its second word.
func (e *Entry) Verb() string { return e.part(1) }

func (e *Entry) part(i int) string { return strings.Split(e.Name, ".")[i] }

// Sample is how the event is shown, over several lines.
func (e *Entry) Sample() ([]byte, error) {
	shown, err := ledger.Shown(e.Event)
	if err != nil {
		return nil, err
	}
	return indent(shown)
}

func indent(text json.RawMessage) ([]byte, error) { return json.MarshalIndent(text, "", "  ") }

// packages are those whose types events are made of.
var packages = []string{
	"domain", "domain/catalog", "domain/contract", "domain/guessing", "domain/partner", "domain/programcase", "domain/purchase",
}

// Read reads the types that are published, with their samples and comments, from
// the source below the module's root.
func Read(root string) ([]Entry, error) {
	texts, err := ReadComments(root, packages...)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, name := range ledger.PublishedTypes() {
		e, err := sample(root, name)
		if err != nil {
			return nil, err
		}
		entry := Entry{Name: name, Event: e, Meaning: texts.Type(reflect.TypeOf(e).Elem())}
		if entry.shape, err = schema(e, texts); err != nil {
			return nil, err
		}
		if entry.Schema, err = json.MarshalIndent(entry.shape, "", "  "); err != nil {
			return nil, fmt.Errorf("write schema of %s: %w", name, err)
		}
		entry.Schema = append(entry.Schema, '\n')
		all = append(all, entry)
	}
	return all, nil
}

// sample finds an event's golden file, whichever package it belongs to.
func sample(root, name string) (domain.Event, error) {
	found, err := filepath.Glob(filepath.Join(root, "domain", "*", "testdata", "golden", name+".json"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("find a sample of %s: there are %d golden files", name, len(found))
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		return nil, fmt.Errorf("read sample: %w", err)
	}
	return ledger.DecodeEvent(name, data)
}
