package partner

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// RenewMembership is the wish to record that the partner has renewed its
// membership (R28). Core and Signature are the ids of the contracts that the year
// may register.
type RenewMembership struct {
	RenewedOn       catalog.Date
	Core, Signature uuid.UUID
}

func (c *RenewMembership) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	membership, err := s.membership(m.Catalog)
	if err != nil {
		return nil, err
	}
	core, known := m.Catalog.Programme(membership.Core)
	if !known {
		return nil, refuseProgramme(membership.Core)
	}
	zone := m.Zone(s.registered.TimeZone)
	if err := s.mayRenewOn(c.RenewedOn, catalog.DateOf(m.At, zone)); err != nil {
		return nil, err
	}
	if !m.At.Before(c.RenewedOn.LastOfTerm(core.GraceDays).EndOf(zone)) {
		return nil, domain.RefuseField("renewed_on", "lies so far back that the year would be over")
	}
	renewed := &MembershipRenewed{RenewedOn: c.RenewedOn, Level: membership.ID}
	renewed.add(s, KindCore, c.Core, core, core, zone)
	if s.registered.Signature && membership.Signature != "" {
		signature, known := m.Catalog.Programme(membership.Signature)
		if !known {
			return nil, refuseProgramme(membership.Signature)
		}
		renewed.add(s, KindSignature, c.Signature, signature, core, zone)
	}
	return []Event{renewed}, nil
}

// mayRenewOn refuses a day that is none, lies more than a year ahead, or belongs
// to a membership year that was renewed: one renewal for each year.
func (s *State) mayRenewOn(day, today catalog.Date) error {
	if day.IsZero() {
		return domain.RefuseField("renewed_on", "is missing; it is the day of the renewal, such as 2026-01-15")
	}
	if day.Compare(today.AddYear()) > 0 {
		return domain.RefuseField("renewed_on", "lies more than a year ahead")
	}
	if len(s.renewals) == 0 {
		return nil
	}
	last := s.renewals[len(s.renewals)-1]
	if next := last.RenewedOn.AddYear(); day.Compare(next) < 0 {
		return domain.Refuse("already-renewed", "the next membership year begins on "+next.String(),
			"the membership was renewed on %v, which is good for a year", last.RenewedOn)
	}
	return nil
}

// add puts a contract of the year into the event: the one of the same kind of the
// year before is its predecessor.
func (e *MembershipRenewed) add(s *State, kind Kind, id uuid.UUID, programme, core *catalog.Programme, zone *time.Location) {
	year := YearContract{Kind: kind, Contract: id, Programme: programme.ID}
	if on := programme.ActivatesOn(core, e.RenewedOn); !on.IsZero() {
		year.ActivatesOn, year.ActivatesAt = on, on.StartOf(zone)
	}
	for _, before := range s.renewals {
		if of, ok := before.Contract(kind); ok {
			year.Predecessor = of.Contract
		}
	}
	e.Contracts = append(e.Contracts, year)
}

// refuseProgramme is the answer where the catalogue has lost a programme.
func refuseProgramme(id string) *domain.Refusal {
	return domain.Refuse("programme-withdrawn", "correct the catalogue, or register a contract by hand",
		"programme %s is no longer in the catalogue", id)
}

// A Kind is what a contract is to a membership year.
type Kind string

// The kinds of a year's contracts.
const (
	KindCore      Kind = "core"
	KindSignature Kind = "signature"
)

// MembershipRenewed says that a membership year has begun, and which contracts it
// is worth. They are registered right after; whoever finds one missing completes
// it.
type MembershipRenewed struct {
	RenewedOn catalog.Date   `json:"renewed_on"` // the first day of the year, and of its contracts' terms
	Level     string         `json:"level"`      // of the partner then
	Contracts []YearContract `json:"contracts"`
}

// YearContract is a contract that a membership year is worth.
type YearContract struct {
	Kind        Kind         `json:"kind"`                  // core or signature
	Contract    uuid.UUID    `json:"contract"`              // its id
	Programme   string       `json:"programme"`             // its id in the catalogue
	Predecessor uuid.UUID    `json:"predecessor,omitzero"`  // the contract of the same kind of the year before
	ActivatesOn catalog.Date `json:"activates_on,omitzero"` // the day on which it comes to life by itself; left out where it is asked for
	ActivatesAt time.Time    `json:"activates_at,omitzero"` // the instant at which that day begins in the headquarters' zone
}

// Contract is the year's contract of a kind.
func (e *MembershipRenewed) Contract(kind Kind) (YearContract, bool) {
	for _, c := range e.Contracts {
		if c.Kind == kind {
			return c, true
		}
	}
	return YearContract{}, false
}

// Name implements Event.
func (*MembershipRenewed) Name() string { return "partner.membership-renewed.v1" }

func (e *MembershipRenewed) evolve(s *State) { s.renewals = append(s.renewals, e) }
