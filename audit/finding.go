package audit

import (
	"fmt"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Finding names a record that is wrong, the law that it breaks, and what was
// found instead.
type Finding struct {
	Position eventstore.Position `json:"position"` // of the record, or the last good one before damage
	Stream   string              `json:"stream,omitempty"`
	Revision eventstore.Revision `json:"revision"`
	Type     string              `json:"type,omitempty"`
	Law      string              `json:"law"`
	Found    string              `json:"found"`
}

func (f *Finding) String() string {
	if f.Stream == "" {
		return fmt.Sprintf("position %v: %s; found: %s", f.Position, f.Law, f.Found)
	}
	return fmt.Sprintf("position %v, stream %s, revision %d, %s: %s; found: %s",
		f.Position, f.Stream, f.Revision, f.Type, f.Law, f.Found)
}

// The laws that verify knows, as it names them.
const (
	LawChecksum    = "R42: every record is what was written"
	LawPositions   = "positions grow strictly"
	LawTime        = "recorded time never runs backwards"
	LawRevisions   = "revisions of a stream begin at 0 and have no gaps"
	LawEventID     = "every event has an id of its own"
	LawMetadata    = "every record says who asked and by which command"
	LawDecodes     = "every record is of a type that is known and can be read"
	LawStream      = "a stream holds the events of one thing only"
	LawCommand     = "a command's records stand together, and are recorded once"
	LawReplays     = "every history can be replayed"
	LawPair        = "R2: a stream is named by the pair that its registration holds"
	LawOneContract = "R2: a stream is one contract, or one incident that none pays for"
	LawState       = "R4: a contract's state allows what is recorded"
	LawTerm        = "R5: a term is one year and its grace days, and carries its instants"
	LawLapse       = "R5: what is left lapses when its time is over, and not before"
	LawLinks       = "R7: an account links a contract once, and spends it only then"
	LawRenewal     = "R6: predecessor and successor name each other"
	LawReissue     = "R10: what a reissued contract had, its replacement gets"
	LawAtomic      = "R16, R19: what belongs together is recorded in one append"
	LawPayer       = "R18: the grant that lapses soonest pays"
	LawIncident    = "R19, R20: an incident is open or closed, and moves between the two"
	LawOnce        = "R21: for every incident, deducted minus credited back is 0 or 1"
	LawBalance     = "R22: granted + adjusted = available + consumed + lapsed + moved"
	LawNumber      = "R25: an incident's number has its check digit and is given once"
	LawAdvisory    = "R32: time is taken while a request is open, and no more is credited back than was taken"
	LawPartner     = "R27, R28: a partner has one primary contact for each place, and renews a year once"
	LawCase        = "R31: a program support case is opened once, and closed once"
	LawPurchase    = "R34: a purchase is spent once, by its account, into its own contract"
	LawMail        = "R29, R39: every sending is recorded whole, and a mail is sent once"
	LawMailCause   = "R39: what a mail is about was recorded before it"
	LawRight       = "R33: a request for somebody else says for whom and by which right"
	LawFiles       = "R26: what is attached to an incident is stored, with the content that its digest names"
	LawIndex       = "the store's index says what its log says"
	LawProjection  = "every read model equals its rebuild"
)

// wrong is a broken law, before it is known by which record: the one that is
// being looked at, or the one before it in its stream.
type wrong struct {
	law, found string
	before     bool
}

func breaks(law, format string, args ...any) *wrong {
	return &wrong{law: law, found: fmt.Sprintf(format, args...)}
}

// found is a Finding, and what tells the first of several: the number of the record
// in the log, and who found it.
type found struct {
	*Finding
	nth   int64
	stage int
}

// Who finds something about a record, in the order in which they have the word.
// Of the streams one at most has something to say about a record.
const (
	orderStage = iota
	distinctStage
	streamsStage
	damageStage // after a record that is good
)

// sooner says whether f comes before another one, or there is no other.
func (f *found) sooner(other *found) bool {
	return other == nil || f.nth < other.nth || f.nth == other.nth && f.stage < other.stage
}

// at names the record that breaks the law.
func (w *wrong) at(r *eventstore.Record, nth int64, stage int) *found {
	f := &Finding{Position: r.Position, Stream: r.Stream, Revision: r.Revision, Type: r.Type, Law: w.law, Found: w.found}
	return &found{f, nth, stage}
}

// A Result is what verifying has found. It is ok without a Finding; with one about
// the log there is nothing else in it but the head.
type Result struct {
	Records   int64               `json:"records"`
	Streams   int64               `json:"streams"`
	Contracts int64               `json:"contracts"`
	Incidents int64               `json:"incidents"`
	Head      eventstore.Position `json:"head"`
	// Pending is how many successors of renewals and reissues a crash has left
	// out; the ledger completes them when it runs.
	Pending int64 `json:"pending"`
	// Digest is the SHA-256, in hex, of every record in its order: two logs with
	// the same digest are the same.
	Digest string `json:"digest,omitempty"`
	// Finding is the first record that is wrong; nil where none is.
	Finding *Finding `json:"finding"`
}

// Progress says how far verifying is.
type Progress struct {
	Stage string `json:"stage"` // log, index, read models
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0 where it is not known
}

// recorded is a record with what it says; event is nil where it was not read.
type recorded = ledger.Recorded
