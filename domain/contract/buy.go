package contract

import (
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Buy is the wish to turn a purchase into a contract of its own, active at once
// and linked to the buyer, and to spend it on its first incident, all in one
// append (R34). The contract's stream is the purchase's, so that a second time is
// refused by what is there.
type Buy struct {
	Registration Register // of a programme of bought incidents
	Families     []string // of products that were paid for
	Quantity     int64    // incidents
	Reference    string   // of the purchase
	Submit       Submit   // without Payment
}

func (c *Buy) decide(s *State, m Moment) ([]Event, error) {
	if s.terms != nil {
		return nil, domain.Refuse(ReferenceUsed, "pay with the contract that it has become; it is among your benefits",
			"this purchase was spent before")
	}
	register := c.Registration
	if zone := m.Zone(register.TimeZone); zone != nil {
		register.ActivateOn = catalog.DateOf(m.At, zone) // at once, whatever the programme's rule
	}
	events, err := register.decide(s, m)
	if err != nil {
		return nil, err
	}
	events[0].(*Registered).Covers = c.Families
	events = append(events,
		&GrantAdded{Grant: GrantID(len(events) - 1), Unit: Incident, Quantity: c.Quantity, Source: Bought, Reason: "purchase " + c.Reference},
		&AccountLinked{Account: c.Submit.Account, Portal: c.Submit.Portal, At: m.At},
	)
	bought := new(State)
	Evolve(bought, events...)
	submit := c.Submit
	submit.Payment = LinkedContract
	submitted, err := submit.decide(bought, m)
	if err != nil {
		return nil, err
	}
	return append(events, submitted...), nil
}

// ReferenceUsed is the code that refuses to use a purchase's reference again.
const ReferenceUsed = "reference-used"
