package ledger

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
)

// publishedNouns are what subscribers are told about (R38). The rest of a log is
// the ledger's own business: which mails went out, which keys of people were
// destroyed, which numbers a node has reserved.
var publishedNouns = [...]string{
	"contract", "grant", "account", "link", "incident", "advisory", "partner", "purchase", "program-case",
}

// Published says whether an event of a type is for subscribers: whether the feed
// and the event stream carry it. A stream of the log is published whole or not
// at all, so that revisions have no gaps for a subscriber either.
func Published(eventType string) bool {
	noun, _, _ := strings.Cut(eventType, ".")
	return slices.Contains(publishedNouns[:], noun)
}

// PublishedNouns are the first words of the types that are for subscribers, also
// of those that this version does not record yet.
func PublishedNouns() []string { return slices.Clone(publishedNouns[:]) }

// PublishedTypes are the types for subscribers that this version records, in
// alphabetical order.
func PublishedTypes() []string {
	types := append(contract.Names(), (*guessing.Refused)(nil).Name())
	slices.Sort(types)
	return types
}

// streamsNamespace makes UUIDs of streams' names. It never changes.
var streamsNamespace = uuid.UUID{0x5b, 0x0e, 0x5f, 0x5a, 0x2c, 0x0a, 0x4b, 0x5e, 0x9d, 0x43, 0x1f, 0x86, 0x7a, 0xc1, 0x33, 0xd8}

// StreamID is what subscribers know a stream by: its own name where that is a
// UUID, as a contract's is, and a UUID made from the name (version 5) where it is
// not, as for failed links.
func StreamID(stream string) uuid.UUID {
	if id, ok := ContractOf(stream); ok {
		return id
	}
	return uuid.NewSHA1(streamsNamespace, []byte(stream))
}
