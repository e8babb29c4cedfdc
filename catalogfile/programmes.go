package catalogfile

import (
	"slices"

	"github.com/supportledger/supportledger/domain/catalog"
)

func (r *reading) programmes(list []program, c *catalog.Catalog) []catalog.Programme {
	k := key("programmes")
	r.some(k, len(list))
	ids(r, k, list, func(p *program) (string, string) { return p.ID, p.Name })
	programmes := make([]catalog.Programme, len(list))
	for i := range list {
		programmes[i] = r.programme(k.at(i), &list[i], c)
	}
	return programmes
}

func (r *reading) programme(k key, p *program, c *catalog.Catalog) catalog.Programme {
	r.filled(k.of("short"), p.Short)
	built := catalog.Programme{
		ID: p.ID, ServiceName: p.Name, Short: p.Short, PlanText: p.PlanText,
		Included: r.included(k.of("included"), p), Bought: p.Bought,
		Covers: r.concrete(k.of("covers"), p.Covers, c), Portals: present(p.Portals),
		Activation: p.Activation, AfterRenewalDays: r.afterRenewal(k, p),
		GraceDays:   r.between(k.of("grace_days"), p.GraceDays, 0, maxDays),
		InternalUse: p.InternalUse,
	}
	for i, right := range p.InternalUse {
		r.filled(k.of("internal_use").at(i), right)
	}
	r.some(k.of("portals"), len(p.Portals))
	r.distinct(k.of("portals"), p.Portals)
	for i, id := range p.Portals {
		r.programmePortal(k, i, id, &built, c)
	}
	return built
}

// programmePortal refuses a portal where contracts of the programme could never
// pay for anything, or could not be shown.
func (r *reading) programmePortal(k key, i int, id string, p *catalog.Programme, c *catalog.Catalog) {
	here := k.of("portals").at(i)
	portal, known := c.Portal(id)
	if !known {
		r.oneOf(here, id, "portal", "portals", portalIDs(c))
		return
	}
	covered := slices.ContainsFunc(portal.Families, p.CoversFamily)
	switch {
	case portal.IDs == catalog.IDsNotUsed:
		r.wrong(here, "requests at %q carry no payment, so that no contract can be used there", id)
	case !covered && len(p.Covers) > 0 && len(portal.Families) > 0:
		r.wrong(here, "%q takes none of the families that the programme covers", id)
	case portal.PlanLabels && p.PlanText == "":
		r.wrong(k.of("plan_text"), "is needed: %q shows contracts by plan label", id)
	}
}

func portalIDs(c *catalog.Catalog) []string {
	var known []string
	for _, p := range c.Portals {
		known = append(known, p.ID)
	}
	return known
}

func (r *reading) included(k key, p *program) []catalog.Included {
	if p.Bought && len(p.Included) > 0 {
		r.wrong(k, "stands beside bought: true; what is bought is all that such a contract holds")
	}
	if !p.Bought && len(p.Included) == 0 {
		r.wrong(k, "is empty; say what the programme includes, or bought: true")
	}
	var units []string
	grants := []catalog.Included{}
	for i, g := range p.Included {
		here := k.at(i)
		r.oneOf(here.of("unit"), g.Unit, "unit", "units", []string{catalog.UnitIncident, catalog.UnitMinute})
		if slices.Contains(units, g.Unit) {
			r.wrong(here.of("unit"), "%s is included already; add the quantities up", quote(g.Unit))
		}
		units = append(units, g.Unit)
		r.quantity(here.of("quantity"), &g)
		grants = append(grants, catalog.Included{Unit: g.Unit, Quantity: g.Quantity, Unlimited: g.Unlimited})
	}
	return grants
}

// maxQuantity is the most that one programme includes of a unit.
const maxQuantity = 1_000_000_000

func (r *reading) quantity(k key, g *included) {
	switch {
	case g.Unlimited && g.Quantity != 0:
		r.wrong(k, "%d stands beside unlimited: true; leave one of them", g.Quantity)
	case !g.Unlimited && r.placeless(k):
		r.wrong(k, "is missing; say how much, or unlimited: true")
	case !g.Unlimited:
		r.between(k, g.Quantity, 1, maxQuantity)
	}
}

// placeless reports whether a value was left out.
func (r *reading) placeless(k key) bool {
	_, given := r.places[k]
	return !given
}

func (r *reading) afterRenewal(k key, p *program) int {
	r.oneOf(k.of("activation"), p.Activation, "activation", "activations", []string{
		catalog.ActivateImmediately, catalog.ActivateOnRequest, catalog.ActivateThroughRSC,
		catalog.ActivateAfterRenewal, catalog.ActivateWithCore,
	})
	days := k.of("after_renewal_days")
	switch {
	case p.Activation == catalog.ActivateAfterRenewal && r.placeless(days):
		r.wrong(days, "is missing; activation %s needs it", p.Activation)
	case p.Activation == catalog.ActivateAfterRenewal:
		r.between(days, p.AfterRenewalDays, 0, 364) // within the year that begins on the renewal day
	case !r.placeless(days):
		r.wrong(days, "goes with activation %s only", catalog.ActivateAfterRenewal)
	}
	return int(p.AfterRenewalDays)
}
