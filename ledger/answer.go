package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// A Request is who asks for a change, and how a repeat of it is recognised.
type Request struct {
	By   Actor
	Call string // the call's fixed name: "POST /v1/incidents"
	Key  string // the Idempotency-Key; "" for calls that are idempotent by nature (DELETE)
	Body []byte // as received: another body under the same key is refused
	// Address is where the request comes from, as a trusted proxy states it: failed
	// tries at pairs are counted by it (R8). "" where none does.
	Address string
	// Trace is the W3C trace id of the request; zero where there is none. Sampled
	// says whether whoever traces keeps it.
	Trace   [16]byte
	Sampled bool
}

// A Receipt says where an answer stands in the log.
type Receipt struct {
	Position eventstore.Position // Ledger-Position: of the command's last record, or of the last that was appended with it
	Replayed bool                // the answer was given before
	Changed  bool                // false where the wish already held
}

// A ContractAnswer is a contract as it was right after a command.
type ContractAnswer struct {
	Receipt
	ID uuid.UUID
	contract.Summary
	ContractID string // whole, from Register and Renew only (R3)
	Created    bool   // the command brought this contract into being
}

// An IncidentAnswer is an incident as it was right after a command, with the
// personal texts opened.
type IncidentAnswer struct {
	Receipt
	Contract uuid.UUID // Nil where no contract pays
	// Linked says whether the account that asked was linked to the contract then,
	// so that a repeat shows what the first answer has shown (R36).
	Linked bool
	contract.Case
}

// A Registration is an operator's wish for a contract.
type Registration struct {
	Programme            string
	AccessID, ContractID string // both, or neither to have them made; checked by ParseID
	PartnerID            string
	Country, TimeZone    string
	StartsOn             catalog.Date
	Contact              contract.ContactTexts
	Language             string
}

// A Pair is the two IDs of a contract, digits only (ParseID).
type Pair struct{ AccessID, ContractID string }

// A Submission is a customer's wish for an incident.
type Submission struct {
	contract.Submit                        // without Account, Payment and Texts; those of Files in clear
	Contract        uuid.UUID              // pays, if not Nil
	Pair            *Pair                  // pays, if not nil
	Purchase        string                 // the reference of the purchase that pays, if not ""
	Texts           contract.IncidentTexts // sealed under the account's key
}

// An IncidentRef says where an incident is recorded: what the index of incidents
// knows about a number.
type IncidentRef struct {
	Number    contract.Number
	Stream    uuid.UUID // its contract, or the stream of its own
	Owner     uuid.UUID // the account that submitted it
	Revisions []eventstore.Revision
}

// A Clock tells the time that decisions are made by.
type Clock interface{ Now() time.Time }

// A DueContract is a contract that time is about to bring something to.
type DueContract struct {
	At       time.Time
	Contract uuid.UUID
}

// An Unfinished is a decision that is to be followed by an append to another
// stream which has not been seen: a partner of whose contracts one is not
// registered, or a purchase that has become its contract and is not recorded as
// spent. One of the two is named.
type Unfinished struct{ Partner, Purchase uuid.UUID }

// ErrLater is what an agenda answers with while it is made anew from the log, after
// an upgrade: it knows nothing yet. Nothing is lost by that: what is due is part of
// every decision and every answer (R5), and is recorded once the agenda is there.
var ErrLater = errors.New("the agenda is made anew from the log")

// An Agenda knows which contracts time is about to bring something to, and what a
// crash has left half done: a view of the log that may lag, and never decides.
type Agenda interface {
	// Due are contracts for which something is due by a time, ordered by when,
	// then by id (its bytes), from the one after a given one on; the zero
	// DueContract starts at the first.
	Due(ctx context.Context, by time.Time, after DueContract, limit int) ([]DueContract, error)
	// Unfinished is what has been decided and not completed, oldest first.
	Unfinished(ctx context.Context, limit int) ([]Unfinished, error)
}

// A MailAgenda knows which mails time or an operator is about to bring about: a
// view of the log that may lag, and never decides.
type MailAgenda interface {
	// Ending are contracts whose term ends after one time and not after another,
	// ordered by when, then by id (its bytes), from the one after a given one on;
	// the zero DueContract starts at the first. Those that were cancelled,
	// replaced or renewed are not among them.
	Ending(ctx context.Context, after, until time.Time, last DueContract, limit int) ([]DueContract, error)
	// Asked are mails that were given up and asked for again since, the one that
	// was recorded first before the others.
	Asked(ctx context.Context, limit int) ([]AskedMail, error)
	// Forgotten are the mails to people who were forgotten since, by erasures that
	// were recorded after a position; with the position of the last erasure that
	// there is.
	Forgotten(ctx context.Context, after eventstore.Position) (mails []uuid.UUID, last eventstore.Position, err error)
}

// An AskedMail is a mail that an operator wants to be sent again.
type AskedMail struct {
	Mail     uuid.UUID
	Contract uuid.UUID // or the incident that no contract pays for
}
