package catalog

import "slices"

// find returns the first element that fits.
func find[T any](list []T, fits func(*T) bool) (*T, bool) {
	for i := range list {
		if fits(&list[i]) {
			return &list[i], true
		}
	}
	return nil, false
}

// Portal returns the portal with the id.
func (c *Catalog) Portal(id string) (*Portal, bool) {
	return find(c.Portals, func(p *Portal) bool { return p.ID == id })
}

// Product returns the product with the id.
func (c *Catalog) Product(id string) (*Product, bool) {
	return find(c.Products, func(p *Product) bool { return p.ID == id })
}

// ProblemType returns the product's problem type with the id.
func (p *Product) ProblemType(id string) (*ProblemType, bool) {
	return find(p.ProblemTypes, func(t *ProblemType) bool { return t.ID == id })
}

// Category returns the problem type's category with the id.
func (t *ProblemType) Category(id string) (*Category, bool) {
	return find(t.Categories, func(c *Category) bool { return c.ID == id })
}

// KnownUsage reports whether a request may name the usage (R14).
func KnownUsage(usage string) bool {
	return usage == UsageITProfessional || usage == UsageDeveloper || usage == UsagePartner
}

// Programme returns the programme with the id.
func (c *Catalog) Programme(id string) (*Programme, bool) {
	return find(c.Programmes, func(p *Programme) bool { return p.ID == id })
}

// CoversFamily reports whether contracts of the programme pay for products of
// the family (R11).
func (p *Programme) CoversFamily(family string) bool { return slices.Contains(p.Covers, family) }

// AcceptsPortal reports whether contracts of the programme pay at the portal (R11).
func (p *Programme) AcceptsPortal(portal string) bool { return slices.Contains(p.Portals, portal) }

// Takes reports whether products of the family are asked for at the portal (R13).
func (p *Portal) Takes(family string) bool { return slices.Contains(p.Families, family) }

// PortalsFor returns the portals that take products of the family, in the
// catalogue's order.
func (c *Catalog) PortalsFor(family string) []*Portal {
	var takers []*Portal
	for i := range c.Portals {
		if c.Portals[i].Takes(family) {
			takers = append(takers, &c.Portals[i])
		}
	}
	return takers
}

// PortalFor returns the portal to send somebody to who asks for a product of
// the family elsewhere (R13): the first that takes it.
func (c *Catalog) PortalFor(family string) (*Portal, bool) {
	return find(c.Portals, func(p *Portal) bool { return p.Takes(family) })
}

// FamiliesOf returns the concrete families that a name stands for: itself,
// those it is a name for, or all for AnyFamily. None where it is unknown.
func (c *Catalog) FamiliesOf(name string) []string {
	var concrete []string
	for _, f := range c.Families {
		switch {
		case f.ID == name && len(f.Of) > 0:
			return slices.Clone(f.Of)
		case len(f.Of) == 0 && (f.ID == name || name == AnyFamily):
			concrete = append(concrete, f.ID)
		}
	}
	return concrete
}

// Severity returns the severity with the id.
func (c *Catalog) Severity(id string) (*Severity, bool) {
	return find(c.Severities, func(s *Severity) bool { return s.ID == id })
}

// SeverityRank returns the severity's place in the order of urgency; 0 is the
// most urgent.
func (c *Catalog) SeverityRank(id string) (int, bool) {
	rank := slices.IndexFunc(c.Severities, func(s Severity) bool { return s.ID == id })
	return rank, rank >= 0
}

// ClosureCode returns the closure code with the id.
func (c *Catalog) ClosureCode(id string) (*ClosureCode, bool) {
	return find(c.ClosureCodes, func(code *ClosureCode) bool { return code.ID == id })
}

// RegionOf returns the region that a country (ISO 3166 alpha-2, upper case)
// belongs to.
func (c *Catalog) RegionOf(country string) (*Region, bool) {
	return find(c.Regions, func(r *Region) bool { return slices.Contains(r.Countries, country) })
}

// CommunitiesFor returns the communities shown at a portal (R24).
func (c *Catalog) CommunitiesFor(portal string) []Community {
	var shown []Community
	for _, community := range c.Communities {
		if slices.Contains(community.Portals, portal) {
			shown = append(shown, community)
		}
	}
	return shown
}

// FewLeftAt reports whether a deduction brought what is left of a contract's
// incidents down to, or past, a number of FewLeft, and names the lowest such: how
// many are left, as a mail says (R39). Before and after are what was available.
func (c *Catalog) FewLeftAt(before, after int64) (threshold int, few bool) {
	for _, n := range c.FewLeft {
		if after <= int64(n) && int64(n) < before {
			threshold, few = n, true // descending: the last one that fits is the lowest
		}
	}
	return threshold, few
}
