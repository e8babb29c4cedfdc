package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
)

// A KeptPartner is what is recorded of a partner that an import is about.
type KeptPartner struct {
	ID uuid.UUID
	// Terms is how it was registered, nil where it was not; Added are its
	// locations as they were added. State is the partner now. All contacts are
	// opened, or erased.
	Terms *partner.Registered
	Added map[uuid.UUID]*partner.LocationAdded
	State *partner.State
	// Events are what is recorded, not opened.
	Events []partner.Event
	acts   map[uuid.UUID][16]byte // fingerprints by command
	last   eventstore.Revision
	lastAt time.Time
}

// ImportPartnerID is the partner that files call by a reference: one that was
// imported by it, or one whose id in the ledger it is.
func (l *Ledger) ImportPartnerID(ctx context.Context, reference string) (uuid.UUID, error) {
	derived := l.keys.Derive(uuid.Nil, "imported partner "+reference)
	id, err := uuid.Parse(reference)
	if err != nil || id.String() != reference {
		return derived, nil
	}
	for _, known := range [...]uuid.UUID{derived, id} {
		for _, err := range l.store.ReadStream(ctx, partnersPrefix+known.String(), 0, eventstore.Forwards) {
			if err != nil {
				return uuid.Nil, fmt.Errorf("read partner %s: %w", known, err)
			}
			return known, nil
		}
	}
	return derived, nil
}

// KeptPartner reads the partner that files call by a reference.
func (l *Ledger) KeptPartner(ctx context.Context, reference string) (*KeptPartner, error) {
	id, err := l.ImportPartnerID(ctx, reference)
	if err != nil {
		return nil, err
	}
	return l.keptPartner(ctx, id)
}

func (l *Ledger) keptPartner(ctx context.Context, id uuid.UUID) (*KeptPartner, error) {
	k := &KeptPartner{
		ID: id, Added: map[uuid.UUID]*partner.LocationAdded{}, State: new(partner.State), acts: map[uuid.UUID][16]byte{}, last: eventstore.NoStream,
	}
	a := l.partners(id)
	for r, err := range l.store.ReadStream(ctx, a.stream, 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", a.stream, err)
		}
		e, err := a.names.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		meta, err := ReadMeta(r.Meta)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		partner.Evolve(k.State, e)
		k.last, k.lastAt = r.Revision, r.RecordedAt
		if err := k.note(ctx, l, &meta, e); err != nil {
			return nil, err
		}
	}
	return k, l.openContacts(ctx, k.State)
}

// note takes in what is recorded next, beside the state.
func (k *KeptPartner) note(ctx context.Context, l *Ledger, meta *Meta, e partner.Event) error {
	if meta.Imported() {
		k.acts[meta.Command] = meta.Fingerprint
	}
	k.Events = append(k.Events, e)
	switch e := e.(type) {
	case *partner.Registered:
		terms := *e // the event is not opened
		k.Terms = &terms
		return l.openTexts(ctx, &terms.Contact)
	case *partner.LocationAdded:
		added := *e
		k.Added[e.Location] = &added
		return l.openTexts(ctx, &added.Contact)
	}
	return nil
}

// ImportLocationID is the location that files call by a reference: one of the
// partner's that was imported by it, or whose id it is.
func (l *Ledger) ImportLocationID(k *KeptPartner, reference string) uuid.UUID {
	derived := l.keys.Derive(k.ID, "imported location "+reference)
	if id, err := uuid.Parse(reference); err == nil && id.String() == reference && k.Added[derived] == nil && k.Added[id] != nil {
		return id
	}
	return derived
}

// ContactID is the person behind an e-mail address.
func (l *Ledger) ContactID(email string) uuid.UUID { return l.keys.Contact(email) }

// A PartnerAct is one thing that an import does to a partner.
type PartnerAct struct {
	Partner uuid.UUID
	Name    string // "partner", "location <id>", "contact <place> <person>", "year", "toolkit <contract>"
	Content []byte // what it was asked with: another content is another wish
	Wish    partner.Command
	Contact Person // whom the wish names; zero where it names nobody
}

// PartnerDone says whether an act was recorded, and whether with another content.
func (l *Ledger) PartnerDone(k *KeptPartner, act *PartnerAct) (done, otherwise bool) {
	fingerprint, done := k.acts[l.partnerCommand(act)]
	return done, done && fingerprint != l.keys.Fingerprint(act.Content)
}

func (l *Ledger) partnerCommand(act *PartnerAct) uuid.UUID {
	return l.keys.Command(uuid.Nil, ImportPortal, act.Partner.String(), act.Name)
}

// RehearsePartner decides a wish about a partner as it would be, and records
// nothing.
func (l *Ledger) RehearsePartner(s *partner.State, wish partner.Command) (refusal *domain.Refusal) {
	_, err := partner.Decide(s, l.partnerMoment(l.Now()), wish)
	errors.As(err, &refusal)
	return refusal
}

func (l *Ledger) partnerMoment(at time.Time) partner.Moment {
	return partner.Moment{At: at, Catalog: l.catalog, Zone: l.zones.find}
}

// ImportPartner carries out an act on a partner as it was kept, unless it was
// recorded before, whenever that was. It says whether something was recorded now,
// and what is kept then has it, its contact not opened: a partner to which a file
// does much is read once, and not for every row.
func (l *Ledger) ImportPartner(ctx context.Context, by Actor, k *KeptPartner, act *PartnerAct) (changed bool, err error) {
	wish, err := l.sealWish(ctx, act)
	if err != nil {
		return false, err
	}
	by.Portal = ImportPortal
	meta := Meta{By: by, Catalog: l.digest, Command: l.partnerCommand(act), Fingerprint: l.keys.Fingerprint(act.Content)}
	for try := range maxTries {
		pause(try)
		if done, otherwise := l.PartnerDone(k, act); otherwise {
			return false, refuseImported()
		} else if done {
			return false, nil
		}
		changed, err = l.importPartner(ctx, k, &meta, wish)
		if conflict := new(*eventstore.ConflictError); !errors.As(err, conflict) && !errors.Is(err, eventstore.ErrUnknown) {
			return changed, err
		}
		l.metrics.conflicts.Inc()
		now, err := l.keptPartner(ctx, k.ID)
		if err != nil {
			return false, err
		}
		*k = *now
	}
	return false, ErrBusy
}

// importPartner decides a wish on what is kept, and records what follows.
func (l *Ledger) importPartner(ctx context.Context, k *KeptPartner, meta *Meta, wish partner.Command) (changed bool, err error) {
	ctx = context.WithoutCancel(ctx) // what was begun is finished
	s := &asideState[partner.State, partner.Event]{asideAnswer: asideAnswer[partner.State, partner.Event]{state: k.State}, last: k.last, lastAt: k.lastAt}
	err = l.partners(k.ID).record(ctx, l, s, meta, func(s *partner.State, at time.Time) ([]partner.Event, error) {
		return partner.Decide(s, l.partnerMoment(at), wish)
	})
	if err != nil || !s.Changed {
		return false, err
	}
	k.last, k.lastAt = s.last, s.lastAt
	for _, e := range s.decided {
		if err := k.note(ctx, l, meta, e); err != nil {
			return true, err
		}
	}
	return true, nil
}

// sealWish puts the contact into a wish, sealed.
func (l *Ledger) sealWish(ctx context.Context, act *PartnerAct) (partner.Command, error) {
	if act.Contact == (Person{}) {
		return act.Wish, nil
	}
	sealed, err := l.sealContact(ctx, act.Contact)
	if err != nil {
		return nil, err
	}
	switch wish := act.Wish.(type) {
	case *partner.Register:
		named := *wish
		named.Contact, named.Language = sealed, act.Contact.Language
		return &named, nil
	case *partner.AddLocation:
		named := *wish
		named.Contact, named.Language = sealed, act.Contact.Language
		return &named, nil
	case *partner.TakeOverContact:
		named := *wish
		named.Contact, named.Language = sealed, act.Contact.Language
		return &named, nil
	}
	return nil, fmt.Errorf("a wish of type %T names nobody", act.Wish)
}
