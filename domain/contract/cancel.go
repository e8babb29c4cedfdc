package contract

import "time"

// Cancel is the wish to end a contract for good; what is left lapses (R4, R5).
type Cancel struct{ Reason string }

func (c *Cancel) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch s.Status(m.At) {
	case StatusCancelled:
		return nil, nil
	case StatusExpired:
		return nil, s.refuseState(m.At)
	}
	return s.cancellation(m.At, c.Reason), nil
}

func (s *State) cancellation(at time.Time, reason string) []Event {
	return append([]Event{&Cancelled{Reason: reason}}, s.lapses(at)...)
}

// Cancelled says that the contract was ended for good.
type Cancelled struct {
	Reason string `json:"reason"`
}

// Name implements Event.
func (*Cancelled) Name() string { return "contract.cancelled.v1" }

func (*Cancelled) evolve(s *State) { s.cancelled = true }
