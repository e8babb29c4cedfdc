// Package audit answers auditors: what happened to a contract, what its balance
// was at any moment, and whether the log is what it should be.
//
// What holds for every call:
//
//   - Nothing is written. Answers come from the log alone, never from a read
//     model, and are current: they include every record that was durable when
//     the call began (R37).
//   - A Contract ID, sealed or not, is never part of an answer (R3); a person's
//     texts are only where the caller brings an Opener (R47).
//   - A contract may have a million events: they are streamed, and memory does
//     not grow with their number.
//   - Refusals are *domain.Refusal; a damaged store is an error that wraps
//     *eventstore.CorruptError and is never skipped (R42).
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// An Opener opens the personal texts of an event in place, for a caller who may
// read them: (*ledger.Ledger).Open. Without one the texts are cut.
type Opener func(context.Context, domain.Event) error

// An Auditor reads contracts' pasts. It is safe for concurrent use.
type Auditor struct {
	store  eventstore.Store
	clock  ledger.Clock
	resume *lru.Cache[place, tally] // where pages of a history ended
}

// resumeAt is how many ends of pages are remembered.
const resumeAt = 4096

// New returns an Auditor over a store, by a clock that says what the future is.
func New(store eventstore.Store, clock ledger.Clock) (*Auditor, error) {
	resume, err := lru.New[place, tally](resumeAt)
	if err != nil {
		return nil, fmt.Errorf("make auditor: %w", err)
	}
	return &Auditor{store: store, clock: clock, resume: resume}, nil
}

// An AsOf says up to which record an answer is true, and for which time.
type AsOf struct {
	Position eventstore.Position `json:"position"`
	Time     time.Time           `json:"time"`
}

func (a *Auditor) now() time.Time { return a.clock.Now().UTC().Truncate(time.Microsecond) }

func refuseUnknown(contract uuid.UUID) *domain.Refusal {
	return domain.Refuse("contract-not-found", "check the contract's id", "there is no contract %s", contract)
}
