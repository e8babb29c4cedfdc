package contract

import "github.com/supportledger/supportledger/domain"

// Reopen is the wish to work on a closed incident again (R20).
type Reopen struct {
	Number Number
	Who    Who
	Reason string
}

func (c *Reopen) decide(s *State, m Moment) ([]Event, error) {
	over := domain.Refuse("reopen-too-late", "submit a new incident", "the time in which the incident could be reopened is over")
	in, err := s.incident(c.Number, c.Who, m.At, over)
	if err != nil {
		return nil, err
	}
	if in.closing == nil {
		return nil, nil
	}
	if m.At.After(in.closing.reopenBy) {
		return nil, over
	}
	reopened := &IncidentReopened{Number: c.Number, Reason: c.Reason}
	if in.grant == 0 || in.counted {
		return []Event{reopened}, nil
	}
	if !c.Who.Engineer && !s.Linked(c.Who.Account) {
		return nil, RefuseUnknown()
	}
	deducted, err := s.deductAgain(c.Number, m)
	if err != nil {
		return nil, err
	}
	return []Event{reopened, deducted}, nil
}

// deductAgain takes a unit for an incident that gave its own back; it is refused
// like a submission.
func (s *State) deductAgain(n Number, m Moment) (Event, error) {
	if s.Status(m.At) != StatusActive {
		return nil, s.refuseState(m.At)
	}
	deducted := s.deduct(n, m.At)
	if deducted == nil {
		return nil, refusal(reasonNone)
	}
	return deducted, nil
}

// IncidentReopened says that work on an incident goes on.
type IncidentReopened struct {
	Number Number `json:"number"`
	Reason string `json:"reason"`
}

// Name implements Event.
func (*IncidentReopened) Name() string { return "incident.reopened.v1" }

func (e *IncidentReopened) evolve(s *State) {
	s.touch(e.Number).closing = nil
}
