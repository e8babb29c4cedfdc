package catalog

// A Membership is a level of the vendor's partner network: what recording its
// yearly renewal registers, and what its partners may have besides (R28).
// Programmes are named by their ids.
type Membership struct {
	ID        string `json:"id"` // the level: "gold"
	Name      string `json:"name"`
	Core      string `json:"core"`                // the year's core contract
	Signature string `json:"signature,omitempty"` // the contract of partners that have the vendor's signature; "" where no partner of this level may
	Toolkit   string `json:"toolkit,omitempty"`   // the extra contract that a location may buy; "" where none may
}

// Membership returns the membership of a level.
func (c *Catalog) Membership(level string) (*Membership, bool) {
	return find(c.Memberships, func(m *Membership) bool { return m.ID == level })
}

// Levels are the ids of the memberships, in the catalogue's order.
func (c *Catalog) Levels() []string {
	levels := make([]string, len(c.Memberships))
	for i, m := range c.Memberships {
		levels[i] = m.ID
	}
	return levels
}

// ActivatesOn is the day on which a year's contract comes to life by itself, after
// a membership that was renewed on a day and whose core contract is of a
// programme (R28); no date where nothing happens by time: on request, or at
// once.
func (p *Programme) ActivatesOn(core *Programme, renewedOn Date) Date {
	rule := p
	if p.Activation == ActivateWithCore {
		rule = core
	}
	if rule.Activation != ActivateAfterRenewal {
		return Date{}
	}
	return renewedOn.AddDays(rule.AfterRenewalDays)
}

// BoughtFor returns the programme that bought incidents for some families become
// contracts of (R34): the first that includes nothing and covers them all.
func (c *Catalog) BoughtFor(families []string) (*Programme, bool) {
	return find(c.Programmes, func(p *Programme) bool {
		for _, family := range families {
			if !p.CoversFamily(family) {
				return false
			}
		}
		return p.Bought
	})
}
