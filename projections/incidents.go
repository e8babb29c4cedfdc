package projections

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// requestsProjection answers what is asked about what people have asked for: where
// a number is recorded, what an account has asked for, what engineers have to do.
// The three share one row per request, since writing it once instead of three
// times is what catching up costs.
func requestsProjection() *projection {
	return shaped(&projection{
		name: "activity", version: 2,
		questions: []string{"incidents", "desk"},
		tables:    []table{requestsTable},
		events: names(
			(*contract.IncidentSubmitted)(nil), (*contract.IncidentDeducted)(nil), (*contract.IncidentRightUsed)(nil), (*contract.IncidentFilesAttached)(nil),
			(*contract.IncidentCommented)(nil),
			(*contract.IncidentSeverityChanged)(nil), (*contract.IncidentClosed)(nil), (*contract.IncidentCreditedBack)(nil),
			(*contract.IncidentReopened)(nil), (*contract.IncidentReclassified)(nil),
			(*contract.AdvisoryOpened)(nil), (*contract.AdvisoryTimeDeducted)(nil), (*contract.AdvisoryTimeCreditedBack)(nil), (*contract.AdvisoryClosed)(nil),
			(*programcase.Opened)(nil), (*programcase.Closed)(nil),
		),
		newWork: newRequestsWork,
	})
}

// requestsTable has a row for each request of somebody: incidents, advisory
// requests, program support cases. about is the contract that the latter two are
// about. seq is the position of its submission: rows are written in the order
// of the log, and lists that go by it neither lose nor double one while others
// arrive. urgency orders the desk. account_key is a short
// form of the account, for a small index.
var requestsTable = table{
	name: "requests",
	columns: `seq {key} PRIMARY KEY,
	number            BIGINT NOT NULL,
	kind              TEXT NOT NULL,
	stream            {bytes} NOT NULL,
	about             {bytes},
	revisions         {bytes} NOT NULL,
	account_key       BIGINT NOT NULL,
	account           {bytes} NOT NULL,
	paid              SMALLINT NOT NULL,
	counted           SMALLINT NOT NULL,
	portal            TEXT NOT NULL,
	product           TEXT NOT NULL,
	problem_type      TEXT NOT NULL,
	category          TEXT NOT NULL,
	subscription      TEXT NOT NULL,
	title             TEXT NOT NULL,
	language          TEXT NOT NULL,
	severity          TEXT NOT NULL,
	response_time     TEXT NOT NULL,
	response_hours    TEXT NOT NULL,
	response_due_at   BIGINT NOT NULL,
	first_response_at BIGINT NOT NULL,
	response_met      SMALLINT NOT NULL,
	opened_at         BIGINT NOT NULL,
	closed_at         BIGINT NOT NULL,
	closure           TEXT NOT NULL,
	urgency           BIGINT NOT NULL`,
	indexes: []string{
		"unique by_number: (number)",
		"by_account: (account_key{, seq})",
		"by_urgency: (urgency{, seq})",
	},
	order: "seq",
}

// Incidents answers: where is an incident recorded?
type Incidents struct{ reader }

// Find looks an incident's number up. It returns false for one that these rows have not
// seen, which is unknown only if they have seen the log's head as of the request
// (Await, R37).
func (i *Incidents) Find(ctx context.Context, n contract.Number) (ledger.IncidentRef, bool, error) {
	return i.FindKind(ctx, KindIncident, n)
}

// FindKind looks the number of a request of some kind up, likewise.
func (i *Incidents) FindKind(ctx context.Context, kind string, n contract.Number) (ledger.IncidentRef, bool, error) {
	return i.ref(ctx, "WHERE number = ? AND kind = ?", int64(n), kind)
}

// LatestOf is the latest incident of an account: its contact is the one to offer
// for the next (R14). It returns false for an account that has submitted none.
func (i *Incidents) LatestOf(ctx context.Context, account uuid.UUID) (ledger.IncidentRef, bool, error) {
	return i.ref(ctx, "WHERE account_key = ? AND account = ? AND kind = 'incident' ORDER BY seq DESC LIMIT 1", accountKey(account), account[:])
}

func (i *Incidents) ref(ctx context.Context, which string, args ...any) (ref ledger.IncidentRef, found bool, err error) {
	err = i.view(ctx, func(v *view) error {
		text := "SELECT number, stream, account, revisions FROM {requests} " + which
		return v.each(ctx, text, args, func(scan func(...any) error) (bool, error) {
			var number int64
			var revisions []byte
			if err := scan(&number, &ref.Stream, &ref.Owner, &revisions); err != nil {
				return false, err
			}
			ref.Number, found = contract.Number(number), true
			ref.Revisions, err = readRevisions(revisions)
			return false, err
		})
	})
	return ref, found, err
}

// accountKey is a short form of an account's id, which hardly any other has.
func accountKey(account uuid.UUID) int64 {
	return int64(binary.BigEndian.Uint64(account[:8]) ^ binary.BigEndian.Uint64(account[8:]))
}

// Revisions lie in a row as the differences between them.
func addRevision(to []byte, last *eventstore.Revision, next eventstore.Revision) []byte {
	to = binary.AppendUvarint(to, uint64(next-*last))
	*last = next
	return to
}

func readRevisions(b []byte) ([]eventstore.Revision, error) {
	var out []eventstore.Revision
	var last eventstore.Revision
	for len(b) > 0 {
		diff, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errors.New("the revisions of an incident are not readable")
		}
		last += eventstore.Revision(diff)
		out = append(out, last)
		b = b[n:]
	}
	return out, nil
}

func lastRevision(b []byte) (eventstore.Revision, error) {
	all, err := readRevisions(b)
	if err != nil || len(all) == 0 {
		return 0, fmt.Errorf("an incident without revisions: %w", err)
	}
	return all[len(all)-1], nil
}
