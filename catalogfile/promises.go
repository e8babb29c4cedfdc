package catalogfile

import "github.com/supportledger/supportledger/domain/catalog"

// promises checks how soon requests are answered, where, and how they end.
func (r *reading) promises(f *file, c *catalog.Catalog) {
	calendars := r.calendars(f.Calendars, c)
	r.some("calendars", len(f.Calendars))
	c.DefaultCalendar = r.calendarNamed("default_calendar", f.DefaultCalendar, calendars)
	c.Regions = r.regions(f.Regions, calendars)
	c.Severities = r.severities(f.Severities)
	c.ClosureCodes = r.closureCodes(f.ClosureCodes)
}

func (r *reading) calendarNamed(k key, id string, known []*catalog.Calendar) *catalog.Calendar {
	var names []string
	for _, c := range known {
		if c.ID == id {
			return c
		}
		names = append(names, c.ID)
	}
	r.oneOf(k, id, "calendar", "calendars", names)
	return nil
}

func (r *reading) regions(list []region, calendars []*catalog.Calendar) []catalog.Region {
	k := key("regions")
	ids(r, k, list, func(g *region) (string, string) { return g.ID, g.Name })
	regions := make([]catalog.Region, len(list))
	seen := map[string]key{}
	for i, g := range list {
		here := k.at(i)
		r.some(here.of("countries"), len(g.Countries))
		r.countries(here.of("countries"), g.Countries, seen)
		regions[i] = catalog.Region{
			ID: g.ID, Name: g.Name, Countries: present(g.Countries), ResendToAssociated: g.ResendToAssociated,
			Calendar: r.calendarNamed(here.of("calendar"), g.Calendar, calendars),
		}
	}
	return regions
}

// countries refuses codes that no country has, and countries seen before.
func (r *reading) countries(k key, codes []string, seen map[string]key) {
	for i, code := range codes {
		before, twice := seen[code]
		switch {
		case !catalog.KnownCountry(code):
			r.wrong(k.at(i), "no country %s; countries are two capital letters of ISO 3166", quote(code))
		case twice:
			r.wrong(k.at(i), "%s stands in %s already; a country is in one place", code, before)
		default:
			seen[code] = k
		}
	}
}

func (r *reading) severities(list []severity) []catalog.Severity {
	k := key("severities")
	r.some(k, len(list))
	ids(r, k, list, func(s *severity) (string, string) { return s.ID, s.Name })
	severities := make([]catalog.Severity, len(list))
	for i, s := range list {
		response, err := catalog.ParseDuration(s.ResponseTime)
		if err != nil {
			r.wrong(k.at(i).of("response_time"), "%v", err)
		}
		severities[i] = catalog.Severity{ID: s.ID, Name: s.Name, Response: response, BusinessHours: s.BusinessHours}
	}
	return severities
}

func (r *reading) closureCodes(list []closure) []catalog.ClosureCode {
	k := key("closure_codes")
	r.some(k, len(list))
	ids(r, k, list, func(c *closure) (string, string) { return c.ID, c.Name })
	codes := make([]catalog.ClosureCode, len(list))
	for i, c := range list {
		codes[i] = catalog.ClosureCode{ID: c.ID, Name: c.Name, Decrement: c.Decrement}
	}
	return codes
}
