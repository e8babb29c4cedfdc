package contract

import (
	"time"

	"github.com/supportledger/supportledger/domain"
)

// Comment is the wish to say something about an incident. An engineer's first
// comment is the first response (R23).
type Comment struct {
	Number Number
	Who    Who
	Texts  domain.Sealed[CommentTexts] // under the key of the incident's account
}

// CommentTexts is what a comment says.
type CommentTexts struct {
	Text string `json:"text"`
}

func (c *Comment) decide(s *State, m Moment) ([]Event, error) {
	in, err := s.incident(c.Number, c.Who, m.At, refuseClosedIncident())
	if err != nil {
		return nil, err
	}
	e := &IncidentCommented{Number: c.Number, Author: "customer", Texts: c.Texts}
	if c.Who.Engineer {
		e.Author = "engineer"
		if !in.answered {
			met := m.At.UnixMicro() <= in.dueAt
			e.FirstResponse = &FirstResponse{At: m.At, Met: met}
		}
	}
	return []Event{e}, nil
}

func refuseClosedIncident() *domain.Refusal {
	return domain.Refuse("incident-closed", "submit a new incident", "the incident is closed")
}

// IncidentCommented says that somebody said something about an incident.
type IncidentCommented struct {
	Number        Number                      `json:"number"`
	Author        string                      `json:"author"` // customer or engineer
	Texts         domain.Sealed[CommentTexts] `json:"texts"`
	FirstResponse *FirstResponse              `json:"first_response,omitempty"` // only with the comment that was the first response
}

// FirstResponse says when the promised response came, and whether in time.
type FirstResponse struct {
	At  time.Time `json:"at"`
	Met bool      `json:"met"` // whether it came in time
}

// Name implements Event.
func (*IncidentCommented) Name() string { return "incident.commented.v1" }

func (e *IncidentCommented) evolve(s *State) {
	in := s.touch(e.Number)
	in.answered = in.answered || e.FirstResponse != nil
}
