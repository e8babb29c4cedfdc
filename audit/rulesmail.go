package audit

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
)

// mailCheck holds what is recorded of the mails of one contract against the
// laws.
type mailCheck struct {
	contract uuid.UUID // or an incident that no contract pays for
	last     map[uuid.UUID]mailStep
}

// mailStep is what was last recorded of a mail.
type mailStep byte

const (
	unrecorded mailStep = iota
	givenUp
	requested
	sent
)

const mailBytes = 48 // of memory per mail, by estimate

// checkMail holds a record of a stream of mails against its laws. That its cause
// was recorded before, distinct finds.
func (s *streams) checkMail(c *mailCheck, r *recorded) *wrong {
	e, ok := r.Event.(mail.Event)
	if !ok {
		return breaks(LawStream, "%s stands in a stream of mails", r.Type)
	}
	if r.Revision == 0 && s.open[c.contract.String()] == nil {
		return breaks(LawMailCause, "there is no contract or incident %s before its mails", c.contract)
	}
	return c.step(e)
}

func (c *mailCheck) step(e mail.Event) *wrong {
	switch e := e.(type) {
	case *mail.Sent:
		if e.Try < 1 || e.MessageID == "" || len(e.Recipient.Box) == 0 {
			return breaks(LawMail, "try %d, message id %q, %d bytes of address", e.Try, e.MessageID, len(e.Recipient.Box))
		}
		return c.follows(&e.Letter, sent, unrecorded, givenUp, requested)
	case *mail.GivenUp:
		if e.Tries < 0 || e.Reason == "" {
			return breaks(LawMail, "given up after %d tries for the reason %q", e.Tries, e.Reason)
		}
		return c.follows(&e.Letter, givenUp, unrecorded, requested)
	case *mail.Requested:
		if e.Kind == mail.IDs && e.Cause == uuid.Nil { // R30: asked for, without an event
			return c.follows(&e.Letter, requested, unrecorded, givenUp)
		}
		return c.follows(&e.Letter, requested, givenUp)
	}
	return breaks(LawStream, "%s is no event that is known of mails", e.Name())
}

// follows holds that a step may come after the one before of the same mail.
func (c *mailCheck) follows(l *mail.Letter, step mailStep, allowed ...mailStep) *wrong {
	if l.Mail == uuid.Nil || !l.Kind.Known() {
		return breaks(LawMail, "mail %s is of the kind %q", l.Mail, l.Kind)
	}
	if l.Cause == uuid.Nil && l.Kind != mail.Expiring && l.Kind != mail.IDs {
		return breaks(LawMailCause, "nothing has caused a mail of the kind %s", l.Kind)
	}
	before := c.last[l.Mail]
	for _, a := range allowed {
		if before == a {
			c.last[l.Mail] = step
			return nil
		}
	}
	return breaks(LawMail, "mail %s was %s before", l.Mail, [...]string{"not known", "given up", "asked for again", "sent"}[before])
}
