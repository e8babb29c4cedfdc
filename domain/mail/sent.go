package mail

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// RecordSent is the wish to record that a mail was accepted for delivery, before
// anything else is tried (R39).
type RecordSent struct {
	Letter
	Recipient domain.Sealed[Recipient]
	Try       int // 1 for the first
	MessageID string
	At        time.Time
}

func (c *RecordSent) decide(s *State) ([]Event, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	switch {
	case c.Try < 1:
		return nil, domain.RefuseField("try", "must count from 1")
	case c.MessageID == "":
		return nil, domain.RefuseField("message_id", "must be the mail's Message-ID")
	case c.Recipient.Box == nil:
		return nil, domain.RefuseField("recipient", "must be sealed")
	}
	if s.Standing(c.Mail).Status == StatusSent {
		return nil, nil // also after a crash in between, which may have sent it twice
	}
	return []Event{&Sent{Letter: c.Letter, Recipient: c.Recipient, Try: c.Try, MessageID: c.MessageID, At: c.At}}, nil
}

// Sent says that a mail was accepted for delivery.
type Sent struct {
	Letter
	Recipient domain.Sealed[Recipient] `json:"recipient"`
	Try       int                      `json:"try"` // by which it went
	MessageID string                   `json:"message_id"`
	At        time.Time                `json:"at"`
}

// Name implements Event.
func (*Sent) Name() string { return sentName }

const sentName = "mail.sent.v1"

func (e *Sent) evolve(s *State) { s.settle(e.Mail) }

// refuseSent is the answer to a wish about a mail that was sent.
func refuseSent(mail uuid.UUID) *domain.Refusal {
	return domain.Refuse(AlreadySent, "nothing more has to be done about this mail", "mail %s was sent", mail)
}

// AlreadySent is the code that refuses to give up, or to send again, a mail that
// was sent.
const AlreadySent = "already-sent"
