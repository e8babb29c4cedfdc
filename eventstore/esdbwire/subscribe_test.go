package esdbwire_test

import (
	"fmt"
	"strings"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// heard turns what a subscription says into words, until it has said enough.
func heard(t *testing.T, sub *client.Subscription, enough func(said []string) bool) (said []string) {
	t.Helper()
	for !enough(said) {
		e := sub.Recv()
		switch {
		case e.EventAppeared != nil:
			said = append(said, placeOf(e.EventAppeared))
		case e.CheckPointReached != nil:
			said = append(said, fmt.Sprintf("checkpoint %d", e.CheckPointReached.Commit))
		case e.CaughtUp != nil:
			said = append(said, "caught up")
		case e.SubscriptionDropped != nil:
			t.Fatalf("dropped after %v: %v", said, e.SubscriptionDropped.Error)
		}
	}
	return said
}

func nth(n int) func([]string) bool { return func(said []string) bool { return len(said) == n } }

func subscribed(t *testing.T, sub *client.Subscription, err error) *client.Subscription {
	t.Helper()
	must(t, err)
	t.Cleanup(func() { _ = sub.Close() })
	return sub
}

func at(p eventstore.Position) client.Position {
	return client.Position{Commit: uint64(p), Prepare: uint64(p)}
}

func TestSubscriptionsToAll(t *testing.T) {
	r := newRig(t)
	r.some()
	c := r.connect()
	records := r.all()
	subscribe := func(from client.AllPosition) *client.Subscription {
		sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: from})
		return subscribed(t, sub, err)
	}
	start, middle, end := subscribe(client.Start{}), subscribe(at(records[3].Position)), subscribe(client.End{})
	same(t, "from the start", heard(t, start, nth(9)), append(places(records), "caught up"))
	same(t, "after a position", heard(t, middle, nth(5)), append(places(records[4:]), "caught up"))
	same(t, "from the end", heard(t, end, nth(1)), []string{"caught up"})
	r.write("b", "three", "four")
	news := places(r.all()[len(records):])
	for what, sub := range map[string]*client.Subscription{"from the start": start, "after a position": middle, "from the end": end} {
		same(t, what+", live", heard(t, sub, nth(2)), news)
	}
}

func TestSubscriptionsToAStream(t *testing.T) {
	r := newRig(t)
	r.some()
	c := r.connect()
	subscribe := func(stream string, from client.StreamPosition) *client.Subscription {
		sub, err := c.SubscribeToStream(soon(t), stream, client.SubscribeToStreamOptions{From: from})
		return subscribed(t, sub, err)
	}
	start, middle, end := subscribe("a", client.Start{}), subscribe("a", client.Revision(2)), subscribe("a", client.End{})
	unborn := subscribe("unborn", client.Start{})
	a := places(r.streamOf("a"))
	same(t, "from the start", heard(t, start, nth(6)), append(a[:5:5], "caught up"))
	same(t, "after a revision", heard(t, middle, nth(3)), append(a[3:5:5], "caught up"))
	same(t, "from the end", heard(t, end, nth(1)), []string{"caught up"})
	same(t, "one that is not there yet", heard(t, unborn, nth(1)), []string{"caught up"})
	r.write("b", "other")
	r.write("a", "six")
	r.write("unborn", "one")
	for what, sub := range map[string]*client.Subscription{"from the start": start, "after a revision": middle, "from the end": end} {
		same(t, what+", live", heard(t, sub, nth(1)), places(r.streamOf("a"))[5:])
	}
	same(t, "born", heard(t, unborn, nth(1)), places(r.streamOf("unborn")))
}

func TestFilters(t *testing.T) {
	r := newRig(t)
	r.write("contract-1", "contract.registered.v1", "grant.added.v1")
	r.write("numbers", "numbers.reserved.v1")
	r.write("contract-2", "contract.registered.v1")
	r.write("other", "incident.closed.v1")
	c := r.connect()
	for what, x := range map[string]struct {
		filter *client.SubscriptionFilter
		lets   func(eventstore.Record) bool
	}{
		"streams by prefix": {&client.SubscriptionFilter{Type: client.StreamFilterType, Prefixes: []string{"contract-", "oth"}}, func(r eventstore.Record) bool {
			return strings.HasPrefix(r.Stream, "contract-") || r.Stream == "other"
		}},
		"streams by regex": {&client.SubscriptionFilter{Type: client.StreamFilterType, Regex: "-[2-9]$"}, func(r eventstore.Record) bool { return r.Stream == "contract-2" }},
		"types by prefix":  {&client.SubscriptionFilter{Type: client.EventFilterType, Prefixes: []string{"grant."}}, func(r eventstore.Record) bool { return r.Type == "grant.added.v1" }},
		"types by regex":   {&client.SubscriptionFilter{Type: client.EventFilterType, Regex: `^(incident|grant)\.`}, func(r eventstore.Record) bool { return r.Type[0] == 'i' || r.Type[0] == 'g' }},
		"no system events": {client.ExcludeSystemEventsFilter(), func(eventstore.Record) bool { return true }},
	} {
		t.Run(what, func(t *testing.T) {
			var want []string
			for _, record := range r.all() {
				if x.lets(record) {
					want = append(want, places([]eventstore.Record{record})...)
				}
			}
			sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}, Filter: x.filter})
			said := heard(t, subscribed(t, sub, err), func(said []string) bool { return len(said) > 0 && said[len(said)-1] == "caught up" })
			head := r.all()[len(r.all())-1].Position
			same(t, what, said, append(want, fmt.Sprintf("checkpoint %d", head), "caught up"))
		})
	}
	bad, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}, Filter: &client.SubscriptionFilter{Type: client.EventFilterType, Regex: "(?<=a)b"}})
	if err == nil {
		_ = bad.Close()
		t.Fatal("a regex that cannot be was accepted")
	}
}

// A checkpoint comes after so many records that were looked at, passed or not,
// grows, and leads on without gap or double.
func TestCheckpoints(t *testing.T) {
	r := newRig(t)
	for i := range 50 {
		r.write("noise", "noise.made.v1")
		if i%20 == 0 {
			r.write("a", "wanted.event.v1")
		}
	}
	options := client.SubscribeToAllOptions{
		From: client.Start{}, MaxSearchWindow: 5, CheckpointInterval: 2, Filter: &client.SubscriptionFilter{Type: client.StreamFilterType, Prefixes: []string{"a"}},
	}
	c := r.connect()
	sub, err := c.SubscribeToAll(soon(t), options)
	said := heard(t, subscribed(t, sub, err), func(said []string) bool { return len(said) > 0 && said[len(said)-1] == "caught up" })
	want := []string{"a@0 at 2", "checkpoint 10", "checkpoint 20", "a@1 at 23", "checkpoint 30", "checkpoint 40", "a@2 at 44", "checkpoint 50", "checkpoint 53", "caught up"}
	same(t, "while catching up", said, want)
	for range 9 {
		r.write("noise", "noise.made.v1")
	}
	r.write("a", "wanted.event.v1")
	same(t, "live", heard(t, sub, nth(2)), []string{"a@3 at 63", "checkpoint 63"})
	options.From = at(40)
	again, err := c.SubscribeToAll(soon(t), options)
	said = heard(t, subscribed(t, again, err), func(said []string) bool { return len(said) > 0 && said[len(said)-1] == "caught up" })
	same(t, "from a checkpoint on", said, []string{"a@2 at 44", "checkpoint 50", "checkpoint 60", "a@3 at 63", "checkpoint 63", "caught up"})
}

// A slow reader gets everything, once, in order, while others write and read.
func TestASlowReaderGetsEverythingOnce(t *testing.T) {
	r := newRig(t)
	c := r.connect()
	sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}})
	slow := subscribed(t, sub, err)
	quick, err := r.connect().SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}})
	subscribed(t, quick, err)
	const records = 3000
	body := strings.Repeat("x", 2000)
	for i := 0; i < records; i += 3 {
		r.write(fmt.Sprintf("s-%d", i%7), "a.happened.v1", "b.happened.v1", "c."+body[:200]+".v1")
	}
	events := func(said []string) int {
		n := 0
		for _, s := range said {
			if strings.Contains(s, "@") {
				n++
			}
		}
		return n
	}
	all := func(said []string) bool { return events(said) == records }
	heard(t, quick, all) // while the slow one has not read at all
	var got []string
	for _, s := range heard(t, slow, all) {
		if s != "caught up" {
			got = append(got, s)
		}
	}
	same(t, "slowly", got, places(r.all()))
}

// A program that reads on from where it was sees the same log over a restart.
func TestOverARestart(t *testing.T) {
	r := newRig(t)
	r.some()
	c := r.connect()
	sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}})
	subscribed(t, sub, err)
	before := heard(t, sub, nth(9))
	last := r.all()[7].Position
	r.halt()
	if e := sub.Recv(); e.SubscriptionDropped == nil {
		t.Fatalf("a subscription goes on without a server: %+v", e)
	}
	r.start()
	r.write("a", "six")
	var again *client.Subscription
	for deadline := soon(t); again == nil; { // the client notices by failing once
		must(t, deadline.Err())
		again, _ = c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: at(last)})
	}
	after := heard(t, subscribed(t, again, nil), nth(2))
	same(t, "before and after", append(before[:8:8], after[0]), places(r.all()))
}
