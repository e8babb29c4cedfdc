package contract

import (
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Close is an engineer's wish to end an incident with a closure code, which
// decides whether its unit returns (R19).
type Close struct {
	Number  Number
	Closure string
	Texts   domain.Sealed[ResolutionTexts] // under the key of the incident's account
}

// ResolutionTexts is how an incident was solved.
type ResolutionTexts struct {
	Resolution string `json:"resolution"`
}

func (c *Close) decide(s *State, m Moment) ([]Event, error) {
	code, err := closureCode(m.Catalog, c.Closure)
	if err != nil {
		return nil, err
	}
	in, err := s.incident(c.Number, Who{Engineer: true}, m.At, refuseAlreadyClosed())
	if err != nil {
		return nil, err
	}
	if in.closing != nil {
		if in.closing.closure == code.ID {
			return nil, nil
		}
		return nil, refuseAlreadyClosed()
	}
	closed := &IncidentClosed{
		Number: c.Number, Closure: code.ID, Decrement: code.Decrement, Texts: c.Texts, ClosedAt: m.At,
		ReopenUntil: m.At.Add(days(m.Catalog.ReopenDays)), ReclassifyUntil: m.At.Add(days(m.Catalog.ReclassifyDays)),
	}
	if in.counted && !code.Decrement {
		return append([]Event{closed}, s.credit(c.Number, in, m.At)...), nil
	}
	return []Event{closed}, nil
}

func closureCode(c *catalog.Catalog, id string) (*catalog.ClosureCode, error) {
	code, ok := c.ClosureCode(id)
	if !ok {
		return nil, domain.RefuseField("closure", "is not a closure code of the catalogue")
	}
	return code, nil
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func refuseAlreadyClosed() *domain.Refusal {
	return domain.Refuse(AlreadyClosed, "reclassify it to change the closure code", "the incident was closed with another closure code")
}

// AlreadyClosed is the code that refuses to close a closed incident otherwise.
const AlreadyClosed = "already-closed"

// IncidentClosed says that work on an incident ended.
type IncidentClosed struct {
	Number          Number                         `json:"number"`
	Closure         string                         `json:"closure"`   // a closure code of the catalogue
	Decrement       bool                           `json:"decrement"` // whether the incident counts; if not, its unit is credited back
	Texts           domain.Sealed[ResolutionTexts] `json:"texts"`
	ClosedAt        time.Time                      `json:"closed_at"`
	ReopenUntil     time.Time                      `json:"reopen_until"`     // from then on it cannot be reopened
	ReclassifyUntil time.Time                      `json:"reclassify_until"` // from then on it cannot be reclassified
}

// Name implements Event.
func (*IncidentClosed) Name() string { return "incident.closed.v1" }

func (e *IncidentClosed) evolve(s *State) {
	in := s.touch(e.Number)
	in.closing = &closedAs{closure: e.Closure, reopenBy: e.ReopenUntil, reclassify: e.ReclassifyUntil}
	s.settling = append(s.settling, e.Number)
}
