package mail

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// Resend is an operator's wish that a mail which was given up is tried again.
type Resend struct {
	Mail   uuid.UUID
	Reason string // may be empty
	At     time.Time
}

func (c *Resend) decide(s *State) ([]Event, error) {
	known := s.Standing(c.Mail)
	switch known.Status {
	case StatusSent:
		return nil, refuseSent(c.Mail)
	case StatusRequested:
		return nil, nil
	case StatusGivenUp:
		return []Event{&Requested{Letter: known.Letter, Recipient: known.Recipient, Reason: c.Reason, At: c.At}}, nil
	}
	return nil, RefuseUnknown(c.Mail)
}

// RefuseUnknown is the answer to a wish about a mail of which nothing is
// recorded: it may still be tried, and is listed when it was sent or given up.
func RefuseUnknown(mail uuid.UUID) *domain.Refusal {
	return domain.Refuse(NotFound, "list the mails to see which there are", "nothing is recorded of a mail %s", mail)
}

// NotFound is the code of RefuseUnknown.
const NotFound = "mail-not-found"

// Requested says that somebody asked for a mail to be sent: one that was given
// up, or that no event has caused. It is what makes the wish survive a crash, and the one place where whoever
// sends mails finds it again.
type Requested struct {
	Letter
	Recipient domain.Sealed[Recipient] `json:"recipient"`
	Reason    string                   `json:"reason,omitempty"`
	At        time.Time                `json:"at"`
}

// Name implements Event.
func (*Requested) Name() string { return "mail.requested.v1" }

func (e *Requested) evolve(s *State) {
	s.keep(e.Mail, Standing{
		Status: StatusRequested, Letter: e.Letter, Recipient: e.Recipient, Tries: s.open[e.Mail].Tries, At: e.At,
	})
}
