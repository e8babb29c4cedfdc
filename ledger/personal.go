package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/vault"
)

// seal puts a person's texts into a box (R47). The person's key is durable when
// it returns.
func seal[T any](ctx context.Context, l *Ledger, who uuid.UUID, texts T) (domain.Sealed[T], error) {
	clear, err := json.Marshal(texts)
	if err != nil {
		return domain.Sealed[T]{}, fmt.Errorf("write personal texts: %w", err)
	}
	box, err := l.people.Seal(ctx, who, clear)
	if err != nil {
		return domain.Sealed[T]{}, fmt.Errorf("seal personal texts: %w", err)
	}
	return domain.Sealed[T]{Person: who, Box: box}, nil
}

// Open opens an event's personal texts in place, for somebody who may read them;
// those of a person who was forgotten are marked as erased.
func (l *Ledger) Open(ctx context.Context, e domain.Event) error {
	texts := Personal(e)
	if texts == nil {
		return nil
	}
	return l.openTexts(ctx, texts)
}

// Personal returns an event's personal texts; nil where it carries none.
func Personal(e domain.Event) domain.Personal {
	switch e := e.(type) {
	case contract.Event:
		return contract.Personal(e)
	case mail.Event:
		return mail.Personal(e)
	case partner.Event:
		return partner.Personal(e)
	case programcase.Event:
		return programcase.Personal(e)
	}
	return nil
}

// OpenRecipient opens to whom a mail went, likewise, where only its box is at
// hand.
func (l *Ledger) OpenRecipient(ctx context.Context, to *domain.Sealed[mail.Recipient]) error {
	return l.openTexts(ctx, to)
}

func (l *Ledger) openTexts(ctx context.Context, texts domain.Personal) error {
	who, box := texts.Sealing()
	if box == nil {
		return nil
	}
	clear, err := l.people.Open(ctx, who, box)
	if errors.Is(err, vault.ErrErased) {
		return texts.Open(nil)
	}
	if err != nil {
		return fmt.Errorf("open personal texts: %w", err)
	}
	return texts.Open(clear)
}

// Erase forgets a person (R47): it records which keys go, and destroys them. A
// crash in between is made good by RedoErasures at the next start. Somebody who was
// forgotten, and of whom nothing was kept since, stays so: Changed is false then.
func (l *Ledger) Erase(ctx context.Context, r Request, who uuid.UUID, reason string) (Receipt, error) {
	stream := personsPrefix + who.String()
	meta := l.meta(r, who.String())
	for range maxTries {
		receipt, err := l.erase(ctx, stream, meta, who, reason)
		if conflict := new(*eventstore.ConflictError); !errors.As(err, conflict) && !errors.Is(err, eventstore.ErrUnknown) {
			return receipt, l.count(err)
		}
	}
	return Receipt{}, ErrBusy
}

func (l *Ledger) erase(ctx context.Context, stream string, meta Meta, who uuid.UUID, reason string) (Receipt, error) {
	last, erasedAt := eventstore.NoStream, eventstore.Start
	for r, err := range l.store.ReadStream(ctx, stream, 0, eventstore.Forwards) {
		if err != nil {
			return Receipt{}, err
		}
		recorded, err := Decode(r)
		if err != nil {
			return Receipt{}, err
		}
		if last, erasedAt = r.Revision, r.Position; recorded.Meta.Command != meta.Command {
			continue
		}
		if recorded.Meta.Fingerprint != meta.Fingerprint {
			return Receipt{}, refuseReused()
		}
		return Receipt{Position: r.Position, Replayed: true, Changed: true}, l.destroy(ctx, recorded.Event.(*person.Erased))
	}
	ids, err := l.people.Keys(ctx, who)
	if err != nil {
		return Receipt{}, fmt.Errorf("find the person's keys: %w", err)
	}
	switch {
	case len(ids) > 0:
	case erasedAt != eventstore.Start:
		return Receipt{Position: erasedAt}, nil
	default:
		return Receipt{}, domain.Refuse("person-not-found", "check how the person is named", "no text of this person was ever kept")
	}
	erased := &person.Erased{Person: who, Reason: reason}
	for _, id := range ids {
		erased.Keys = append(erased.Keys, id.String())
	}
	appended, err := l.appendOne(ctx, stream, last, erased, &meta)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Position: appended.Position, Changed: true}, l.destroy(ctx, erased)
}

// destroy erases the keys that an event names.
func (l *Ledger) destroy(ctx context.Context, e *person.Erased) error {
	ids := make([]vault.KeyID, 0, len(e.Keys))
	for _, text := range e.Keys {
		id, err := vault.ParseKeyID(text)
		if err != nil {
			return fmt.Errorf("read erasure of person %s: %w", e.Person, err)
		}
		ids = append(ids, id)
	}
	if err := l.people.EraseKeys(ctx, e.Person, ids); err != nil {
		return fmt.Errorf("erase keys of person %s: %w", e.Person, err)
	}
	return nil
}

// RedoErasures destroys again what recorded erasures name: after a crash between
// the record and the key, or where older keys were put back.
func (l *Ledger) RedoErasures(ctx context.Context, erased []*person.Erased) error {
	for _, e := range erased {
		if err := l.destroy(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// appendOne records one event outside the contracts' queues.
func (l *Ledger) appendOne(ctx context.Context, stream string, last eventstore.Revision, e domain.Event, meta *Meta) (eventstore.Appended, error) {
	a, err := l.eventsOf(stream, []domain.Event{e}, meta)
	if err != nil {
		return eventstore.Appended{}, err
	}
	a.Expected = last
	return l.append(ctx, a, nil)
}

// eventsOf is an append of events, but for the revision that is expected.
func (l *Ledger) eventsOf(stream string, events []domain.Event, meta *Meta) (eventstore.Append, error) {
	a := eventstore.Append{Stream: stream, At: l.Now()}
	attempt := rand.Uint64()
	for i, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return eventstore.Append{}, fmt.Errorf("write %s: %w", e.Name(), err)
		}
		a.Events = append(a.Events, eventstore.Event{ID: eventID(meta.Command, attempt, i), Type: e.Name(), Data: data, Meta: meta.append(nil)})
	}
	return a, nil
}
