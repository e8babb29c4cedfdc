package projections

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// walk goes through a list page by page and returns the keys in order; one that
// comes twice fails.
func walk[T any, K comparable](t *testing.T, list func(Page) (List[T], error), key func(T) K, between ...func()) []K {
	t.Helper()
	var keys []K
	for p := (Page{Limit: 3}); ; {
		page, err := list(p)
		must(t, err)
		for _, item := range page.Items {
			if k := key(item); slices.Contains(keys, k) {
				t.Errorf("%v is listed twice", k)
			} else {
				keys = append(keys, k)
			}
		}
		if page.Next == "" {
			return keys
		}
		if len(page.Items) != p.Limit {
			t.Errorf("a page has %d rows, want %d, for there is another", len(page.Items), p.Limit)
		}
		p.Cursor = page.Next
		for _, do := range between {
			do()
		}
	}
}

// No row is lost or doubled at a page boundary while others arrive (R35), in
// every order.
func TestR35_pagesLoseAndDoubleNothing(t *testing.T) { onEach(t, testR35_pagesLoseAndDoubleNothing) }

func testR35_pagesLoseAndDoubleNothing(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("endless")
	r.link(c, ani)
	titles := []string{"b", "a", "b", "c", "a", "b", "b"}
	numbers := map[contract.Number]bool{}
	for i, title := range titles {
		in := r.submit(ani, c.ID, func(s *ledger.Submission) { s.Title = title })
		numbers[in.Number] = true
		if i%3 == 0 {
			_, err := r.Ledger.Close(t.Context(), r.by(engineer, "close"), ledger.IncidentRef{Number: in.Number, Stream: c.ID, Owner: ani.Account}, "resolved", "Done.")
			must(t, err)
		}
	}
	r.settle()
	arrivals := 0
	arrive := func() {
		if arrivals++; arrivals > 2 {
			return
		}
		r.submit(ani, c.ID, func(s *ledger.Submission) { s.Title = "a" })
		r.submit(budi, uuid.Nil)
		r.settle()
	}
	for _, name := range append(Sorts(), "") {
		for _, way := range []string{"", "-"} {
			f := ActivityFilter{Sort: way + name}
			if name == "" {
				f.Sort = ""
			}
			t.Run("sort "+f.Sort, func(t *testing.T) {
				arrivals = 0
				walked := walk(t, func(p Page) (List[Request], error) { return r.Activity.Of(t.Context(), r.now(), ani.Account, f, p) },
					func(r Request) contract.Number { return r.Number }, arrive)
				for n := range numbers {
					if !slices.Contains(walked, n) {
						t.Errorf("%s was lost", n)
					}
				}
			})
		}
	}
}

func TestActivity_isFiltered(t *testing.T) { onEach(t, testActivity_isFiltered) }

func testActivity_isFiltered(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("endless")
	r.link(c, ani)
	a := r.submit(ani, c.ID, func(s *ledger.Submission) { s.Title, s.Subscription = "Über den Wolken", "sub-1" })
	b := r.submit(ani, uuid.Nil)
	_, err := r.Ledger.Close(t.Context(), r.by(engineer, "close"), ledger.IncidentRef{Number: b.Number, Stream: r.streamOf(b.Number), Owner: ani.Account}, "resolved", "Done.")
	must(t, err)
	r.submit(budi, uuid.Nil)
	r.settle()
	for _, row := range []struct {
		filter ActivityFilter
		want   []contract.Number
	}{
		{ActivityFilter{}, []contract.Number{b.Number, a.Number}},
		{ActivityFilter{Status: StatusOpen}, []contract.Number{a.Number}},
		{ActivityFilter{Status: StatusClosed}, []contract.Number{b.Number}},
		{ActivityFilter{Kind: KindIncident}, []contract.Number{b.Number, a.Number}},
		{ActivityFilter{Kind: "advisory"}, nil},
		{ActivityFilter{Portal: "free"}, []contract.Number{b.Number}},
		{ActivityFilter{Subscription: "sub-1"}, []contract.Number{a.Number}},
		{ActivityFilter{Text: "über"}, []contract.Number{a.Number}},
		{ActivityFilter{Text: a.Number.String()[4:12]}, []contract.Number{a.Number}},
		{ActivityFilter{Text: "nothing like it"}, nil},
	} {
		t.Run(fmt.Sprintf("%+v", row.filter), func(t *testing.T) {
			list, err := r.Activity.Of(t.Context(), r.now(), ani.Account, row.filter, Page{})
			must(t, err)
			var got []contract.Number
			for _, item := range list.Items {
				got = append(got, item.Number)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("listed are %v, want %v", got, row.want)
			}
		})
	}
}

func (r *rig) streamOf(n contract.Number) uuid.UUID {
	r.t.Helper()
	r.settle()
	ref, ok, err := r.Incidents.Find(r.t.Context(), n)
	must(r.t, err)
	if !ok {
		r.t.Fatalf("incident %s is not found", n)
	}
	return ref.Stream
}

// A cursor is good for the question that gave it, and for no other.
func TestCursor_ofAnotherQuestionIsRefused(t *testing.T) {
	onEach(t, testCursor_ofAnotherQuestionIsRefused)
}

func testCursor_ofAnotherQuestionIsRefused(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("endless")
	r.link(c, ani)
	r.submit(ani, c.ID)
	r.submit(ani, c.ID)
	r.settle()
	first, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{Limit: 1})
	must(t, err)
	if first.Next == "" {
		t.Fatal("there is no next page")
	}
	for name, ask := range map[string]func(Page) error{
		"another account": func(p Page) error {
			_, err := r.Activity.Of(t.Context(), r.now(), budi.Account, ActivityFilter{}, p)
			return err
		},
		"another filter": func(p Page) error {
			_, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{Text: "x"}, p)
			return err
		},
		"another list": func(p Page) error { _, err := r.Desk.List(t.Context(), r.now(), DeskFilter{}, p); return err },
		"contracts":    func(p Page) error { _, err := r.Contracts.List(t.Context(), r.now(), ContractFilter{}, p); return err },
		"mails":        func(p Page) error { _, err := r.Mails.List(t.Context(), r.now(), MailFilter{}, p); return err },
		"benefits":     func(p Page) error { _, err := r.Benefits.OfAccount(t.Context(), r.now(), ani.Account, p); return err },
		"links":        func(p Page) error { _, err := r.Links.OfAccount(t.Context(), r.now(), ani.Account, p); return err },
		"links of one": func(p Page) error { _, err := r.Links.OfContract(t.Context(), r.now(), c.ID, p); return err },
		"what is due":  func(p Page) error { _, err := r.Due.List(t.Context(), r.now(), DuePeriod{By: r.now()}, p); return err },
	} {
		for _, cursor := range []string{first.Next, "x", first.Next[:12], first.Next + "AAAA", "%%"} {
			if err := ask(Page{Cursor: cursor}); !errors.Is(err, ErrCursor) {
				t.Errorf("%s with the cursor %q answers %v", name, cursor, err)
			}
		}
	}
	if _, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{Cursor: first.Next, Limit: 1}); err != nil {
		t.Errorf("its own question answers %v", err)
	}
}

// Benefits, links, contracts and the desk come whole, whatever the page.
func TestLists_areWalkedWhole(t *testing.T) { onEach(t, testLists_areWalkedWhole) }

func testLists_areWalkedWhole(t *testing.T, on engine) {
	r := newRig(t, on)
	for range 7 {
		c := r.register("blank")
		_, err := r.Change(t.Context(), r.by(operator, "activate"), c.ID, &contract.Activate{})
		must(t, err)
		r.link(c, ani)
		r.link(c, budi)
		r.submit(ani, c.ID)
	}
	r.settle()
	type unit struct {
		id   uuid.UUID
		unit contract.Unit
	}
	at := r.now()
	for name, n := range map[string]int{
		"contracts": len(walk(t, func(p Page) (List[ContractRow], error) { return r.Contracts.List(t.Context(), at, ContractFilter{}, p) }, func(c ContractRow) uuid.UUID { return c.ID })),
		"links":     len(walk(t, func(p Page) (List[Link], error) { return r.Links.OfAccount(t.Context(), at, ani.Account, p) }, func(l Link) uuid.UUID { return l.ID })),
		"desk":      len(walk(t, func(p Page) (List[Request], error) { return r.Desk.List(t.Context(), at, DeskFilter{}, p) }, func(r Request) contract.Number { return r.Number })),
		"benefits":  len(walk(t, func(p Page) (List[Benefit], error) { return r.Benefits.OfAccount(t.Context(), at, ani.Account, p) }, func(b Benefit) unit { return unit{b.ID, b.Unit} })) / 2,
	} {
		if n != 7 {
			t.Errorf("%d %s were walked, want 7", n, name)
		}
	}
}
