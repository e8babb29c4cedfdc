package catalogfile

import (
	"slices"

	"github.com/supportledger/supportledger/domain/catalog"
)

// memberships checks the levels of the vendor's partner network, and that what
// they are worth can come to life.
func (r *reading) memberships(f *file, c *catalog.Catalog) {
	k := key("memberships")
	ids(r, k, f.Memberships, func(m *membership) (string, string) { return m.ID, m.Name })
	c.Memberships = make([]catalog.Membership, len(f.Memberships))
	for i, m := range f.Memberships {
		here := k.at(i)
		r.partnerProgramme(here.of("core"), m.Core, c, catalog.ActivateAfterRenewal, catalog.ActivateOnRequest, catalog.ActivateThroughRSC, catalog.ActivateImmediately)
		if m.Signature != "" {
			r.partnerProgramme(here.of("signature"), m.Signature, c, catalog.ActivateWithCore)
		}
		if m.Toolkit != "" {
			r.partnerProgramme(here.of("toolkit"), m.Toolkit, c, catalog.ActivateOnRequest, catalog.ActivateThroughRSC, catalog.ActivateImmediately)
		}
		c.Memberships[i] = catalog.Membership{ID: m.ID, Name: m.Name, Core: m.Core, Signature: m.Signature, Toolkit: m.Toolkit}
	}
	watch := key("watch_blank_days")
	switch {
	case !r.placeless(watch):
		c.WatchBlankDays = r.between(watch, f.WatchBlankDays, 1, maxDays)
	case len(f.Memberships) > 0:
		r.wrong(watch, "is missing; memberships promise contracts, and somebody has to look at those that stay blank")
	}
}

// partnerProgramme refuses a programme that there is not, one that includes
// nothing, and one that is activated in a way which its place does not have.
func (r *reading) partnerProgramme(k key, id string, c *catalog.Catalog, activations ...string) {
	var known []string
	for _, p := range c.Programmes {
		known = append(known, p.ID)
	}
	p, ok := c.Programme(id)
	switch {
	case !ok:
		r.oneOf(k, id, "programme", "programmes", known)
	case p.Bought:
		r.wrong(k, "%q includes nothing but what was bought", id)
	case p.Activation != "" && !slices.Contains(activations, p.Activation):
		r.wrong(k, "%q has activation %s; here it must be %s", id, p.Activation, either(activations))
	}
}

// either lists alternatives.
func either(words []string) string {
	text := ""
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += word
	}
	return text
}
