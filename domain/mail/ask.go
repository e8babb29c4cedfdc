package mail

import (
	"time"

	"github.com/supportledger/supportledger/domain"
)

// Ask is an operator's wish for a mail that no event has caused: the IDs, once
// more (R30).
type Ask struct {
	Letter
	Recipient domain.Sealed[Recipient]
	Reason    string // may be empty
	At        time.Time
}

func (c *Ask) decide(s *State) ([]Event, error) {
	if s.Standing(c.Mail).Status != Unrecorded {
		return nil, nil
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Recipient.Box == nil {
		return nil, domain.RefuseField("recipient", "must be sealed")
	}
	return []Event{&Requested{Letter: c.Letter, Recipient: c.Recipient, Reason: c.Reason, At: c.At}}, nil
}
