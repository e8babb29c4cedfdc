package catalogfile

import (
	"slices"

	"github.com/supportledger/supportledger/domain/catalog"
)

// offers checks what is sold and where.
func (r *reading) offers(f *file, c *catalog.Catalog) {
	c.Families = r.families(f.Families)
	c.Portals = r.portals(f.Portals, c)
	c.Products = r.products(f.Products, c)
	c.Programmes = r.programmes(f.Programmes, c)
	r.memberships(f, c)
}

func (r *reading) families(list []family) []catalog.Family {
	k := key("families")
	r.some(k, len(list))
	ids(r, k, list, func(f *family) (string, string) { return f.ID, f.Name })
	var concrete []string
	for i, f := range list {
		if f.ID == catalog.AnyFamily {
			r.wrong(k.at(i).of("id"), "%q means all families wherever families are named; choose another id", f.ID)
		}
		if len(f.Of) == 0 {
			concrete = append(concrete, f.ID)
		}
	}
	families := make([]catalog.Family, len(list))
	for i, f := range list {
		for j, id := range f.Of {
			r.oneOf(k.at(i).of("of").at(j), id, "family", "families that products are of", concrete)
		}
		r.distinct(k.at(i).of("of"), f.Of)
		families[i] = catalog.Family{ID: f.ID, Name: f.Name, Of: f.Of}
	}
	return families
}

// concrete resolves names of families to those that products are of.
func (r *reading) concrete(k key, names []string, c *catalog.Catalog) []string {
	r.some(k, len(names))
	families := []string{}
	for i, name := range names {
		of := c.FamiliesOf(name)
		if len(of) == 0 && len(c.Families) > 0 {
			r.oneOf(k.at(i), name, "family", "families", append(familyIDs(c), catalog.AnyFamily))
		}
		for _, id := range of {
			if !slices.Contains(families, id) {
				families = append(families, id)
			}
		}
	}
	r.distinct(k, names)
	return families
}

func familyIDs(c *catalog.Catalog) []string {
	var known []string
	for _, f := range c.Families {
		known = append(known, f.ID)
	}
	return known
}

func (r *reading) portals(list []portal, c *catalog.Catalog) []catalog.Portal {
	k := key("portals")
	r.some(k, len(list))
	known := ids(r, k, list, func(p *portal) (string, string) { return p.ID, p.Name })
	portals := make([]catalog.Portal, len(list))
	for i, p := range list {
		here := k.at(i)
		r.filled(here.of("address"), p.Address)
		r.filled(here.of("sign_in_name"), p.SignInName)
		r.oneOf(here.of("sign_in"), p.SignIn, "sign-in", "sign-ins", append([]string{catalog.SignInAny}, known...))
		r.oneOf(here.of("ids"), p.IDs, "use of IDs", "uses", []string{catalog.IDsRequired, catalog.IDsNotUsed})
		for j, right := range p.OnBehalfOf {
			r.filled(here.of("on_behalf_of").at(j), right)
		}
		r.distinct(here.of("on_behalf_of"), p.OnBehalfOf)
		portals[i] = catalog.Portal{
			ID: p.ID, Name: p.Name, Address: p.Address, Families: r.concrete(here.of("families"), p.Families, c),
			SignIn: p.SignIn, SignInName: p.SignInName, IDs: p.IDs, OnBehalfOf: present(p.OnBehalfOf),
			PlanLabels: p.PlanLabels, AsksSubscription: p.AsksSubscription, Help: r.links(here.of("help"), p.Help),
		}
	}
	return portals
}

func (r *reading) products(list []product, c *catalog.Catalog) []catalog.Product {
	k := key("products")
	r.some(k, len(list))
	ids(r, k, list, func(p *product) (string, string) { return p.ID, p.Name })
	products := make([]catalog.Product, len(list))
	for i, p := range list {
		r.productFamily(k.at(i).of("family"), p.Family, c)
		products[i] = catalog.Product{
			ID: p.ID, Name: p.Name, Family: p.Family, AsksUsage: p.AsksUsage,
			ProblemTypes: r.problemTypes(k.at(i).of("problem_types"), p.ProblemTypes),
		}
	}
	return products
}

// productFamily refuses families that no portal takes, and names for several.
func (r *reading) productFamily(k key, family string, c *catalog.Catalog) {
	switch of := c.FamiliesOf(family); {
	case len(of) != 1 || of[0] != family:
		var concrete []string
		for _, f := range c.Families {
			if len(f.Of) == 0 {
				concrete = append(concrete, f.ID)
			}
		}
		r.oneOf(k, family, "family", "families that products are of", concrete)
	case len(c.PortalsFor(family)) == 0:
		r.wrong(k, "no portal takes products of family %q; add it to the families of one", family)
	}
}

func (r *reading) problemTypes(k key, list []problemType) []catalog.ProblemType {
	r.some(k, len(list))
	ids(r, k, list, func(t *problemType) (string, string) { return t.ID, t.Name })
	types := make([]catalog.ProblemType, len(list))
	for i, t := range list {
		here := k.at(i).of("categories")
		r.some(here, len(t.Categories))
		ids(r, here, t.Categories, func(c *named) (string, string) { return c.ID, c.Name })
		types[i] = catalog.ProblemType{ID: t.ID, Name: t.Name, Categories: []catalog.Category{}}
		for _, category := range t.Categories {
			types[i].Categories = append(types[i].Categories, catalog.Category{ID: category.ID, Name: category.Name})
		}
	}
	return types
}
