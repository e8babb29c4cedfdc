package catalog

import (
	"cmp"
	"slices"
)

// SelfHelp returns the resources for a product, problem type and category, best
// match first: those written for the category, then for the problem type, then
// for the product, then for everything; in the catalogue's order within each
// (R24). An empty argument has not been chosen yet and leaves all open.
func (c *Catalog) SelfHelp(product, problemType, category string) []Resource {
	asked := [3]string{product, problemType, category}
	found := []Resource{}
	for _, r := range c.Resources {
		if r.fits(asked) {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b Resource) int { return cmp.Compare(b.closeness(asked), a.closeness(asked)) })
	return found
}

func (r *Resource) members() [3]string { return [3]string{r.Product, r.ProblemType, r.Category} }

func (r *Resource) fits(asked [3]string) bool {
	for i, own := range r.members() {
		if own != "" && asked[i] != "" && own != asked[i] {
			return false
		}
	}
	return true
}

// closeness is higher the more of what was asked the resource is written for,
// the finer member outweighing the coarser ones; among equals it is higher for
// a resource that is about nothing beyond what was asked.
func (r *Resource) closeness(asked [3]string) int {
	match, beyond := 0, 0
	for i, own := range r.members() {
		switch {
		case own == "":
		case asked[i] == "":
			beyond++
		default:
			match += 4 << i
		}
	}
	return match - beyond
}
