package events

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Filter says which published events a subscriber wants; the zero Filter wants
// all of them.
type Filter struct {
	types  map[string]bool // nil: all
	stream string          // a contract's; "": all
}

// An UnknownTypeError names what is neither a type of published events nor the
// beginning of one.
type UnknownTypeError struct{ Name string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("no published event is called %q", e.Name)
}

// NewFilter makes a filter of a list of event types, or of their first words,
// with commas in between, and a contract; "" and Nil want all. Its error is an
// *UnknownTypeError.
func NewFilter(types string, contract uuid.UUID) (Filter, error) {
	var f Filter
	if contract != uuid.Nil {
		f.stream = contract.String()
	}
	if types == "" {
		return f, nil
	}
	f.types = map[string]bool{}
	for name := range strings.SplitSeq(types, ",") {
		if name = strings.TrimSpace(name); !f.add(name) {
			return Filter{}, &UnknownTypeError{name}
		}
	}
	return f, nil
}

// add wants all types of a name, and says whether there can be any.
func (f *Filter) add(name string) bool {
	known := slices.Contains(ledger.PublishedNouns(), name) // recorded already, or by a later version
	for _, eventType := range ledger.PublishedTypes() {
		if eventType == name || strings.HasPrefix(eventType, name+".") {
			f.types[eventType], known = true, true
		}
	}
	return known
}

// wants says whether an event belongs to the subscription.
func (f *Filter) wants(eventType, stream string) bool {
	return (f.stream == "" || f.stream == stream) && (f.types == nil || f.types[eventType])
}

// wantsRecord says whether a record belongs to the subscription.
func (f *Filter) wantsRecord(r *eventstore.Record) (bool, error) {
	published, err := ledger.Published(r.Type)
	return published && f.wants(r.Type, r.Stream), err
}
