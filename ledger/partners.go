package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
)

// A PartnerAnswer is a partner as it was right after a command, its contacts
// opened.
type PartnerAnswer struct {
	Receipt
	ID    uuid.UUID
	State *partner.State
	// Location is what AddLocation has added.
	Location uuid.UUID
	// Contracts are those that the command has registered: a year's, a toolkit's.
	Contracts []ContractAnswer
}

// A Person is a contact as an operator names one.
type Person struct{ Name, Email, Language string }

func (l *Ledger) partners(id uuid.UUID) *aside[partner.State, partner.Event] {
	return &aside[partner.State, partner.Event]{stream: partnersPrefix + id.String(), names: partner.Events, evolve: partner.Evolve}
}

// onPartner decides a wish about a partner and describes the partner as it was
// right after it.
func (l *Ledger) onPartner(ctx context.Context, id uuid.UUID, r Request, meta Meta, wish partner.Command) (PartnerAnswer, asideAnswer[partner.State, partner.Event], error) {
	done, err := l.partners(id).execute(ctx, l, meta, r.Key != "", func(s *partner.State, at time.Time) ([]partner.Event, error) {
		return partner.Decide(s, partner.Moment{At: at, Catalog: l.catalog, Zone: l.zones.find}, wish)
	})
	if err != nil {
		return PartnerAnswer{}, done, err
	}
	answer := PartnerAnswer{Receipt: done.Receipt, ID: id, State: done.state}
	return answer, done, l.openContacts(ctx, done.state)
}

// openContacts opens a partner's contacts in place.
func (l *Ledger) openContacts(ctx context.Context, s *partner.State) error {
	for _, place := range s.Places() {
		if err := l.openTexts(ctx, &place.Primary.Texts); err != nil {
			return err
		}
		for i := range place.Associated {
			if err := l.openTexts(ctx, &place.Associated[i].Texts); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealContact seals a contact under the key of the person behind the address.
func (l *Ledger) sealContact(ctx context.Context, p Person) (domain.Sealed[partner.ContactTexts], error) {
	return seal(ctx, l, l.keys.Contact(p.Email), partner.ContactTexts{Name: p.Name, Email: p.Email})
}

// RegisterPartner brings a partner into the ledger (R27). Its id derives from the
// command, so that a repeat finds it.
func (l *Ledger) RegisterPartner(ctx context.Context, r Request, wish partner.Register, primary Person) (PartnerAnswer, error) {
	meta := l.meta(r, "")
	var err error
	if wish.Contact, err = l.sealContact(ctx, primary); err != nil {
		return PartnerAnswer{}, err
	}
	wish.Language = primary.Language
	answer, _, err := l.onPartner(ctx, l.keys.Derive(meta.Command, "partner"), r, meta, &wish)
	return answer, err
}

// AddLocation makes a location of a partner known.
func (l *Ledger) AddLocation(ctx context.Context, r Request, id uuid.UUID, wish partner.AddLocation, primary Person) (PartnerAnswer, error) {
	meta := l.meta(r, id.String())
	var err error
	if wish.Contact, err = l.sealContact(ctx, primary); err != nil {
		return PartnerAnswer{}, err
	}
	wish.Location, wish.Language = l.keys.Derive(meta.Command, "location"), primary.Language
	answer, _, err := l.onPartner(ctx, id, r, meta, &wish)
	answer.Location = wish.Location
	return answer, err
}

// ChangeContact makes somebody a contact of a partner: the primary one of a place,
// or an associated one.
func (l *Ledger) ChangeContact(ctx context.Context, r Request, id uuid.UUID, wish partner.ChangeContact, who Person) (PartnerAnswer, error) {
	var err error
	if wish.Contact, err = l.sealContact(ctx, who); err != nil {
		return PartnerAnswer{}, err
	}
	wish.Language = who.Language
	answer, _, err := l.onPartner(ctx, id, r, l.meta(r, id.String()), &wish)
	return answer, err
}

// What a year and a toolkit derive their contracts' pairs for. They never change.
const (
	forCore      = "core contract"
	forSignature = "signature contract"
	forToolkit   = "toolkit contract"
)

// RenewMembership records that a partner's membership was renewed, and brings the
// year's contracts into being (R28).
func (l *Ledger) RenewMembership(ctx context.Context, r Request, id uuid.UUID, renewedOn catalog.Date) (PartnerAnswer, error) {
	meta := l.meta(r, id.String())
	return l.promising(ctx, r, id, meta, &partner.RenewMembership{
		RenewedOn: renewedOn,
		Core:      l.successorOf(l.keys.Derive(meta.Command, forCore)), Signature: l.successorOf(l.keys.Derive(meta.Command, forSignature)),
	})
}

// BuyToolkit records that a location has bought a toolkit, and brings its contract
// into being, blank (R28).
func (l *Ledger) BuyToolkit(ctx context.Context, r Request, id uuid.UUID, wish partner.BuyToolkit) (PartnerAnswer, error) {
	meta := l.meta(r, id.String())
	wish.Contract = l.successorOf(l.keys.Derive(meta.Command, forToolkit))
	return l.promising(ctx, r, id, meta, &wish)
}

// promising decides a wish that promises contracts, and keeps the promise.
func (l *Ledger) promising(ctx context.Context, r Request, id uuid.UUID, meta Meta, wish partner.Command) (PartnerAnswer, error) {
	answer, done, err := l.onPartner(ctx, id, r, meta, wish)
	if err != nil {
		return PartnerAnswer{}, err
	}
	for _, e := range done.decided {
		made, err := l.keep(ctx, id, done.state, e, done.by)
		if err != nil {
			return PartnerAnswer{}, fmt.Errorf("register what partner %s was promised: %w", id, err)
		}
		for _, c := range made {
			answer.Contracts = append(answer.Contracts, c)
			answer.Position = max(answer.Position, c.Position)
		}
	}
	return answer, nil
}

// Partner describes a partner as it is now, its contacts opened. Unknown ids are
// refused.
func (l *Ledger) Partner(ctx context.Context, id uuid.UUID) (PartnerAnswer, error) {
	s, err := l.partners(id).read(ctx, l, &Meta{}, false)
	if err != nil {
		return PartnerAnswer{}, err
	}
	if s.state.Terms() == nil {
		return PartnerAnswer{}, partner.RefuseUnknown()
	}
	return PartnerAnswer{Receipt: s.Receipt, ID: id, State: s.state}, l.openContacts(ctx, s.state)
}

// TouchPartner brings the contracts of a partner into being that a crash has left
// out.
func (l *Ledger) TouchPartner(ctx context.Context, id uuid.UUID) error {
	s := new(partner.State)
	for r, err := range l.store.ReadStream(ctx, partnersPrefix+id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return fmt.Errorf("read partner %s: %w", id, err)
		}
		recorded, err := Decode(r)
		if err != nil {
			return err
		}
		e, ok := recorded.Event.(partner.Event)
		if !ok {
			return fmt.Errorf("record %s@%d is no partner's", r.Stream, r.Revision)
		}
		partner.Evolve(s, e)
		var refusal *domain.Refusal
		if _, err := l.keep(ctx, id, s, e, recorded.Meta); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}
