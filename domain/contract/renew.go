package contract

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Renew is the wish for a successor with IDs of its own (R6). Successor is the
// id that the successor's pair gives it.
type Renew struct {
	Successor uuid.UUID
	Reason    string
}

func (c *Renew) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if s.renewedBy != uuid.Nil {
		return nil, refuseRenewed(s.renewedBy)
	}
	switch s.Status(m.At) {
	case StatusCancelled, StatusRegistered:
		return nil, s.refuseState(m.At)
	}
	if _, ok := m.Catalog.Programme(s.terms.Programme); !ok {
		return nil, domain.Refuse("programme-withdrawn", "register a contract of another programme",
			"programme %s is no longer in the catalogue", s.terms.Programme)
	}
	starts := s.expiresOn.AddDays(1)
	if today := catalog.DateOf(m.At, m.Zone(s.terms.TimeZone)); s.ended(m.At) && today.Compare(starts) > 0 {
		starts = today
	}
	return []Event{&Renewed{Successor: c.Successor, StartsOn: starts, Reason: c.Reason}}, nil
}

func refuseRenewed(by uuid.UUID) *domain.Refusal {
	return domain.Refuse("already-renewed", "its successor is "+by.String(), "the contract was renewed before")
}

// Renewed says that a successor follows from a day on. The successor is
// registered right after; whoever finds it missing completes it.
type Renewed struct {
	Successor uuid.UUID    `json:"successor"` // the contract that follows
	StartsOn  catalog.Date `json:"starts_on"`
	Reason    string       `json:"reason,omitempty"`
}

// Name implements Event.
func (*Renewed) Name() string { return "contract.renewed.v1" }

func (e *Renewed) evolve(s *State) { s.renewedBy = e.Successor }
