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

// ImportPartnerID is the partner that files call by a reference of their own.
func (l *Ledger) ImportPartnerID(reference string) uuid.UUID {
	return l.keys.Derive(uuid.Nil, "imported partner "+reference)
}

// KeptPartner is how a partner that files call by a reference was registered, its
// contact opened, or erased; nil where there is none.
func (l *Ledger) KeptPartner(ctx context.Context, reference string) (*partner.Registered, error) {
	a := l.partners(l.ImportPartnerID(reference))
	for r, err := range l.store.ReadStream(ctx, a.stream, 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", a.stream, err)
		}
		e, err := a.names.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		registered, ok := e.(*partner.Registered)
		if !ok {
			return nil, fmt.Errorf("%s does not begin with a partner", a.stream)
		}
		return registered, l.openTexts(ctx, &registered.Contact)
	}
	return nil, nil
}

// RehearsePartner decides on a new partner, and records nothing.
func (l *Ledger) RehearsePartner(wish partner.Register) (refusal *domain.Refusal) {
	_, err := partner.Decide(new(partner.State), l.partnerMoment(l.Now()), &wish)
	errors.As(err, &refusal)
	return refusal
}

func (l *Ledger) partnerMoment(at time.Time) partner.Moment {
	return partner.Moment{At: at, Catalog: l.catalog, Zone: l.zones.find}
}

// ImportPartner registers a partner that files call by a reference, and says
// whether it was recorded now; one that is there stays as it is.
func (l *Ledger) ImportPartner(ctx context.Context, by Actor, reference string, wish partner.Register, primary Person, content []byte) (changed bool, err error) {
	if kept, err := l.KeptPartner(ctx, reference); err != nil || kept != nil {
		return false, err
	}
	if wish.Contact, err = l.sealContact(ctx, primary); err != nil {
		return false, err
	}
	wish.Language, by.Portal = primary.Language, ImportPortal
	id := l.ImportPartnerID(reference)
	meta := Meta{By: by, Catalog: l.digest, Command: l.keys.Command(uuid.Nil, ImportPortal, id.String(), "partner"), Fingerprint: l.keys.Fingerprint(content)}
	done, err := l.partners(id).execute(ctx, l, meta, true, func(s *partner.State, at time.Time) ([]partner.Event, error) {
		return partner.Decide(s, l.partnerMoment(at), &wish)
	})
	return done.Changed && !done.Replayed && err == nil, err
}
