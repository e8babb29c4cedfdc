package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// contractsProjection answers what is asked about contracts: the directory, who
// is linked, what may be used, what is due. The four share their tables since
// each needs the terms and the term of a contract beside its own.
func contractsProjection() *projection {
	return shaped(&projection{
		name: "contracts", version: 3,
		questions: []string{"links", "benefits", "due"},
		tables:    []table{contractsTable, grantsTable, linksTable},
		events: names(
			(*contract.Registered)(nil), (*contract.Promised)(nil), (*contract.Activated)(nil), (*contract.Suspended)(nil), (*contract.Resumed)(nil),
			(*contract.Cancelled)(nil), (*contract.Expired)(nil), (*contract.Renewed)(nil), (*contract.Reissued)(nil),
			(*contract.GrantAdded)(nil), (*contract.GrantAdjusted)(nil), (*contract.GrantLapsed)(nil),
			(*contract.AccountLinked)(nil), (*contract.AccountUnlinked)(nil),
			(*contract.IncidentDeducted)(nil), (*contract.IncidentCreditedBack)(nil),
			(*contract.AdvisoryTimeDeducted)(nil), (*contract.AdvisoryTimeCreditedBack)(nil),
		),
		newWork: newContractsWork,
	})
}

// contractsTable has a row for each contract. terms is its registration as JSON,
// without the Contract ID's ciphertext; the primary contact in it is sealed. seq
// is the position of its registration. inherits_from is the contract whose
// links it takes over at inherits_at, the start of its term, until that is
// recorded. promise is the event by which a blank contract was promised to come to
// life at activates_at, as JSON, with a term until promised_end; these are left
// as they are once it has. blank_since is since when a contract that is blank ought
// not to be: since activates_at, or else since it was registered. ending_at is ends_at
// of a contract that is going to end and that nothing follows yet.
var contractsTable = table{
	name: "contracts",
	columns: `seq {key} PRIMARY KEY,
	id            {bytes} NOT NULL,
	access_id     TEXT NOT NULL,
	partner_id    TEXT NOT NULL,
	terms         TEXT NOT NULL,
	registered_at BIGINT NOT NULL,
	inherits_from {bytes},
	inherits_at   BIGINT NOT NULL,
	promise       TEXT NOT NULL,
	activates_at  BIGINT NOT NULL,
	promised_end  BIGINT NOT NULL,
	state         TEXT NOT NULL,
	started       SMALLINT NOT NULL,
	starts_on     TEXT NOT NULL,
	expires_on    TEXT NOT NULL,
	starts_at     BIGINT NOT NULL,
	ends_at       BIGINT NOT NULL,
	renewal       {bytes},
	replacement   {bytes},
	missing_since BIGINT NOT NULL,
	missing       SMALLINT NOT NULL,
	due_at        BIGINT NOT NULL,
	blank_since   BIGINT NOT NULL,
	ending_at     BIGINT NOT NULL`,
	indexes: []string{
		"unique by_id: (id)",
		"by_access_id: (access_id)",
		"by_partner: (partner_id{, seq}) WHERE partner_id <> ''",
		"by_state: (state{, seq})",
		"by_inherits_from: (inherits_from) WHERE inherits_from IS NOT NULL",
		"by_due: (due_at, id) WHERE due_at > 0",
		"by_blank: (blank_since, id) WHERE blank_since > 0",
		"by_ending: (ending_at, id) WHERE ending_at > 0",
	},
	order: "seq",
}

// What is recorded of a contract's state. Time makes of it what is answered: see
// statusAt.
const (
	stateRegistered = "registered"
	stateActivated  = "activated" // waiting, active or expired, by its term
	stateSuspended  = "suspended" // until the end of its term
	stateExpired    = "expired"
	stateCancelled  = "cancelled"
)

// statusAt is a contract's status as of a time, whether or not the passing of
// time was recorded (R5).
func statusAt(state string, startsAt, endsAt, at int64) contract.Status {
	switch {
	case state == stateCancelled:
		return contract.StatusCancelled
	case state == stateExpired:
		return contract.StatusExpired
	case state == stateRegistered:
		return contract.StatusRegistered
	case at >= endsAt:
		return contract.StatusExpired
	case at < startsAt:
		return contract.StatusWaiting
	case state == stateSuspended:
		return contract.StatusSuspended
	}
	return contract.StatusActive
}

// statusIs is the same as a condition on rows.
func statusIs(status contract.Status, at int64) (condition string, args []any, ok bool) {
	const begun = "c.state IN ('activated', 'suspended')"
	const kept = "c.state = 'registered' AND c.activates_at > 0 AND c.activates_at <= ?"
	switch status {
	case contract.StatusRegistered:
		return "c.state = 'registered' AND (c.activates_at = 0 OR c.activates_at > ?)", []any{at}, true
	case contract.StatusCancelled:
		return "c.state = ?", []any{string(status)}, true
	case contract.StatusExpired:
		return "c.state = 'expired' OR " + begun + " AND c.ends_at <= ? OR " + kept + " AND c.promised_end <= ?", []any{at, at, at}, true
	case contract.StatusWaiting:
		return begun + " AND c.starts_at > ? AND c.ends_at > ?", []any{at, at}, true
	case contract.StatusSuspended:
		return "c.state = 'suspended' AND c.starts_at <= ? AND c.ends_at > ?", []any{at, at}, true
	case contract.StatusActive:
		return "c.state = 'activated' AND c.starts_at <= ? AND c.ends_at > ? OR " + kept + " AND c.promised_end > ?", []any{at, at, at, at}, true
	}
	return "", nil, false
}

// Contracts answers: which contracts are there?
type Contracts struct{ reader }

// A ContractRow is a contract in a list. Its terms are those it was registered
// with, the primary contact sealed, the Contract ID left out.
type ContractRow struct {
	ID uuid.UUID
	contract.Summary
	RegisteredAt time.Time
}

// A ContractFilter narrows the directory; empty members do not.
type ContractFilter struct {
	AccessID  string // whole, digits only
	PartnerID string
	Status    contract.Status // as of the time of the question
}

// List are the contracts of a filter, the newest first, as of a time. An unknown
// status is a *domain.Refusal.
func (c *Contracts) List(ctx context.Context, at time.Time, f ContractFilter, p Page) (List[ContractRow], error) {
	var out List[ContractRow]
	q := selecting("SELECT c.seq, "+contractColumns+" FROM {contracts} c").equal("c.access_id", f.AccessID)
	if f.PartnerID != "" {
		q.and("c.partner_id <> ''").equal("c.partner_id", f.PartnerID) // the index has no others
	}
	if f.Status != "" {
		condition, args, ok := statusIs(f.Status, micros(at))
		if !ok {
			return out, domain.RefuseField("status", "must be registered, waiting, active, suspended, expired or cancelled")
		}
		q.and(condition, args...)
	}
	question := []any{"contracts", f}
	var last uuid.UUID
	if more, err := readCursor(question, p.Cursor, &last); err != nil {
		return out, err
	} else if more {
		q.and("c.seq < (SELECT seq FROM {contracts} WHERE id = ?)", last[:])
	}
	q.then("ORDER BY c.seq DESC")
	err := c.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		var more bool
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, row *ContractRow) (bool, error) {
			return true, scanContract(scan, at, row)
		})
		if more && err == nil {
			out.Next, err = writeCursor(question, out.Items[len(out.Items)-1].ID)
		}
		return err
	})
	return out, err
}

// contractColumns are what scanContract reads.
const contractColumns = `c.id, c.terms, c.registered_at, c.promise, c.state, c.starts_on, c.expires_on, c.starts_at, c.ends_at, c.renewal, c.replacement`

// scanContract reads a contract as of a time, whatever stands before its columns
// into more.
func scanContract(scan func(...any) error, at time.Time, row *ContractRow, more ...any) error {
	var terms, promise []byte
	var state, startsOn, expiresOn string
	var registeredAt, startsAt, endsAt int64
	if len(more) == 0 {
		more = []any{new(int64)}
	}
	err := scan(append(more, &row.ID, &terms, &registeredAt, &promise, &state, &startsOn, &expiresOn, &startsAt, &endsAt, &row.Renewal, &row.Replacement)...)
	if err != nil {
		return err
	}
	row.Terms = new(contract.Registered)
	if err := json.Unmarshal(terms, row.Terms); err != nil {
		return fmt.Errorf("read terms: %w", err)
	}
	if err := row.StartsOn.UnmarshalText([]byte(startsOn)); err != nil {
		return err
	}
	if err := row.ExpiresOn.UnmarshalText([]byte(expiresOn)); err != nil {
		return err
	}
	if row.StartsOn == (catalog.Date{}) {
		row.StartsOn = row.Terms.StartsOn
	}
	row.RegisteredAt, row.StartsAt, row.EndsAt = instant(registeredAt), instant(startsAt), instant(endsAt)
	row.Status = statusAt(state, startsAt, endsAt, micros(at))
	if state == stateRegistered && len(promise) > 0 {
		return row.keep(promise, at)
	}
	return nil
}

// keep lets a blank contract have come to life by a time, if that was promised,
// whether or not it was recorded (R5, R28).
func (c *ContractRow) keep(promise []byte, at time.Time) error {
	var p contract.Promised
	if err := json.Unmarshal(promise, &p); err != nil {
		return fmt.Errorf("read promise: %w", err)
	}
	if at.Before(p.ActivatesAt) {
		return nil
	}
	c.StartsOn, c.ExpiresOn, c.StartsAt, c.EndsAt = p.StartsOn, p.ExpiresOn, p.StartsAt, p.EndsAt
	c.Status = statusAt(stateActivated, micros(p.StartsAt), micros(p.EndsAt), micros(at))
	return nil
}

// A contractRow is what changes of a contract after its registration.
type contractRow struct {
	seq                  eventstore.Position
	id                   uuid.UUID
	inheritsFrom         uuid.UUID
	inheritsAt           int64
	promise              string
	activatesAt          int64
	promisedEnd          int64
	state                string
	started              bool
	startsOn, expiresOn  string
	startsAt, endsAt     int64
	renewal, replacement uuid.UUID
	missingSince, dueAt  int64
	blankSince           int64
	missing              int64                // successors whose registration has not been seen
	registered           *contract.Registered // of a row that is not written yet
	registeredAt         int64
}
