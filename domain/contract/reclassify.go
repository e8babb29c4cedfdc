package contract

import "github.com/supportledger/supportledger/domain"

// Reclassify is an engineer's wish to change the closure code of a closed
// incident, which moves its unit accordingly (R20).
type Reclassify struct {
	Number  Number
	Closure string
	Reason  string
}

func (c *Reclassify) decide(s *State, m Moment) ([]Event, error) {
	over := domain.Refuse("reclassify-too-late", "ask an operator for an adjustment",
		"the time in which the incident could be reclassified is over")
	code, err := closureCode(m.Catalog, c.Closure)
	if err != nil {
		return nil, err
	}
	in, err := s.incident(c.Number, Who{Engineer: true}, m.At, over)
	if err != nil {
		return nil, err
	}
	switch {
	case in.closing == nil:
		return nil, domain.Refuse("not-closed", "close it with that closure code", "the incident is open")
	case in.closing.closure == code.ID:
		return nil, nil
	}
	out := []Event{&IncidentReclassified{
		Number: c.Number, Closure: code.ID, Previous: in.closing.closure, Decrement: code.Decrement, Reason: c.Reason,
	}}
	switch {
	case in.grant == 0 || in.counted == code.Decrement:
		return out, nil
	case in.counted:
		return append(out, s.credit(c.Number, in, m.At)...), nil
	}
	deducted, err := s.deductAgain(c.Number, m)
	if err != nil {
		return nil, err
	}
	return append(out, deducted), nil
}

// IncidentReclassified says that a closed incident has another closure code.
type IncidentReclassified struct {
	Number    Number `json:"number"`
	Closure   string `json:"closure"`   // the closure code from now on
	Previous  string `json:"previous"`  // the closure code until now
	Decrement bool   `json:"decrement"` // whether the incident counts from now on
	Reason    string `json:"reason"`
}

// Name implements Event.
func (*IncidentReclassified) Name() string { return "incident.reclassified.v1" }

func (e *IncidentReclassified) evolve(s *State) {
	if in := s.touch(e.Number); in.closing != nil {
		in.closing.closure = e.Closure
	}
}
