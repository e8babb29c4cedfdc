package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
)

// An aside is a stream beside the contracts, of which there are few commands: a
// partner, a purchase, a program support case. It is read whole for each of them,
// decided on, and appended to; where somebody else was first, again.
type aside[S any, E domain.Event] struct {
	stream string
	names  domain.Names[E]
	evolve func(*S, ...E)
}

// An asideAnswer is what became of a command on an aside: the state right after
// it, and the records of the command.
type asideAnswer[S any, E domain.Event] struct {
	Receipt
	state   *S
	decided []E
	by      Meta // of the command's first record
}

// read replays an aside up to, and with, the records of a command, if it has any
// and they are still remembered; else all of it.
func (a *aside[S, E]) read(ctx context.Context, l *Ledger, meta *Meta, keyed bool) (*asideState[S, E], error) {
	s := &asideState[S, E]{asideAnswer: asideAnswer[S, E]{state: new(S)}, last: eventstore.NoStream}
	now := l.Now()
	for r, err := range l.store.ReadStream(ctx, a.stream, 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", a.stream, err)
		}
		recorded, err := ReadMeta(r.Meta)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		same := keyed && recorded.Command == meta.Command && now.Sub(r.RecordedAt) <= RememberFor
		if s.Replayed && !same {
			break
		}
		e, err := a.names.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		a.evolve(s.state, e)
		s.last, s.lastAt, s.Position = r.Revision, r.RecordedAt, r.Position
		if same {
			s.Replayed, s.Changed, s.by = true, true, recorded
			s.decided = append(s.decided, e)
		}
	}
	return s, nil
}

// asideState is an aside as it was read.
type asideState[S any, E domain.Event] struct {
	asideAnswer[S, E]
	last   eventstore.Revision
	lastAt time.Time
}

// execute decides a wish on the newest state and records what follows, or finds
// what followed from it before.
func (a *aside[S, E]) execute(ctx context.Context, l *Ledger, meta Meta, keyed bool, decide func(s *S, at time.Time) ([]E, error)) (asideAnswer[S, E], error) {
	ctx = context.WithoutCancel(ctx) // what was begun is finished, whoever waits
	for try := range maxTries {
		pause(try)
		s, err := a.read(ctx, l, &meta, keyed)
		if err != nil {
			return asideAnswer[S, E]{}, err
		}
		if s.Replayed {
			if s.by.Fingerprint != meta.Fingerprint {
				return asideAnswer[S, E]{}, l.count(refuseReused())
			}
			return s.asideAnswer, nil
		}
		if err = a.record(ctx, l, s, &meta, decide); err == nil {
			return s.asideAnswer, nil
		}
		if conflict := new(*eventstore.ConflictError); !errors.As(err, conflict) && !errors.Is(err, eventstore.ErrUnknown) {
			return asideAnswer[S, E]{}, err
		}
		l.metrics.conflicts.Inc()
	}
	return asideAnswer[S, E]{}, ErrBusy
}

// record decides a wish on a state, not before its last record, and records what
// follows, if anything does.
func (a *aside[S, E]) record(ctx context.Context, l *Ledger, s *asideState[S, E], meta *Meta, decide func(s *S, at time.Time) ([]E, error)) (err error) {
	at := l.Now()
	if at.Before(s.lastAt) {
		at = s.lastAt
	}
	if s.decided, err = decide(s.state, at); err != nil {
		return l.count(err)
	}
	if len(s.decided) == 0 {
		return nil
	}
	if err := a.append(ctx, l, s, meta, at); err != nil {
		return fmt.Errorf("record on %s: %w", a.stream, err)
	}
	return nil
}

// append records what was decided, and evolves the state by it.
func (a *aside[S, E]) append(ctx context.Context, l *Ledger, s *asideState[S, E], meta *Meta, at time.Time) error {
	attempt := rand.Uint64()
	events := make([]eventstore.Event, len(s.decided))
	for i, e := range s.decided {
		data, err := domain.Encode(e)
		if err != nil {
			return err
		}
		events[i] = eventstore.Event{ID: eventID(meta.Command, attempt, i), Type: e.Name(), Data: data, Meta: meta.append(nil)}
	}
	appended, err := l.store.Append(ctx, eventstore.Append{Stream: a.stream, Expected: s.last, Events: events, At: at})
	if err != nil {
		return err
	}
	a.evolve(s.state, s.decided...)
	s.last, s.lastAt = s.last+eventstore.Revision(len(events)), appended.RecordedAt
	s.Position, s.Changed, s.by = appended.Position, true, *meta
	l.clock.saw(appended.RecordedAt)
	return nil
}
