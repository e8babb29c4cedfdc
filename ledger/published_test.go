package ledger_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/ledger"
)

func TestR38_WhatIsPublished(t *testing.T) {
	for name, want := range map[string]bool{
		"contract.registered.v1": true, "grant.lapsed.v1": true, "account.linked.v1": true, "link.refused.v1": true,
		"incident.severity-changed.v1": true, "advisory.opened.v1": true, "partner.registered.v1": true,
		"purchase.spent.v1": true, "program-case.closed.v1": true,
		"mail.sent.v1": false, "mail.given-up.v1": false, "mail.requested.v1": false, "mail.switched-on.v1": false, "person.erased.v1": false, "numbers.reserved.v1": false,
		"contract": true,
	} {
		if got, err := ledger.Published(name); err != nil || got != want {
			t.Errorf("%q is published: %v, %v, want %v", name, got, err, want)
		}
	}
	for _, undecided := range []string{"", "contracts.registered.v1", ".x"} {
		if got, err := ledger.Published(undecided); err == nil || got {
			t.Errorf("%q is published: %v, and nobody has decided that", undecided, got)
		}
	}
}

// Everything that a ledger records is known either as published or as not.
func TestPublishedTypesAreThoseOfTheLog(t *testing.T) {
	types := ledger.PublishedTypes()
	if !slices.IsSorted(types) || !slices.Contains(types, "link.refused.v1") || !slices.Contains(types, "incident.deducted.v1") {
		t.Errorf("got %v", types)
	}
	for _, name := range types {
		if published, err := ledger.Published(name); err != nil || !published {
			t.Errorf("%s is listed and not published", name)
		}
	}
}

// A stream's id is for ever: subscribers keep what they have seen by it.
func TestStreamIDNeverChanges(t *testing.T) {
	contract := "7d1c0c52-6a3c-4b59-8a3e-6f1f3f2f9a10"
	if got := ledger.StreamID(contract); got != uuid.MustParse(contract) {
		t.Errorf("a contract is %s", got)
	}
	if got, want := ledger.StreamID("guesses").String(), "aac260a9-7635-5b1a-b279-6c7a6df05fbf"; got != want {
		t.Errorf("guesses are %s, want %s", got, want)
	}
}
