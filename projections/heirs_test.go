package projections

import (
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/ledger"
)

// A renewal links whoever is linked to its predecessor just before its start;
// where one of them is replaced before, the replacement takes its place (R6,
// R10). The same before and after it was recorded (R5), and however the rows came
// to know it.
func TestR6_R10_heirsOfReplacements(t *testing.T) { onEach(t, testR6_R10_heirsOfReplacements) }

func testR6_R10_heirsOfReplacements(t *testing.T, on engine) {
	for name, row := range map[string]struct {
		replace func(r *rig, predecessor, heir ledger.ContractAnswer) (newest ledger.ContractAnswer)
		linked  int // of two
	}{
		"nobody is replaced": {func(_ *rig, _, heir ledger.ContractAnswer) ledger.ContractAnswer { return heir }, 2},
		"the predecessor": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			r.reissue(predecessor)
			return heir
		}, 1},
		"the predecessor, twice": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			r.reissue(r.reissue(predecessor))
			return heir
		}, 1},
		"the heir":        {func(r *rig, _, heir ledger.ContractAnswer) ledger.ContractAnswer { return r.reissue(heir) }, 2},
		"the heir, twice": {func(r *rig, _, heir ledger.ContractAnswer) ledger.ContractAnswer { return r.reissue(r.reissue(heir)) }, 2},
		"first the predecessor, then the heir": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			r.reissue(predecessor)
			return r.reissue(heir)
		}, 1},
		"the predecessor, whose replacement she leaves": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			r.leave(r.reissue(predecessor))
			return heir
		}, 0},
		"the predecessor, whose replacement she leaves, then the heir": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			r.leave(r.reissue(predecessor))
			return r.reissue(heir)
		}, 0},
		"first the heir, then the predecessor": {func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer {
			heir = r.reissue(heir)
			r.reissue(predecessor)
			return heir
		}, 1},
	} {
		for way, learn := range map[string]func(*rig){
			"in one batch":           func(*rig) {},
			"step by step":           func(r *rig) { r.settle() },
			"each step at a restart": func(r *rig) { r.settle(); r.forget() },
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				checkHeirs(t, on, learn, row.replace, row.linked)
			})
		}
	}
}

func checkHeirs(t *testing.T, on engine, learn func(*rig), replace func(r *rig, predecessor, heir ledger.ContractAnswer) ledger.ContractAnswer, linked int) {
	t.Helper()
	r := newRig(t, on)
	r.learn = learn
	c := r.register("pack")
	r.link(c, ani)
	r.link(c, budi)
	heir, err := r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "asked")
	must(t, err)
	learn(r)
	newest := replace(r, c, heir)
	r.settle()
	starts := r.row(newest).StartsAt
	r.later(starts.Sub(r.now()) + time.Second)
	asIf := r.linksOf(newest.ID)
	own, err := r.Links.OfAccount(t.Context(), r.now(), ani.Account, Page{})
	must(t, err)
	must(t, r.Touch(t.Context(), newest.ID))
	r.settle()
	recorded := r.linksOf(newest.ID)
	if len(asIf) != linked || !maps.EqualFunc(asIf, recorded, time.Time.Equal) {
		t.Errorf("unrecorded the links are %v, recorded %v; want %d", asIf, recorded, linked)
	}
	found := false
	for _, l := range own.Items {
		found = found || l.ID == newest.ID && l.Since.Equal(starts)
	}
	if found != (linked > 0) {
		t.Errorf("ani's own list has contract %s: %v; it is %+v", newest.ID, found, own.Items)
	}
}

// leave lets ani unlink a contract.
func (r *rig) leave(c ledger.ContractAnswer) {
	r.t.Helper()
	_, err := r.Unlink(r.t.Context(), r.by(ani, "unlink"), c.ID, ani.Account, "")
	must(r.t, err)
	r.learn(r)
}

// reissue replaces a contract, of which ani keeps the link, if she has one.
func (r *rig) reissue(c ledger.ContractAnswer) ledger.ContractAnswer {
	r.t.Helper()
	keep := []uuid.UUID{ani.Account}
	if s := r.replay()[c.ID]; !s.Linked(ani.Account) {
		keep = nil
	}
	answer, err := r.Reissue(r.t.Context(), r.by(operator, "reissue"), c.ID, keep, "leaked")
	must(r.t, err)
	r.learn(r)
	return answer
}

// forget lets the next batch read its rows again, as after a restart.
func (s *Set) forget() {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	for _, g := range s.live {
		g.work = nil
	}
}
