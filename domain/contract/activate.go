package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
)

// Activate is the wish to bring a registered contract to life (R4, R5). Inherited
// are the accounts that are linked to its predecessor, if it has one: they are
// linked where the term has begun (R6), or else when it begins.
type Activate struct {
	Reason    string
	Inherited []uuid.UUID
}

func (c *Activate) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch s.Status(m.At) {
	case StatusWaiting, StatusActive:
		return nil, nil
	case StatusRegistered:
	default:
		return nil, s.refuseState(m.At)
	}
	events := activation(s.terms, catalog.Date{}, len(s.grants), m, c.Reason)
	if a := events[0].(*Activated); !m.At.Before(a.EndsAt) {
		return nil, refusal(string(StatusExpired))
	} else if a.Status == StatusActive && s.terms.inheritsFrom() != uuid.Nil {
		events = append(events, s.inherit(c.Inherited, m.At)...)
	}
	return events, nil
}

// Activated says that the term is fixed; once more, with the status active, that
// the start of a term that was waited for has come.
type Activated struct {
	Status    Status       `json:"status"`     // waiting or active
	StartsOn  catalog.Date `json:"starts_on"`  // the first day
	ExpiresOn catalog.Date `json:"expires_on"` // the last day, grace included
	StartsAt  time.Time    `json:"starts_at"`  // the instant at which the first day begins in the contract's zone
	EndsAt    time.Time    `json:"ends_at"`    // the instant at which the last day ends
	Reason    string       `json:"reason,omitempty"`
}

// Name implements Event.
func (*Activated) Name() string { return "contract.activated.v1" }

func (e *Activated) evolve(s *State) {
	s.activated, s.started = true, e.Status == StatusActive
	s.startsOn, s.expiresOn, s.startsAt, s.endsAt = e.StartsOn, e.ExpiresOn, e.StartsAt, e.EndsAt
}
