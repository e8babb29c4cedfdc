package ledger

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// Submit creates an incident and deducts a unit for it in one append (R14-R16).
func (l *Ledger) Submit(ctx context.Context, r Request, wish *Submission) (IncidentAnswer, error) {
	sealed, err := seal(ctx, l, r.By.Account, wish.Texts)
	if err != nil {
		return IncidentAnswer{}, err
	}
	submit := wish.Submit
	submit.Account, submit.Texts = r.By.Account, sealed
	if wish.Files != nil {
		files := *wish.Files
		if files.Texts, err = seal(ctx, l, r.By.Account, *wish.Files.Texts.Clear); err != nil {
			return IncidentAnswer{}, err
		}
		submit.Files = &files
	}
	if wish.Purchase != "" {
		return l.spend(ctx, r, wish, &submit)
	}
	id := wish.Contract
	switch {
	case wish.Pair != nil:
		submit.Payment = contract.AnotherPair
		id = l.keys.ContractStream(wish.Pair.AccessID, wish.Pair.ContractID)
	case id != uuid.Nil:
		submit.Payment = contract.LinkedContract
	}
	c := &command{wish: &submit, keyed: r.Key != ""}
	if id == uuid.Nil {
		c.meta = l.meta(r, "")
		id = l.keys.Derive(c.meta.Command, "incident")
	} else {
		c.meta = l.meta(r, id.String())
	}
	try := func(ctx context.Context) error {
		return l.count(l.execute(ctx, id, c))
	}
	if wish.Pair != nil {
		err = l.byPair(ctx, r, *wish.Pair, wish.Portal, id, try)
	} else {
		err = try(ctx)
	}
	if err != nil {
		return IncidentAnswer{}, err
	}
	return l.submitted(ctx, id, c, wish)
}

// submitted describes a new incident by the events of its command alone.
func (l *Ledger) submitted(ctx context.Context, id uuid.UUID, c *command, wish *Submission) (IncidentAnswer, error) {
	answer := IncidentAnswer{Receipt: c.receipt()}
	if c.replayed {
		var revisions []eventstore.Revision
		for revision := c.first; revision <= c.last(); revision++ {
			revisions = append(revisions, eventstore.Revision(revision))
		}
		err := l.fold(ctx, id, revisions, &answer)
		return answer, err
	}
	for _, e := range c.events {
		answer.Apply(e, c.recordedAt())
	}
	answer.Texts.Clear = &wish.Texts
	if answer.Attached != nil {
		answer.Attached.Texts.Clear = wish.Files.Texts.Clear
	}
	answer.pay(id)
	return answer, nil
}

// pay names the contract that pays.
func (a *IncidentAnswer) pay(stream uuid.UUID) {
	if a.Paid {
		a.Contract = stream
	}
}

// fold adds up an incident from its records, texts opened.
func (l *Ledger) fold(ctx context.Context, stream uuid.UUID, revisions []eventstore.Revision, answer *IncidentAnswer) error {
	for _, revision := range revisions {
		r, err := l.recordAt(ctx, stream, revision)
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
		answer.Apply(e, r.RecordedAt)
	}
	answer.pay(stream)
	return nil
}

func (l *Ledger) recordAt(ctx context.Context, stream uuid.UUID, revision eventstore.Revision) (eventstore.Record, error) {
	for r, err := range l.store.ReadStream(ctx, stream.String(), revision, eventstore.Forwards) {
		return r, err
	}
	return eventstore.Record{}, fmt.Errorf("read record %s@%d: it is not there", stream, revision)
}

// Incident describes an incident as it is now (R37), texts opened.
func (l *Ledger) Incident(ctx context.Context, ref IncidentRef) (IncidentAnswer, error) {
	revisions := ref.Revisions
	look := func(s *contract.State, _ time.Time) {
		if current := s.Revisions(ref.Number); current != nil {
			revisions = revisionsOf(current, math.MaxInt64)
		}
	}
	if err := l.View(ctx, ref.Stream, look); err != nil {
		return IncidentAnswer{}, err
	}
	var answer IncidentAnswer
	err := l.fold(ctx, ref.Stream, revisions, &answer)
	return answer, err
}

// revisionsOf are an incident's revisions up to one of them.
func revisionsOf(all []int64, last int64) []eventstore.Revision {
	out := make([]eventstore.Revision, 0, len(all))
	for _, revision := range all {
		if revision <= last {
			out = append(out, eventstore.Revision(revision))
		}
	}
	return out
}

// onIncident executes a wish about an incident and describes the incident as it
// was right after it.
func (l *Ledger) onIncident(ctx context.Context, r Request, ref IncidentRef, wish contract.Command) (IncidentAnswer, error) {
	var current []int64
	var beside standing
	c := &command{
		meta: l.meta(r, ref.Number.String()), keyed: r.Key != "", wish: wish,
	}
	c.look = func(s *contract.State, at time.Time) {
		current, beside = s.Revisions(ref.Number), standingOf(s, contract.Incident, at, r.By.Account)
	}
	if err := l.count(l.execute(ctx, ref.Stream, c)); err != nil {
		return IncidentAnswer{}, err
	}
	if current == nil { // settled for good: the index knows them all
		current = int64s(ref.Revisions)
	}
	revisions := revisionsOf(current, math.MaxInt64)
	if c.changed || c.replayed {
		revisions = revisionsOf(current, c.last())
	}
	if c.replayed {
		var err error
		if beside, err = l.standingAfter(ctx, ref.Stream, c.last(), contract.Incident, r.By.Account); err != nil {
			return IncidentAnswer{}, err
		}
	}
	answer := IncidentAnswer{Receipt: c.receipt(), Linked: beside.linked}
	if err := l.fold(ctx, ref.Stream, revisions, &answer); err != nil {
		return IncidentAnswer{}, err
	}
	if answer.Paid {
		answer.Remaining, answer.Unlimited = beside.remaining, beside.unlimited
	}
	return answer, nil
}

// A standing is what an answer about a request tells of its contract: how it was
// right after the command, whichever request the last movement was for.
type standing struct {
	linked    bool
	remaining *int64 // nil where unlimited
	unlimited bool
}

func standingOf(s *contract.State, u contract.Unit, at time.Time, account uuid.UUID) standing {
	n, unlimited := s.Remaining(u, at)
	out := standing{linked: s.Linked(account), unlimited: unlimited}
	if !unlimited {
		out.remaining = &n
	}
	return out
}

// standingAfter is the standing as of a revision, for an answer that is repeated.
func (l *Ledger) standingAfter(ctx context.Context, stream uuid.UUID, revision int64, u contract.Unit, account uuid.UUID) (standing, error) {
	s, at, err := l.stateUntil(ctx, stream, func(r eventstore.Record) bool { return int64(r.Revision) <= revision })
	if err != nil {
		return standing{}, err
	}
	return standingOf(s, u, at, account), nil
}

func int64s(revisions []eventstore.Revision) []int64 {
	out := make([]int64, len(revisions))
	for i, r := range revisions {
		out[i] = int64(r)
	}
	return out
}

func who(by Actor) contract.Who {
	return contract.Who{Account: by.Account, Engineer: by.Role == Engineer}
}

// Comment says something about an incident; an engineer's first comment is the
// first response (R23).
func (l *Ledger) Comment(ctx context.Context, r Request, ref IncidentRef, text string) (IncidentAnswer, error) {
	sealed, err := seal(ctx, l, ref.Owner, contract.CommentTexts{Text: text})
	if err != nil {
		return IncidentAnswer{}, err
	}
	return l.onIncident(ctx, r, ref, &contract.Comment{Number: ref.Number, Who: who(r.By), Texts: sealed})
}

// ChangeSeverity changes how urgent an incident is (R23).
func (l *Ledger) ChangeSeverity(ctx context.Context, r Request, ref IncidentRef, severity, reason string) (IncidentAnswer, error) {
	return l.onIncident(ctx, r, ref, &contract.ChangeSeverity{Number: ref.Number, Who: who(r.By), Severity: severity, Reason: reason})
}

// Close ends an incident; a non-decrement closure code credits its unit back in
// the same append (R19).
func (l *Ledger) Close(ctx context.Context, r Request, ref IncidentRef, closure, resolution string) (IncidentAnswer, error) {
	sealed, err := seal(ctx, l, ref.Owner, contract.ResolutionTexts{Resolution: resolution})
	if err != nil {
		return IncidentAnswer{}, err
	}
	answer, err := l.onIncident(ctx, r, ref, &contract.Close{Number: ref.Number, Closure: closure, Texts: sealed})
	if refusal, ok := err.(*domain.Refusal); ok && refusal.Code == contract.AlreadyClosed {
		// One that is settled for good has left the state; its records still
		// say whether it was closed with this code.
		if past, err := l.Incident(ctx, ref); err == nil && !past.Open && past.Closure == closure {
			return past, nil
		}
	}
	return answer, err
}

// Reopen lets work on a closed incident go on (R20).
func (l *Ledger) Reopen(ctx context.Context, r Request, ref IncidentRef, reason string) (IncidentAnswer, error) {
	return l.onIncident(ctx, r, ref, &contract.Reopen{Number: ref.Number, Who: who(r.By), Reason: reason})
}

// Reclassify changes the closure code of a closed incident (R20).
func (l *Ledger) Reclassify(ctx context.Context, r Request, ref IncidentRef, closure, reason string) (IncidentAnswer, error) {
	return l.onIncident(ctx, r, ref, &contract.Reclassify{Number: ref.Number, Closure: closure, Reason: reason})
}
