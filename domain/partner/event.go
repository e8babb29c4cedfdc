package partner

import "github.com/supportledger/supportledger/domain"

// Events is the table of names.
var Events = domain.Names[Event]{
	(*Registered)(nil).Name():        func() Event { return new(Registered) },
	(*LocationAdded)(nil).Name():     func() Event { return new(LocationAdded) },
	(*ContactChanged)(nil).Name():    func() Event { return new(ContactChanged) },
	(*MembershipRenewed)(nil).Name(): func() Event { return new(MembershipRenewed) },
	(*ToolkitBought)(nil).Name():     func() Event { return new(ToolkitBought) },
}

// Personal returns an event's personal texts for sealing and opening; nil where
// it carries none.
func Personal(e Event) domain.Personal {
	switch e := e.(type) {
	case *Registered:
		return &e.Contact
	case *LocationAdded:
		return &e.Contact
	case *ContactChanged:
		return &e.Contact
	}
	return nil
}
