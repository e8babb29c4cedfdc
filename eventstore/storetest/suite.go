// Package storetest states what every eventstore.Store promises, as tests that
// each store runs against itself:
//
//	storetest.Run(t, func(t testing.TB) storetest.Subject { ... })
//
// Its own tests show that it notices stores which break a promise.
package storetest

import (
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

// A Subject is a store under test, empty at first, with what the store's kind
// can do beside the contract. The suite closes the store that it ends with.
type Subject struct {
	Store eventstore.Store
	// Reopen closes the store that is open and opens what it left. Nil where
	// there is no such thing; the cases that need it do not apply then.
	Reopen func(t testing.TB) eventstore.Store
	// Crash ends the store that is open as a power cut would, and opens what it
	// left. Nil where that cannot be done in process.
	Crash func(t testing.TB) eventstore.Store
}

// A Case is one promise.
type Case struct {
	Name string
	// Needs says which capability the case needs beside the contract.
	Needs Capability
	Run   func(t testing.TB, s Subject)
}

// A Capability is something not every store under test can do.
type Capability int

// The capabilities.
const (
	Nothing Capability = iota
	Reopening
	Crashing
)

// Run runs every case that the store can be put to, each against a store of its own.
func Run(t *testing.T, open func(t testing.TB) Subject) {
	t.Helper()
	probe := open(t)
	if err := probe.Store.Close(); err != nil {
		t.Fatalf("close an empty store: %v", err)
	}
	for _, c := range Cases() {
		if !c.Possible(probe) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(t, open(t))
		})
	}
}

// Possible says whether a subject can do what the case needs.
func (c Case) Possible(s Subject) bool {
	return c.Needs == Nothing || c.Needs == Reopening && s.Reopen != nil || c.Needs == Crashing && s.Crash != nil
}

// Cases are all promises, in the order in which they are best read.
func Cases() []Case {
	var all []Case
	for _, part := range [][]Case{appendCases(), timeCases(), readCases(), orderCases(), followCases(), durableCases(), endCases()} {
		all = append(all, part...)
	}
	return all
}
