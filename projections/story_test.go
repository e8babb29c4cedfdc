package projections

import (
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

func TestLists_tellTheStory(t *testing.T) { onEach(t, testLists_tellTheStory) }

func testLists_tellTheStory(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	in := r.submit(ani, c.ID)
	free := r.submit(ani, uuid.Nil)
	r.settle()

	benefits, err := r.Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
	must(t, err)
	if len(benefits.Items) != 1 || benefits.Items[0].Remaining != 19 || benefits.Items[0].Balance.Consumed != 1 {
		t.Errorf("benefits are %+v", benefits.Items)
	}
	activity, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{})
	must(t, err)
	if len(activity.Items) != 2 || activity.Items[0].Number != free.Number || activity.Items[1].Number != in.Number {
		t.Errorf("activity is %+v", activity.Items)
	}
	ref, ok, err := r.Incidents.Find(t.Context(), in.Number)
	must(t, err)
	if !ok || len(ref.Revisions) != 2 || ref.Stream != c.ID || ref.Owner != ani.Account {
		t.Errorf("found %+v", ref)
	}
	list, err := r.Contracts.List(t.Context(), r.now(), ContractFilter{Status: contract.StatusActive, AccessID: c.Terms.AccessID}, Page{})
	must(t, err)
	if len(list.Items) != 1 || list.Items[0].Status != contract.StatusActive {
		t.Errorf("contracts are %+v", list.Items)
	}
	links, err := r.Links.OfContract(t.Context(), r.now(), c.ID, Page{})
	must(t, err)
	if len(links.Items) != 1 || links.Items[0].Account != ani.Account {
		t.Errorf("links are %+v", links.Items)
	}
	desk, err := r.Desk.List(t.Context(), r.now(), DeskFilter{Status: StatusOpen}, Page{})
	must(t, err)
	if len(desk.Items) != 2 {
		t.Errorf("desk is %+v", desk.Items)
	}
}
