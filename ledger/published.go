package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
)

// nouns are the first words of all types, and whether subscribers are told about
// them (R38). The rest of a log is the ledger's own business: which mails went
// out, which keys of people were destroyed, which numbers a node has reserved.
var nouns = map[string]bool{
	"contract": true, "grant": true, "account": true, "link": true, "incident": true, "advisory": true,
	"partner": true, "purchase": true, "program-case": true,
	"mail": false, "person": false, "numbers": false,
}

// Published says whether an event of a type is for subscribers: whether the feed
// and the event stream carry it. A stream of the log is published whole or not
// at all, so that revisions have no gaps for a subscriber either. A noun that is
// not in the list is an error: somebody has to decide.
func Published(eventType string) (bool, error) {
	noun, _, _ := strings.Cut(eventType, ".")
	published, decided := nouns[noun]
	if !decided {
		return false, fmt.Errorf("nobody has decided whether subscribers are told about %q", eventType)
	}
	return published, nil
}

// PublishedNouns are the first words of the types that are for subscribers, also
// of those that this version does not record yet, in alphabetical order.
func PublishedNouns() (published []string) {
	for noun, told := range nouns {
		if told {
			published = append(published, noun)
		}
	}
	slices.Sort(published)
	return published
}

// PublishedTypes are the types for subscribers that this version records, in
// alphabetical order.
func PublishedTypes() []string {
	types := slices.Concat(contract.Names(), []string{(*guessing.Refused)(nil).Name(), (*guessing.Located)(nil).Name()},
		partner.Events.List(), programcase.Events.List(), purchase.Events.List())
	slices.Sort(types)
	return types
}

// streamsNamespace makes UUIDs of streams' names. It never changes.
var streamsNamespace = uuid.MustParse("5b1d9f0e-4c1a-5e0b-9d0f-3f5a6c1f7e21")

// StreamID is what subscribers know a stream by: the id of what it records where
// it is named by one, as a contract, a partner, a purchase or a case is, and a
// UUID made from the name (version 5) where it is not, as for failed links.
func StreamID(stream string) uuid.UUID {
	if id, ok := ContractOf(stream); ok {
		return id
	}
	for _, prefix := range [...]string{partnersPrefix, purchasesPrefix, casesPrefix} {
		if id, ok := idAfter(prefix, stream); ok {
			return id
		}
	}
	return uuid.NewSHA1(streamsNamespace, []byte(stream))
}
