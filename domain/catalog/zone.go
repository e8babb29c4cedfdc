package catalog

import "time"

// clocks is how clocks in a zone are set during a span of instants.
type clocks struct {
	offset       time.Duration // ahead of UTC
	since, until time.Time     // zero: always, for ever; until is after the instant asked for
}

// clocksAt returns how clocks are set in the zone at t. The span may be shorter
// than the time between two changes.
func clocksAt(t time.Time, zone *time.Location) clocks {
	local := t.In(zone)
	_, seconds := local.Zone()
	since, until := local.ZoneBounds()
	if !until.IsZero() && !until.After(t) {
		// Beyond a zone's table of changes, ZoneBounds takes each year for 365
		// days long, so that on 31 December of a leap year it answers with that
		// day's beginning; a loop over spans would not come past it.
		until = time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return clocks{time.Duration(seconds) * time.Second, since, until}
}

// wall returns what the clocks read at t, as if they were in UTC: within one
// span such times can be added and compared like instants.
func (c clocks) wall(t time.Time) time.Time { return t.UTC().Add(c.offset) }

// instant returns when the clocks read so; the opposite of wall.
func (c clocks) instant(wall time.Time) time.Time { return wall.Add(-c.offset) }

// end is until on the wall; zero for ever.
func (c clocks) end() time.Time {
	if c.until.IsZero() {
		return c.until
	}
	return c.wall(c.until)
}
