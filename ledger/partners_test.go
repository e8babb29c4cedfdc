package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

var citra = ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"}

func on(day string) catalog.Date {
	d, err := catalog.ParseDate(day)
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return d
}

// partnered is a partner with its headquarters in Jakarta.
func (r *rig) partnered(level string, signature bool) ledger.PartnerAnswer {
	r.t.Helper()
	answer, err := r.RegisterPartner(r.t.Context(), r.by(operator, "partner"), partner.Register{
		Company: "Contoso", Level: level, Signature: signature, Country: "ID", TimeZone: "Asia/Jakarta",
	}, citra)
	must(r.t, err)
	return answer
}

func (r *rig) renewed(id uuid.UUID, day string) ledger.PartnerAnswer {
	r.t.Helper()
	answer, err := r.RenewMembership(r.t.Context(), r.by(operator, "renewal"), id, on(day))
	must(r.t, err)
	return answer
}

func TestR28_AYearsContractsAreRegisteredAndComeToLifeByThemselves(t *testing.T) {
	r := newRig(t)
	p := r.partnered("gold", true)
	renewing := r.by(operator, "renewal")
	year, err := r.RenewMembership(t.Context(), renewing, p.ID, on("2026-02-20"))
	must(t, err)
	if len(year.Contracts) != 2 {
		t.Fatalf("the year is worth %d contracts, want the core and the signature", len(year.Contracts))
	}
	core, signature := year.Contracts[0], year.Contracts[1]
	if core.Status != contract.StatusRegistered || core.Terms.Programme != "gold" || signature.Terms.Programme != "cloud" || core.ContractID != "" {
		t.Fatalf("registered are %+v and %+v", core, signature)
	}
	again, err := r.RenewMembership(t.Context(), renewing, p.ID, on("2026-02-20"))
	must(t, err)
	if !again.Replayed || again.Position != year.Position || again.Contracts[0].ID != core.ID {
		t.Errorf("a repeat answers %+v, want the first answer", again.Receipt)
	}
	fourthWeek := time.Date(2026, 3, 12, 17, 0, 0, 0, time.UTC) // 13 March in Jakarta
	must(t, r.clock.Set(fourthWeek.Add(-time.Microsecond)))
	if got := r.status(core.ID); got != contract.StatusRegistered {
		t.Errorf("just before the fourth week it is %s", got)
	}
	must(t, r.clock.Set(fourthWeek))
	for _, c := range year.Contracts {
		must(t, r.Touch(t.Context(), c.ID))
		if got := r.status(c.ID); got != contract.StatusActive {
			t.Errorf("in the fourth week it is %s", got)
		}
	}
	if got, want := r.types(core.ID.String()), "contract.registered contract.promised contract.activated grant.added grant.added"; got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	if ends := r.endOf(core.ID); !ends.Equal(time.Date(2027, 2, 19, 17, 0, 0, 0, time.UTC)) {
		t.Errorf("the term ends at %v, want a year after the renewal", ends)
	}
}

func TestR28_TheNextYearFollowsWithTheLinksOfTheLast(t *testing.T) {
	r := newRig(t)
	p := r.partnered("gold", false)
	first := r.renewed(p.ID, "2026-03-01").Contracts[0]
	must(t, r.clock.Set(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)))
	r.linkTo(first.ID, ani)
	must(t, r.clock.Set(time.Date(2027, 3, 3, 0, 0, 0, 0, time.UTC)))
	second := r.renewed(p.ID, "2027-03-02").Contracts[0]
	if second.Terms.Predecessor != first.ID {
		t.Fatalf("the predecessor is %s, want %s", second.Terms.Predecessor, first.ID)
	}
	must(t, r.clock.Set(time.Date(2027, 3, 10, 0, 0, 0, 0, time.UTC)))
	r.linkTo(first.ID, ani) // is no news
	must(t, r.clock.Set(time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)))
	linked := false
	must(t, r.View(t.Context(), second.ID, func(s *contract.State, _ time.Time) { linked = s.Linked(ani.Account) }))
	if !linked || r.status(second.ID) != contract.StatusActive || r.status(first.ID) != contract.StatusExpired {
		t.Errorf("R6: linked %v, first %s, second %s", linked, r.status(first.ID), r.status(second.ID))
	}
	_, err := r.RenewMembership(t.Context(), r.by(operator, "renewal"), p.ID, on("2027-12-31"))
	refused(t, err, "already-renewed")
}

// linkTo links an account to a contract by its pair, unless it is.
func (r *rig) linkTo(id uuid.UUID, who ledger.Actor) {
	r.t.Helper()
	var pair ledger.Pair
	must(r.t, r.View(r.t.Context(), id, func(s *contract.State, _ time.Time) {
		contractID, err := r.keys.OpenContractID(id, s.Terms().ContractID)
		must(r.t, err)
		pair = ledger.Pair{AccessID: s.Terms().AccessID, ContractID: contractID}
	}))
	_, err := r.Link(r.t.Context(), r.by(who, "link"), pair, "desk", "")
	must(r.t, err)
}

func TestR28_TheSignatureContractComesWithTheCoreAlsoByHand(t *testing.T) {
	r := newRig(t)
	year := r.renewed(r.partnered("gold", true).ID, "2026-02-28")
	_, err := r.Change(t.Context(), r.by(operator, "activate"), year.Contracts[0].ID, &contract.Activate{Reason: "asked"})
	must(t, err)
	if got := r.status(year.Contracts[1].ID); got != contract.StatusActive {
		t.Errorf("the signature contract is %s", got)
	}
}

func TestR28_MAPSComesOnRequestOnly(t *testing.T) {
	r := newRig(t)
	year := r.renewed(r.partnered("asked", false).ID, "2026-02-28")
	must(t, r.clock.Set(start.AddDate(0, 6, 0)))
	if got := r.status(year.Contracts[0].ID); len(year.Contracts) != 1 || got != contract.StatusRegistered {
		t.Errorf("%d contracts; after half a year it is %s", len(year.Contracts), got)
	}
	_, err := r.Change(t.Context(), r.by(operator, "activate"), year.Contracts[0].ID, &contract.Activate{Reason: "asked"})
	must(t, err)
	if ends := r.endOf(year.Contracts[0].ID); !ends.Equal(time.Date(2027, 2, 27, 17, 0, 0, 0, time.UTC)) {
		t.Errorf("asked for, it ends at %v, want with the membership year", ends)
	}
}

// Last year's contract may be blank when the next year is recorded: because nobody has
// asked for it, or because its fourth week has not come. The two name each other, and
// whoever links the one goes on with the other.
func TestR28_ABlankContractOfLastYearIsFollowedToo(t *testing.T) {
	r := newRig(t)
	p := r.partnered("asked", false)
	first := r.renewed(p.ID, "2026-03-01").Contracts[0]
	must(t, r.clock.Set(time.Date(2027, 1, 10, 0, 0, 0, 0, time.UTC)))
	second := r.renewed(p.ID, "2027-03-01").Contracts[0]
	var successor uuid.UUID
	must(t, r.View(t.Context(), first.ID, func(s *contract.State, at time.Time) { successor = s.Summary(at).Successor() }))
	if second.Terms.Predecessor != first.ID || successor != second.ID {
		t.Fatalf("the predecessor is %s, want %s; and its successor %s, want %s", second.Terms.Predecessor, first.ID, successor, second.ID)
	}
	change := func(id uuid.UUID, wish contract.Command) {
		_, err := r.Change(t.Context(), r.by(operator, "change"), id, wish)
		must(t, err)
	}
	change(first.ID, &contract.Activate{Reason: "asked"})
	change(first.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 1, Reason: "pack"})
	r.linkTo(first.ID, ani)
	change(second.ID, &contract.Activate{Reason: "asked"})
	if first, second := r.status(first.ID), r.status(second.ID); first != contract.StatusActive || second != contract.StatusWaiting {
		t.Errorf("before the new year the contracts are %s and %s", first, second)
	}
	must(t, r.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)))
	linked := false
	must(t, r.View(t.Context(), second.ID, func(s *contract.State, _ time.Time) { linked = s.Linked(ani.Account) }))
	if !linked || r.status(second.ID) != contract.StatusActive {
		t.Errorf("R6: linked %v, and it is %s", linked, r.status(second.ID))
	}
	_, err := r.Renew(t.Context(), r.by(operator, "renew"), r.renewed(p.ID, "2028-03-01").Contracts[0].ID, "more")
	refused(t, err, "not-activated")
}

func TestR28_AToolkitIsAContractOfItsLocation(t *testing.T) {
	r := newRig(t)
	p := r.partnered("gold", false)
	added, err := r.AddLocation(t.Context(), r.by(operator, "location"), p.ID, partner.AddLocation{
		Title: "Makassar", Country: "ID", TimeZone: "Asia/Makassar",
	}, ledger.Person{Name: "Budi", Email: "budi@example.com", Language: "en"})
	must(t, err)
	buying := r.by(operator, "toolkit")
	bought, err := r.BuyToolkit(t.Context(), buying, p.ID, partner.BuyToolkit{Location: added.Location, Competency: "devices", Reference: "PO-1"})
	must(t, err)
	kit := bought.Contracts[0]
	if kit.Status != contract.StatusRegistered || kit.Terms.TimeZone != "Asia/Makassar" || kit.Terms.PartnerID != p.ID.String() || kit.Terms.Language != "en" {
		t.Errorf("the toolkit's contract is %+v", kit.Terms)
	}
	if kit.Terms.Contact.Person != r.keys.Contact("BUDI@example.com") {
		t.Error("R29: its contact is not the location's")
	}
	place := bought.State.PlaceOf(kit.ID)
	if place.ID != added.Location || place.Primary.Texts.Clear.Name != "Budi" {
		t.Errorf("R29: it belongs to %+v", place)
	}
	_, err = r.BuyToolkit(t.Context(), r.by(operator, "toolkit"), p.ID, partner.BuyToolkit{Location: added.Location, Competency: "devices", Reference: "PO-1"})
	refused(t, err, "reference-used")
	_, err = r.Partner(t.Context(), uuid.New())
	refused(t, err, "partner-not-found")
}

// TestR41_WhatAPartnerWasPromisedIsMadeAfterACrash lets the process end after
// each append of a renewal, and completes it once by the repeat and once by the
// worker.
func TestR41_WhatAPartnerWasPromisedIsMadeAfterACrash(t *testing.T) {
	for _, finish := range []string{"repeat", "worker", "predecessor"} {
		for appends := 1; ; appends++ {
			r := newRig(t)
			p := r.partnered("gold", true)
			last := r.renewed(p.ID, "2026-02-01")
			must(t, r.clock.Set(time.Date(2027, 2, 2, 0, 0, 0, 0, time.UTC)))
			for _, c := range last.Contracts {
				must(t, r.Touch(t.Context(), c.ID))
			}
			renewing := r.by(operator, "renewal")
			crashed := r.crashing(appends)
			_, err := crashed.RenewMembership(t.Context(), renewing, p.ID, on("2027-02-01"))
			if err == nil && appends < 5 {
				t.Fatalf("a renewal with two predecessors took %d appends", appends)
			} else if err == nil {
				break // it took no more
			}
			r.restart()
			if finish == "repeat" || !strings.Contains(r.types("partner-"+p.ID.String()), "renewed partner.membership-renewed") {
				_, err = r.RenewMembership(t.Context(), renewing, p.ID, on("2027-02-01"))
			} else if finish == "worker" {
				err = r.TouchPartner(t.Context(), p.ID)
			} else if err = r.Touch(t.Context(), last.Contracts[0].ID); err == nil {
				err = r.TouchPartner(t.Context(), p.ID)
			}
			must(t, err)
			must(t, r.TouchPartner(t.Context(), p.ID))
			year := r.renewedYear(p.ID)
			for i, c := range year.Contracts {
				if got, want := r.types(c.Contract.String()), "contract.registered contract.promised"; got != want {
					t.Errorf("%s after %d appends: recorded %s, want %s", finish, appends, got, want)
				}
				successor := uuid.Nil
				must(t, r.View(t.Context(), last.Contracts[i].ID, func(s *contract.State, at time.Time) { successor = s.Summary(at).Renewal }))
				if successor != c.Contract {
					t.Errorf("%s after %d appends: last year's names %s, want %s", finish, appends, successor, c.Contract)
				}
			}
		}
	}
}

// renewedYear is the latest membership year of a partner.
func (r *rig) renewedYear(id uuid.UUID) *partner.MembershipRenewed {
	r.t.Helper()
	p, err := r.Partner(r.t.Context(), id)
	must(r.t, err)
	renewals := p.State.Renewals()
	return renewals[len(renewals)-1]
}

// crashing is a ledger whose process ends after so many appends.
func (r *rig) crashing(appends int) *ledger.Ledger {
	l, err := ledger.New(ledger.Config{Store: &mortal{r.store, appends}, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(r.t, err)
	return l
}

// mortal is a store that is lost after so many appends.
type mortal struct {
	eventstore.Store
	left int
}

var errLost = errors.New("the process has ended")

func (s *mortal) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if s.left--; s.left < 0 {
		return eventstore.Appended{}, errLost
	}
	return s.Store.Append(ctx, a)
}
