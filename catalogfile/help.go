package catalogfile

import (
	"regexp"

	"github.com/supportledger/supportledger/domain/catalog"
)

func (r *reading) links(k key, list []link) []catalog.Link {
	links := make([]catalog.Link, len(list))
	for i := range list {
		links[i] = r.link(k.at(i), &list[i])
	}
	return links
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// link checks that a text says which language it is in, and a translation whose
// it is and of what (R24).
func (r *reading) link(k key, l *link) catalog.Link {
	r.filled(k.of("title"), l.Title)
	r.address(k.of("url"), l.URL)
	if !languageTag.MatchString(l.Language) {
		r.wrong(k.of("language"), "%s is not a language like en or pt-BR", quote(l.Language))
	}
	if !r.placeless(k.of("translation")) {
		r.oneOf(k.of("translation"), l.Translation, "translation", "translations",
			[]string{catalog.TranslatedByHuman, catalog.TranslatedByMachine})
	}
	switch {
	case l.Translation != "" && l.Original == "":
		r.wrong(k.of("original"), "is missing; a translation names the address of its original")
	case l.Translation == "" && l.Original != "":
		r.wrong(k.of("translation"), "is missing; say whether human or machine translated the original")
	case l.Original != "":
		r.address(k.of("original"), l.Original)
	}
	return catalog.Link(*l)
}

func (r *reading) resources(list []resource, c *catalog.Catalog) []catalog.Resource {
	resources := make([]catalog.Resource, len(list))
	for i := range list {
		k, in := key("resources").at(i), &list[i]
		r.subject(k, in, c)
		resources[i] = catalog.Resource{Product: in.Product, ProblemType: in.ProblemType, Category: in.Category, Link: r.link(k, &in.link)}
	}
	return resources
}

// subject refuses a resource about a product, problem type or category that no
// request can name together.
func (r *reading) subject(k key, in *resource, c *catalog.Catalog) {
	products := c.Products
	if in.Product != "" {
		if !r.oneOf(k.of("product"), in.Product, "product", "products", productIDs(c)) {
			return
		}
		product, _ := c.Product(in.Product)
		products = []catalog.Product{*product}
	}
	var types, categories []string
	for _, product := range products {
		for _, t := range product.ProblemTypes {
			types = append(types, t.ID)
			if in.ProblemType == "" || in.ProblemType == t.ID {
				for _, category := range t.Categories {
					categories = append(categories, category.ID)
				}
			}
		}
	}
	if in.ProblemType != "" && !r.oneOf(k.of("problem_type"), in.ProblemType, "problem type", "problem types here", types) {
		return
	}
	if in.Category != "" {
		r.oneOf(k.of("category"), in.Category, "category", "categories here", categories)
	}
}

func productIDs(c *catalog.Catalog) []string {
	var known []string
	for _, p := range c.Products {
		known = append(known, p.ID)
	}
	return known
}

func (r *reading) communities(list []forum, c *catalog.Catalog) []catalog.Community {
	communities := make([]catalog.Community, len(list))
	for i := range list {
		k, in := key("communities").at(i), &list[i]
		r.some(k.of("portals"), len(in.Portals))
		r.distinct(k.of("portals"), in.Portals)
		for j, id := range in.Portals {
			r.oneOf(k.of("portals").at(j), id, "portal", "portals", portalIDs(c))
		}
		communities[i] = catalog.Community{Portals: present(in.Portals), Link: r.link(k, &in.link)}
	}
	return communities
}
