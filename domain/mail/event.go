package mail

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// newEvent is the table of names: what each is read into. A name that was once
// released stays here for ever, or moves to upcasts.
var newEvent = map[string]func() Event{
	(*Sent)(nil).Name():      func() Event { return new(Sent) },
	(*GivenUp)(nil).Name():   func() Event { return new(GivenUp) },
	(*Requested)(nil).Name(): func() Event { return new(Requested) },
}

// Knows says whether a name is one of this package's events.
func Knows(name string) bool {
	_, ok := newEvent[name]
	return ok || upcasts[name] != nil
}

// Decode reads a recorded event. Readers only ever see today's types: an event
// under a retired name comes back as what took its place.
func Decode(name string, data []byte) (Event, error) { return decode(upcasts, name, data) }

func decode(retired map[string]upcast, name string, data []byte) (Event, error) {
	if up := retired[name]; up != nil {
		e, err := up(data)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return e, nil
	}
	construct, ok := newEvent[name]
	if !ok {
		return nil, fmt.Errorf("no event of a mail is called %q", name)
	}
	e := construct()
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return e, nil
}

// Encode writes an event as it is recorded.
func Encode(e Event) ([]byte, error) { return domain.Encode(e) }

// Replay evolves a state by a recorded event. It comes to the same as Decode and
// Evolve; of mails that were sent, which are most, it reads the id alone.
func Replay(s *State, name string, data []byte) error {
	if name == sentName {
		if rest, ok := bytes.CutPrefix(data, []byte(`{"mail":"`)); ok && len(rest) > 36 && rest[36] == '"' {
			if id, err := uuid.ParseBytes(rest[:36]); err == nil {
				s.settle(id)
				s.version++
				return nil
			}
		}
	}
	e, err := Decode(name, data)
	if err != nil {
		return err
	}
	Evolve(s, e)
	return nil
}

// Personal returns an event's personal texts for sealing and opening.
func Personal(e Event) domain.Personal {
	switch e := e.(type) {
	case *Sent:
		return &e.Recipient
	case *GivenUp:
		return &e.Recipient
	case *Requested:
		return &e.Recipient
	}
	return nil
}
