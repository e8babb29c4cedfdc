package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/supportledger/supportledger/domain"
)

// newEvent is the table of names: what each is read into. A name that was once
// released stays here for ever, or moves to upcasts.
var newEvent = map[string]func() Event{
	(*Registered)(nil).Name():               func() Event { return new(Registered) },
	(*Promised)(nil).Name():                 func() Event { return new(Promised) },
	(*Activated)(nil).Name():                func() Event { return new(Activated) },
	(*Suspended)(nil).Name():                func() Event { return new(Suspended) },
	(*Resumed)(nil).Name():                  func() Event { return new(Resumed) },
	(*Cancelled)(nil).Name():                func() Event { return new(Cancelled) },
	(*Expired)(nil).Name():                  func() Event { return new(Expired) },
	(*Renewed)(nil).Name():                  func() Event { return new(Renewed) },
	(*Reissued)(nil).Name():                 func() Event { return new(Reissued) },
	(*GrantAdded)(nil).Name():               func() Event { return new(GrantAdded) },
	(*GrantAdjusted)(nil).Name():            func() Event { return new(GrantAdjusted) },
	(*GrantLapsed)(nil).Name():              func() Event { return new(GrantLapsed) },
	(*AccountLinked)(nil).Name():            func() Event { return new(AccountLinked) },
	(*AccountUnlinked)(nil).Name():          func() Event { return new(AccountUnlinked) },
	(*IncidentSubmitted)(nil).Name():        func() Event { return new(IncidentSubmitted) },
	(*IncidentDeducted)(nil).Name():         func() Event { return new(IncidentDeducted) },
	(*IncidentCommented)(nil).Name():        func() Event { return new(IncidentCommented) },
	(*IncidentSeverityChanged)(nil).Name():  func() Event { return new(IncidentSeverityChanged) },
	(*IncidentClosed)(nil).Name():           func() Event { return new(IncidentClosed) },
	(*IncidentCreditedBack)(nil).Name():     func() Event { return new(IncidentCreditedBack) },
	(*IncidentReopened)(nil).Name():         func() Event { return new(IncidentReopened) },
	(*IncidentReclassified)(nil).Name():     func() Event { return new(IncidentReclassified) },
	(*AdvisoryOpened)(nil).Name():           func() Event { return new(AdvisoryOpened) },
	(*AdvisoryTimeDeducted)(nil).Name():     func() Event { return new(AdvisoryTimeDeducted) },
	(*AdvisoryTimeCreditedBack)(nil).Name(): func() Event { return new(AdvisoryTimeCreditedBack) },
	(*AdvisoryClosed)(nil).Name():           func() Event { return new(AdvisoryClosed) },
	(*IncidentRightUsed)(nil).Name():        func() Event { return new(IncidentRightUsed) },
	(*IncidentFilesAttached)(nil).Name():    func() Event { return new(IncidentFilesAttached) },
}

// Knows says whether a name is one of this package's events.
func Knows(name string) bool {
	_, ok := newEvent[name]
	return ok || upcasts[name] != nil
}

// Names are the names under which this version records, in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(newEvent)) }

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
		return nil, fmt.Errorf("no contract event is called %q", name)
	}
	if e := decodePlain(name, data); e != nil {
		return e, nil
	}
	e := construct()
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return e, nil
}

// Encode writes an event as it is recorded.
func Encode(e Event) ([]byte, error) { return Append(nil, e) }

// Personal returns an event's personal texts for sealing and opening; nil where
// it carries none.
func Personal(e Event) domain.Personal {
	switch e := e.(type) {
	case *Registered:
		return &e.Contact
	case *IncidentSubmitted:
		return &e.Texts
	case *IncidentFilesAttached:
		return &e.Texts
	case *IncidentCommented:
		return &e.Texts
	case *IncidentClosed:
		return &e.Texts
	case *AdvisoryOpened:
		return &e.Texts
	case *AdvisoryTimeDeducted:
		return &e.Texts
	case *AdvisoryClosed:
		return &e.Texts
	}
	return nil
}
