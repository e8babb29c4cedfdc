package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
)

// keep brings the contracts into being that an event of a partner promises: the
// partner's stream holds the decision, and this can be made by anybody, at any
// time, from what was recorded. Asked again, it finds those that are there. s is
// the partner right after the event. What was imported promises nothing: its
// contracts were there before.
func (l *Ledger) keep(ctx context.Context, id uuid.UUID, s *partner.State, e partner.Event, decided Meta) ([]ContractAnswer, error) {
	if decided.Imported() {
		return nil, nil
	}
	var made []ContractAnswer
	add := func(answer ContractAnswer, err error) error {
		made = append(made, answer)
		return err
	}
	switch e := e.(type) {
	case *partner.MembershipRenewed:
		for _, year := range e.Contracts {
			if err := add(l.keepYear(ctx, id, s, e, year, decided)); err != nil {
				return nil, err
			}
		}
	case *partner.ToolkitBought:
		place := s.Place(e.Location)
		wish := &contract.Register{
			Programme: e.Programme, PartnerID: id.String(), Country: place.Country, TimeZone: place.TimeZone,
			Contact: forContract(place.Primary.Texts), Language: place.Primary.Language, Reason: "toolkit " + e.Reference,
		}
		if err := add(l.keepContract(ctx, forToolkit, wish, decided)); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// keepYear registers one contract of a membership year, as the successor of last
// year's.
func (l *Ledger) keepYear(ctx context.Context, id uuid.UUID, s *partner.State, e *partner.MembershipRenewed, year partner.YearContract, decided Meta) (ContractAnswer, error) {
	purpose := forCore
	if year.Kind == partner.KindSignature {
		purpose = forSignature
	}
	headquarters, there, predecessor := s.Place(uuid.Nil), false, uuid.Nil
	err := l.View(ctx, year.Contract, func(s *contract.State, _ time.Time) { there = s.Exists() })
	if err == nil && !there {
		predecessor, err = l.followYear(ctx, year, e, decided)
	}
	if err != nil {
		return ContractAnswer{}, err
	}
	return l.keepContract(ctx, purpose, &contract.Register{
		Programme: year.Programme, PartnerID: id.String(), Country: headquarters.Country, TimeZone: headquarters.TimeZone,
		StartsOn: e.RenewedOn, PromiseOn: year.ActivatesOn, Contact: forContract(headquarters.Primary.Texts), Language: headquarters.Primary.Language,
		Predecessor: predecessor, Reason: "membership renewal",
	}, decided)
}

// followYear lets last year's contract, or what has replaced it, name its
// successor, and returns it; Nil where there is none, or none that can be
// followed: one that was never activated, was cancelled, or renewed by hand.
func (l *Ledger) followYear(ctx context.Context, year partner.YearContract, e *partner.MembershipRenewed, decided Meta) (uuid.UUID, error) {
	id, err := l.latest(ctx, year.Predecessor)
	if err != nil || id == uuid.Nil {
		return uuid.Nil, err
	}
	meta := decided
	meta.Command, meta.Catalog = l.keys.Derive(decided.Command, "follow "+string(year.Kind)), l.digest
	c := &command{meta: meta, keyed: true, wish: &contract.RenewByMembership{Successor: year.Contract, StartsOn: e.RenewedOn}}
	var refusal *domain.Refusal
	if err := l.streams.execute(ctx, id, c); errors.As(err, &refusal) {
		return uuid.Nil, nil
	} else if err != nil {
		return uuid.Nil, err
	}
	return id, nil
}

// latest is a contract, or what has replaced it in the end.
func (l *Ledger) latest(ctx context.Context, id uuid.UUID) (uuid.UUID, error) {
	for id != uuid.Nil {
		next := uuid.Nil
		err := l.View(ctx, id, func(s *contract.State, at time.Time) { next = s.Summary(at).Replacement })
		if err != nil || next == uuid.Nil {
			return id, err
		}
		id = next
	}
	return id, nil
}

// keepContract registers a contract whose pair derives from the command that has
// promised it.
func (l *Ledger) keepContract(ctx context.Context, purpose string, wish *contract.Register, decided Meta) (ContractAnswer, error) {
	meta := decided
	meta.Command, meta.Catalog = l.keys.Derive(decided.Command, purpose), l.digest
	accessID, contractID := l.keys.DerivePair(meta.Command)
	id := l.keys.ContractStream(accessID, contractID)
	wish.AccessID, wish.ContractID = accessID, l.keys.SealContractID(id, contractID)
	answer, err := l.change(ctx, id, &command{meta: meta, keyed: true, wish: wish}, false)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Code == contract.PairExists {
		err = l.View(ctx, id, func(s *contract.State, at time.Time) { answer = ContractAnswer{ID: id, Summary: s.Summary(at)} })
	}
	if err != nil {
		return ContractAnswer{}, err
	}
	return answer, l.streams.execute(ctx, id, &command{}) // its moment may have come
}

// forContract is a partner's contact as one of a contract: the same box.
func forContract(c domain.Sealed[partner.ContactTexts]) domain.Sealed[contract.ContactTexts] {
	return domain.Sealed[contract.ContactTexts]{Person: c.Person, Box: c.Box}
}

// activate brings a contract to life by hand, with the links of its predecessor,
// and the signature contract of the same year with it (R28).
func (l *Ledger) activate(ctx context.Context, r Request, id uuid.UUID, wish *contract.Activate) (ContractAnswer, error) {
	predecessor := uuid.Nil
	look := func(s *contract.State, at time.Time) {
		if s.Exists() && s.Status(at) == contract.StatusRegistered {
			predecessor = s.Terms().Predecessor
		}
	}
	if err := l.View(ctx, id, look); err != nil {
		return ContractAnswer{}, err
	}
	with := *wish
	if predecessor != uuid.Nil {
		var err error
		if with.Inherited, err = l.linkedBefore(ctx, predecessor, l.Now().Add(time.Microsecond)); err != nil {
			return ContractAnswer{}, err
		}
	}
	meta := l.meta(r, id.String())
	answer, err := l.change(ctx, id, &command{meta: meta, keyed: r.Key != "", wish: &with}, false)
	if err != nil || answer.Terms == nil {
		return answer, err
	}
	return answer, l.activateWith(ctx, id, answer.Terms.PartnerID, meta, wish.Reason)
}

// activateWith activates the signature contract of the year whose core contract
// came to life. A crash before it is made good when the key is used again, or by
// time.
func (l *Ledger) activateWith(ctx context.Context, core uuid.UUID, partnerID string, decided Meta, reason string) error {
	id, err := uuid.Parse(partnerID)
	if err != nil {
		return nil // a contract of no partner that is known here
	}
	s, err := l.partners(id).read(ctx, l, &Meta{}, false)
	if err != nil {
		return err
	}
	for _, year := range s.state.Renewals() {
		first, _ := year.Contract(partner.KindCore)
		signature, ok := year.Contract(partner.KindSignature)
		if !ok || first.Contract != core {
			continue
		}
		meta := decided
		meta.Command = l.keys.Derive(decided.Command, "with core contract")
		c := &command{meta: meta, keyed: true, wish: &contract.Activate{Reason: reason}}
		var refusal *domain.Refusal
		if err := l.streams.execute(ctx, signature.Contract, c); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}
