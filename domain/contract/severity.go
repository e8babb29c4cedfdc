package contract

import (
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// ChangeSeverity is the wish to change how urgent an incident is: a customer may
// lower it, an engineer change it either way (R23).
type ChangeSeverity struct {
	Number   Number
	Who      Who
	Severity string
	Reason   string
}

func (c *ChangeSeverity) decide(s *State, m Moment) ([]Event, error) {
	severity, ok := m.Catalog.Severity(c.Severity)
	if !ok {
		return nil, domain.RefuseField("severity", "is not in the catalogue")
	}
	in, err := s.incident(c.Number, c.Who, m.At, refuseClosedIncident())
	if err != nil {
		return nil, err
	}
	if in.closing != nil {
		return nil, refuseClosedIncident()
	}
	if in.severity == severity.ID {
		return nil, nil
	}
	if !c.Who.Engineer && raises(m.Catalog, in.severity, severity.ID) {
		return nil, domain.Refuse("severity-not-raised", "ask for it in a comment; an engineer can raise it",
			"a customer may lower the severity, not raise it")
	}
	return []Event{&IncidentSeverityChanged{
		Number: c.Number, Severity: severity.ID, Previous: in.severity, Reason: c.Reason,
		Response: m.Catalog.Respond(severity, in.country, m.At),
	}}, nil
}

// raises says whether a severity is more urgent than the one before. One that
// has left the catalogue is the least urgent.
func raises(c *catalog.Catalog, from, to string) bool {
	before, known := c.SeverityRank(from)
	after, _ := c.SeverityRank(to)
	return !known || after < before
}

// IncidentSeverityChanged says how urgent an incident is from now on; the
// response is counted anew from the change.
type IncidentSeverityChanged struct {
	Number   Number           `json:"number"`
	Severity string           `json:"severity"` // from now on
	Previous string           `json:"previous"` // until now
	Response catalog.Response `json:"response"` // that is promised from now on
	Reason   string           `json:"reason"`
}

// Name implements Event.
func (*IncidentSeverityChanged) Name() string { return "incident.severity-changed.v1" }

func (e *IncidentSeverityChanged) evolve(s *State) {
	in := s.touch(e.Number)
	in.severity, in.dueAt = e.Severity, e.Response.DueAt.UnixMicro()
}
