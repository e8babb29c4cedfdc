package contract

// Suspend is the wish that nothing can be spent until Resume (R4).
type Suspend struct{ Reason string }

func (c *Suspend) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch s.Status(m.At) {
	case StatusActive:
		return []Event{&Suspended{Reason: c.Reason}}, nil
	case StatusSuspended:
		return nil, nil
	}
	return nil, s.refuseState(m.At)
}

// Suspended says that nothing can be spent.
type Suspended struct {
	Reason string `json:"reason"`
}

// Name implements Event.
func (*Suspended) Name() string { return "contract.suspended.v1" }

func (*Suspended) evolve(s *State) { s.suspended = true }

// Resume is the wish to end a suspension.
type Resume struct{ Reason string }

func (c *Resume) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch s.Status(m.At) {
	case StatusSuspended:
		return []Event{&Resumed{Reason: c.Reason}}, nil
	case StatusActive:
		return nil, nil
	}
	return nil, s.refuseState(m.At)
}

// Resumed says that a suspension ended.
type Resumed struct {
	Reason string `json:"reason"`
}

// Name implements Event.
func (*Resumed) Name() string { return "contract.resumed.v1" }

func (*Resumed) evolve(s *State) { s.suspended = false }
