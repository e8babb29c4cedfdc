package mail

import (
	"time"

	"github.com/supportledger/supportledger/domain"
)

// RecordGivenUp is the wish to record that a mail will not be tried any more.
type RecordGivenUp struct {
	Letter
	// Recipient is whom it should have reached, and what the last try was told;
	// without a box where the person was forgotten.
	Recipient domain.Sealed[Recipient]
	Tries     int    // that were made
	Reason    string // a code in kebab-case: "unreachable"
	At        time.Time
}

func (c *RecordGivenUp) decide(s *State) ([]Event, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	switch {
	case c.Tries < 0:
		return nil, domain.RefuseField("tries", "must not be negative")
	case c.Reason == "":
		return nil, domain.RefuseField("reason", "must be the code of a reason")
	}
	switch s.Standing(c.Mail).Status {
	case StatusSent:
		return nil, refuseSent(c.Mail)
	case StatusGivenUp:
		return nil, nil
	}
	return []Event{&GivenUp{Letter: c.Letter, Recipient: c.Recipient, Tries: c.Tries, Reason: c.Reason, At: c.At}}, nil
}

// GivenUp says that a mail was not sent and will not be tried any more, unless
// somebody asks for it.
type GivenUp struct {
	Letter
	Recipient domain.Sealed[Recipient] `json:"recipient"`
	Tries     int                      `json:"tries"`
	Reason    string                   `json:"reason"`
	At        time.Time                `json:"at"`
}

// Name implements Event.
func (*GivenUp) Name() string { return "mail.given-up.v1" }

func (e *GivenUp) evolve(s *State) {
	s.keep(e.Mail, Standing{Status: StatusGivenUp, Letter: e.Letter, Recipient: e.Recipient, Tries: e.Tries, At: e.At})
}
