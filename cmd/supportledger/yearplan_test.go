package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// towns are where partners and contracts of the year are.
var towns = [...]struct{ country, zone string }{
	{"ID", "Asia/Jakarta"}, {"US", "America/New_York"}, {"IE", "Europe/Dublin"}, {"AU", "Australia/Sydney"}, {"BR", "America/Sao_Paulo"}, {"US", "Pacific/Honolulu"},
}

// limited is how many grants of a programme lapse at its end; links is what is
// linked to it.
var limited = map[string]int{"gold": 2, "silver": 2, "maps": 1, "scs": 0}

// midnight is when a day begins somewhere, by the calendar alone.
func midnight(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
}

func dateOf(day time.Time) catalog.Date {
	return catalog.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()}
}

// plan decides what is asked in the year.
func (y *year) plan() {
	for i := range 24 {
		y.aPartner(i)
	}
	for i := range 24 {
		y.aContract(i)
	}
}

// aPartner has renewed before the year, and renews again in it; some for the first
// time.
func (y *year) aPartner(i int) {
	place, level := towns[i%len(towns)], []string{"gold", "silver", "maps"}[i%3]
	zone, err := time.LoadLocation(place.zone)
	must(y.t, err)
	signature := level != "maps" && i%2 == 0
	first := y.start.AddDate(0, 0, -300+25*i) // the later ones in the year itself
	registered := y.start
	if first.After(y.start) {
		registered = first
	}
	var id uuid.UUID
	y.at(registered, func() {
		y.asked("partner", func(n *node, r ledger.Request) error {
			p, err := n.RegisterPartner(context.Background(), r, partner.Register{
				Company: "Contoso", Level: level, Signature: signature, Country: place.country, TimeZone: place.zone,
			}, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "en"})
			id = p.ID
			return err
		})
		y.renewal(id, first, zone, level, nil)
	})
}

// renewal records a membership renewal, what it brings about, and the next one.
func (y *year) renewal(id uuid.UUID, day time.Time, zone *time.Location, level string, before map[string]linkedContract) {
	var made []ledger.ContractAnswer
	y.asked("renewal", func(n *node, r ledger.Request) error {
		answer, err := n.RenewMembership(context.Background(), r, id, dateOf(day))
		made = answer.Contracts
		return err
	})
	now := map[string]linkedContract{}
	for _, c := range made {
		programme := c.Terms.Programme
		active, ends := midnight(day.AddDate(0, 0, 21), zone), midnight(day.AddDate(1, 0, 0), zone)
		if level == "maps" { // on request
			active = y.clock.Now().Add(40 * 24 * time.Hour)
			y.at(active, func() { y.activates(c.ID) })
		}
		y.expect(c.ID, "contract.activated", active)
		y.expect(c.ID, "contract.expired", ends)
		for range limited[programme] {
			y.expect(c.ID, "grant.lapsed", ends)
		}
		now[programme] = linkedContract{id: c.ID}
		if before[programme].linked {
			y.expect(c.ID, "account.linked", active)
		} else if programme != "scs" {
			if at := latest(active, y.clock.Now()).Add(48 * time.Hour); at.Before(ends) && at.Before(y.end) {
				now[programme] = linkedContract{c.ID, true}
				y.at(at, func() { y.links(c.ID) })
				y.expect(c.ID, "account.linked", at)
			}
		}
	}
	if next := day.AddDate(1, 0, 0); next.Before(y.end.Add(-72 * time.Hour)) {
		y.at(midnight(next, zone).Add(30*time.Hour), func() { y.renewal(id, next, zone, level, now) })
	}
}

type linkedContract struct {
	id     uuid.UUID
	linked bool
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (y *year) activates(id uuid.UUID) {
	y.asked("activate", func(n *node, r ledger.Request) error {
		_, err := n.Change(context.Background(), r, id, &contract.Activate{Reason: "asked"})
		return err
	})
}

func (y *year) links(id uuid.UUID) {
	y.asked("link", func(n *node, r ledger.Request) error {
		r.By = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "oas"}
		_, err := n.Link(context.Background(), r, y.whole(n, id), "oas", "")
		return err
	})
}

// aContract belongs to no partner: it waits for its term, or is in it; grants of
// it lapse; it is renewed, and followed.
func (y *year) aContract(i int) {
	place := towns[i%len(towns)]
	zone, err := time.LoadLocation(place.zone)
	must(y.t, err)
	day := y.start.AddDate(0, 0, -340+22*i)
	starts, ends := midnight(day, zone), midnight(day.AddDate(1, 0, 0), zone)
	y.at(y.start, func() {
		var c ledger.ContractAnswer
		y.asked("register", func(n *node, r ledger.Request) (err error) {
			c, err = n.Register(context.Background(), r, ledger.Registration{
				Programme: "maps", Country: place.country, TimeZone: place.zone, StartsOn: dateOf(day),
				Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "en",
			})
			return err
		})
		y.activates(c.ID)
		y.expect(c.ID, "contract.activated", y.start)
		if starts.After(y.start) {
			y.expect(c.ID, "contract.activated", starts)
		}
		y.expect(c.ID, "contract.expired", ends)
		y.expect(c.ID, "grant.lapsed", ends)
		if at := latest(starts, y.start).Add(24 * time.Hour); i%2 == 0 && at.Before(y.end) && at.Before(ends) {
			y.at(at, func() { y.links(c.ID) })
			y.expect(c.ID, "account.linked", at)
		}
		if over := latest(starts, y.start).AddDate(0, 0, 9); i%3 == 0 && over.Before(ends.AddDate(0, 0, -2)) {
			y.asked("grant", func(n *node, r ledger.Request) error {
				_, err := n.Change(context.Background(), r, c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 5, ExpiresOn: dateOf(over.In(zone)), Reason: "goodwill"})
				return err
			})
			y.expect(c.ID, "grant.lapsed", midnight(over.In(zone).AddDate(0, 0, 1), zone))
		}
		if at := ends.AddDate(0, 0, -5); i%4 != 0 && at.After(y.start) && at.Before(y.end) {
			y.at(at, func() { y.isRenewed(c.ID, ends, zone, i%2 == 0) })
		}
	})
}

// isRenewed is followed by a contract that waits, and starts when this one ends.
func (y *year) isRenewed(id uuid.UUID, ends time.Time, zone *time.Location, linked bool) {
	var next ledger.ContractAnswer
	y.asked("renew", func(n *node, r ledger.Request) (err error) {
		next, err = n.Renew(context.Background(), r, id, "another year")
		return err
	})
	y.expect(next.ID, "contract.activated", y.clock.Now())
	y.expect(next.ID, "contract.activated", ends)
	if linked {
		y.expect(next.ID, "account.linked", ends)
	}
	over := midnight(ends.In(zone).AddDate(1, 0, 0), zone)
	y.expect(next.ID, "contract.expired", over)
	y.expect(next.ID, "grant.lapsed", over)
}
