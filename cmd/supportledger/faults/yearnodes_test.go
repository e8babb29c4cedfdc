//go:build linux

package faults_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	domaincontract "github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// A siteYear is a year of three nodes on one log, one PostgreSQL and one NATS, which
// are killed while they record what is due, and come back some steps later.
type siteYear struct {
	*plan
	*site
	random       *rand.Rand // which node is killed at which step: as many in every run
	asked, kills int
	away         [nodes]int // until which step
	mu           sync.Mutex
	down         [nodes]bool
}

// R4, R5, R6, R28, R38: what is due happens once on three processes that are killed by
// kill -9, at its moment, as a plain calculation of dates says; and it is told once.
func TestR5_AYearOfThreeNodesThatAreKilled(t *testing.T) {
	steps := storetest.Rounds(300, 10_000)
	y := &siteYear{random: rand.New(rand.NewPCG(3, 11))}
	y.plan = newPlan(t, y, steps)
	y.site = newSite(t, serving, "--test-clock", y.start.Format(time.RFC3339))
	ear := y.listen()
	for i := range steps + 1 {
		y.comeBack(i)
		killed := y.kill(i)
		y.tick(y.plan.start.Add(time.Duration(i) * y.step))
		y.reach(i)
		killed.Wait()
	}
	y.comeBack(2 * steps) // all of them
	y.tick(y.end)
	y.check(y.asNodesSee(), 2)
	if y.kills < 20 {
		t.Errorf("%d kills are too few to mean anything", y.kills)
	}
	y.untilReady()
	heard := y.mustHear(ear)
	y.mustVerify(0)
	t.Logf("%d contracts, %d kills, %d requests were turned away and %d not answered, and sent again; %d events heard",
		len(y.expected), y.kills, y.turnedAway.Load(), y.unanswered.Load(), heard)
}

// asNodesSee is the log with the times and the words that nodes have written.
func (y *siteYear) asNodesSee() eventstore.Store {
	y.site.t.Helper()
	store, err := esdb.Open(y.site.t.Context(), esdb.Options{Connection: "esdb://" + y.lines[0].Listen + "?tls=false"})
	must(y.site.t, err)
	y.site.t.Cleanup(func() { _ = store.Close() })
	return store
}

// comeBack starts the nodes that were away for long enough.
func (y *siteYear) comeBack(step int) {
	y.site.t.Helper()
	for n, until := range y.away {
		if y.down[n] && step >= until {
			y.launch(n)
			y.down[n] = false
		}
	}
}

// kill ends a node at some moment of a step in which something is due, or none: one
// at least goes on.
func (y *siteYear) kill(step int) *sync.WaitGroup {
	soon := new(sync.WaitGroup)
	var alive []int
	for n := range nodes {
		if !y.down[n] {
			alive = append(alive, n)
		}
	}
	if !y.due[step] || len(alive) == 1 || y.random.IntN(2) > 0 {
		return soon
	}
	n := alive[y.random.IntN(len(alive))]
	y.kills++
	y.away[n] = step + 1 + y.random.IntN(8)
	soon.Go(func() {
		<-time.After(rand.N(60 * time.Millisecond)) // a step takes about as long
		y.mu.Lock()
		y.down[n] = true
		y.mu.Unlock()
		y.node(n).kill()
	})
	return soon
}

func (y *siteYear) isDown(n int) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.down[n]
}

// tick moves the clocks of all nodes that live, side by side, and returns when each
// says that what is due then was recorded.
func (y *siteYear) tick(now time.Time) {
	volley(nodes, func(n int) {
		var got reply
		for deadline := time.Now().Add(tooLong); !y.isDown(n) && time.Now().Before(deadline); {
			got = y.node(n).post("admin", "/v1/test-clock", fmt.Sprint("clock ", now), fields{"now": now.Format(time.RFC3339)})
			if got.good() {
				return
			}
			if got.err == nil && got.status != http.StatusServiceUnavailable {
				break
			}
		}
		if !y.isDown(n) {
			y.site.t.Errorf("node %d does not reach %v: %d %s %v", n, now, got.status, got.body, got.err)
		}
	})
}

// does has one of the nodes do something, and another one again where that was killed
// meanwhile.
func (y *siteYear) does(as, path string, body any) reply {
	y.site.t.Helper()
	y.asked++
	return y.post(as, path, fmt.Sprint("key ", y.asked), body)
}

func (y *siteYear) registerPartner(p partner.Register) uuid.UUID {
	var made struct{ ID uuid.UUID }
	y.does("operator", "/v1/partners", fields{
		"name": p.Company, "level": p.Level, "signature": p.Signature, "country": p.Country, "time_zone": p.TimeZone,
		"primary_contact": fields{"name": "Citra", "email": "citra@example.com"},
	}).read(y.site.t, &made)
	return made.ID
}

func (y *siteYear) renewMembership(id uuid.UUID, day catalog.Date) (made []madeContract) {
	var answer struct {
		Contracts []struct {
			ID        uuid.UUID
			Programme string
		}
	}
	y.does("operator", "/v1/partners/"+id.String()+"/membership-renewals", fields{"renewed_on": day.String()}).read(y.site.t, &answer)
	for _, c := range answer.Contracts {
		made = append(made, madeContract{c.ID, c.Programme})
	}
	return made
}

func (y *siteYear) register(r ledger.Registration) uuid.UUID {
	var made struct{ ID uuid.UUID }
	body := registration("Citra")
	body["programme"], body["country"], body["time_zone"], body["starts_on"] = r.Programme, r.Country, r.TimeZone, r.StartsOn.String()
	y.does("operator", "/v1/contracts", body).read(y.site.t, &made)
	return made.ID
}

func (y *siteYear) activate(id uuid.UUID) {
	y.does("operator", "/v1/contracts/"+id.String()+"/activate", fields{"reason": "asked"})
}

func (y *siteYear) grant(id uuid.UUID, incidents int64, expires catalog.Date) {
	y.does("operator", "/v1/contracts/"+id.String()+"/grants", fields{"unit": "incident", "quantity": incidents, "expires_on": expires.String(), "reason": "goodwill"})
}

func (y *siteYear) renew(id uuid.UUID) uuid.UUID {
	var made struct{ ID uuid.UUID }
	y.does("operator", "/v1/contracts/"+id.String()+"/renew", fields{"reason": "another year"}).read(y.site.t, &made)
	return made.ID
}

// link links a contract by its IDs, which the letter would tell.
func (y *siteYear) link(id uuid.UUID) {
	keys, err := vault.Load(y.keys)
	must(y.site.t, err)
	for r, err := range y.log.ReadStream(y.site.t.Context(), id.String(), 0, eventstore.Forwards) {
		must(y.site.t, err)
		var registered domaincontract.Registered
		must(y.site.t, json.Unmarshal(r.Data, &registered))
		secret, err := keys.OpenContractID(id, registered.ContractID)
		must(y.site.t, err)
		c := link(contract{AccessID: registered.AccessID, ContractID: secret})
		c["portal"] = "oas"
		y.does("customer-ani", "/v1/links", c)
		return
	}
	y.site.t.Fatalf("contract %s is not in the log", id)
}
