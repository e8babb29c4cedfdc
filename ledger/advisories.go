package ledger

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// An AdvisoryAnswer is an advisory request as it was right after a command, its
// texts opened.
type AdvisoryAnswer struct {
	Receipt
	Contract uuid.UUID
	contract.AdvisoryCase
}

// OpenAdvisory opens an advisory request on a contract that is linked, or is the
// partner's own that the account is signed in for (R32).
func (l *Ledger) OpenAdvisory(ctx context.Context, r Request, id uuid.UUID, wish contract.OpenAdvisory, texts contract.AdvisoryTexts) (AdvisoryAnswer, error) {
	sealed, err := seal(ctx, l, r.By.Account, texts)
	if err != nil {
		return AdvisoryAnswer{}, err
	}
	wish.Account, wish.Texts = r.By.Account, sealed
	c := &command{meta: l.meta(r, id.String()), keyed: r.Key != "", wish: &wish}
	var beside standing
	c.look = func(s *contract.State, at time.Time) { beside = standingOf(s, contract.Minute, at, r.By.Account) }
	if err := l.count(l.streams.execute(ctx, id, c)); err != nil {
		return AdvisoryAnswer{}, err
	}
	return l.advised(ctx, r, c, id, []eventstore.Revision{eventstore.Revision(c.last())}, beside)
}

// AdvisoryTime takes minutes for a request: all of them or none.
func (l *Ledger) AdvisoryTime(ctx context.Context, r Request, ref IncidentRef, entry string, minutes int64, text string) (AdvisoryAnswer, error) {
	sealed, err := seal(ctx, l, ref.Owner, contract.AdviceTexts{Text: text})
	if err != nil {
		return AdvisoryAnswer{}, err
	}
	return l.onAdvisory(ctx, r, ref, &contract.AdvisoryTime{Number: ref.Number, Entry: entry, Minutes: minutes, Texts: sealed})
}

// AdvisoryCredit gives minutes of a time entry back.
func (l *Ledger) AdvisoryCredit(ctx context.Context, r Request, ref IncidentRef, entry string, minutes int64, reason string) (AdvisoryAnswer, error) {
	return l.onAdvisory(ctx, r, ref, &contract.AdvisoryCredit{Number: ref.Number, Entry: entry, Minutes: minutes, Reason: reason})
}

// CloseAdvisory ends a request: no more time is taken for it.
func (l *Ledger) CloseAdvisory(ctx context.Context, r Request, ref IncidentRef, text string) (AdvisoryAnswer, error) {
	sealed, err := seal(ctx, l, ref.Owner, contract.AdviceTexts{Text: text})
	if err != nil {
		return AdvisoryAnswer{}, err
	}
	return l.onAdvisory(ctx, r, ref, &contract.CloseAdvisory{Number: ref.Number, Texts: sealed})
}

// onAdvisory executes a wish about a request and describes the request as it was
// right after it.
func (l *Ledger) onAdvisory(ctx context.Context, r Request, ref IncidentRef, wish contract.Command) (AdvisoryAnswer, error) {
	var current []int64
	var beside standing
	c := &command{meta: l.meta(r, ref.Number.String()), keyed: r.Key != "", wish: wish}
	c.look = func(s *contract.State, at time.Time) {
		current, beside = s.AdvisoryRevisions(ref.Number), standingOf(s, contract.Minute, at, r.By.Account)
	}
	if err := l.count(l.streams.execute(ctx, ref.Stream, c)); err != nil {
		return AdvisoryAnswer{}, err
	}
	if current == nil { // settled for good: the index knows them all
		current = int64s(ref.Revisions)
	}
	until := int64(math.MaxInt64)
	if c.changed || c.replayed {
		until = c.last()
	}
	return l.advised(ctx, r, c, ref.Stream, revisionsOf(current, until), beside)
}

// advised describes a request as it was right after a command.
func (l *Ledger) advised(ctx context.Context, r Request, c *command, stream uuid.UUID, revisions []eventstore.Revision, beside standing) (AdvisoryAnswer, error) {
	if c.replayed {
		var err error
		if beside, err = l.standingAfter(ctx, stream, c.last(), contract.Minute, r.By.Account); err != nil {
			return AdvisoryAnswer{}, err
		}
	}
	answer := AdvisoryAnswer{Receipt: c.receipt(), Contract: stream}
	return answer, l.foldAdvisory(ctx, revisions, beside, &answer)
}

// Advisory describes a request as it is now (R37), its texts opened.
func (l *Ledger) Advisory(ctx context.Context, ref IncidentRef) (AdvisoryAnswer, error) {
	revisions, beside := ref.Revisions, standing{}
	look := func(s *contract.State, at time.Time) {
		beside = standingOf(s, contract.Minute, at, ref.Owner)
		if current := s.AdvisoryRevisions(ref.Number); current != nil {
			revisions = revisionsOf(current, math.MaxInt64)
		}
	}
	if err := l.View(ctx, ref.Stream, look); err != nil {
		return AdvisoryAnswer{}, err
	}
	answer := AdvisoryAnswer{Contract: ref.Stream}
	return answer, l.foldAdvisory(ctx, revisions, beside, &answer)
}

// foldAdvisory adds up a request from its records, texts opened, beside what its
// contract has.
func (l *Ledger) foldAdvisory(ctx context.Context, revisions []eventstore.Revision, beside standing, answer *AdvisoryAnswer) error {
	for _, revision := range revisions {
		r, err := l.recordAt(ctx, answer.Contract, revision)
		if err != nil {
			return err
		}
		e, err := contract.Decode(r.Type, r.Data)
		if err != nil {
			return fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		if err := l.Open(ctx, e); err != nil {
			return err
		}
		answer.Apply(e)
	}
	answer.Remaining, answer.Unlimited = beside.remaining, beside.unlimited
	return nil
}
