package events

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// filler are types of events, some of which are not published.
var filler = []string{
	"contract.suspended.v1", "contract.resumed.v1", "grant.adjusted.v1", "account.linked.v1", "incident.deducted.v1", "incident.reopened.v1",
}

// keepWriting appends at random to some streams until the test says stop.
func (r *rig) keepWriting(random *rand.Rand, streams []string, appends int) {
	for range appends {
		stream, n := streams[random.IntN(len(streams))], 1+random.IntN(4)
		if random.IntN(50) == 0 {
			n = 300 // longer than what anybody is handed at a time
		}
		var types []string
		if _, known := r.last[stream]; !known {
			types = append(types, map[bool]string{true: "numbers.reserved.v1", false: "contract.registered.v1"}[strings.HasPrefix(stream, "numbers")])
		}
		for range n {
			name := filler[random.IntN(len(filler))]
			if strings.HasPrefix(stream, "numbers") {
				name = "numbers.reserved.v1"
			}
			types = append(types, name)
		}
		r.write(stream, types...)
	}
}

// Subscribers with filters and without, personal ones, slow ones and such as come
// back after a while, while others write: each gets what it wants, once, in order.
func TestR38_EverySubscriberGetsEachEventOnceAndInOrder(t *testing.T) {
	r := newRig(t)
	streams := []string{uuid.NewString(), uuid.NewString(), uuid.NewString(), "numbers-260302"}
	r.keepWriting(rand.New(rand.NewPCG(1, 1)), streams, 50)
	var all sync.WaitGroup
	written := make(chan struct{})
	for i := range 40 {
		random := rand.New(rand.NewPCG(2, uint64(i)))
		filter := r.filter([]string{"", "incident", "account,contract.suspended.v1"}[i%3], []string{"", "", streams[0]}[i/3%3])
		after := eventstore.Position(random.Uint64N(uint64(r.head()) + 1))
		if i%5 == 0 {
			after = r.head()
		}
		all.Go(func() {
			got := r.listen(random, after, filter, i%4 == 0, written)
			if want := r.wanted(after, filter); !slices.Equal(got, want) {
				t.Errorf("subscriber %d after %d got %d events, want %d: %v", i, after, len(got), len(want), firstDifference(got, want))
			}
		})
	}
	r.keepWriting(rand.New(rand.NewPCG(3, 3)), streams, 2000)
	close(written)
	all.Wait()
	if r.hub.current != nil {
		t.Error("somebody still reads the log for nobody")
	}
}

// listen subscribes until everything that was written has come, and now and then
// goes away and comes back.
func (r *rig) listen(random *rand.Rand, after eventstore.Position, f Filter, personal bool, written <-chan struct{}) (got []eventstore.Position) {
	s := r.subscribe(after, f, personal)
	defer func() { s.Close() }()
	for ended := false; ; {
		batch, err := s.Next(context.Background())
		must(r.t, err)
		got = append(got, r.positions(batch)...)
		at := batch.Upto
		if ended && at >= r.head() {
			return got
		}
		if batch.More != nil && batch.Events == 0 {
			select {
			case <-batch.More:
			case <-written:
				ended = true
			}
		}
		if random.IntN(20) == 0 {
			if s.Close(); len(got) > 0 && random.IntN(2) == 0 {
				at = got[len(got)-1] // a browser knows no more
			}
			s = r.subscribe(at, f, personal)
		}
	}
}

func firstDifference(got, want []eventstore.Position) any {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return map[string]any{"at": i, "got": got[i], "want": want[i]}
		}
	}
	return min(len(got), len(want))
}

// What is kept for subscribers, and what each is handed, has bounds.
func TestNothingGrowsBehindASlowSubscriber(t *testing.T) {
	r := newRig(t)
	slow := r.subscribe(r.head(), Filter{}, false)
	defer slow.Close()
	stream := uuid.NewString()
	r.write(stream, "contract.registered.v1")
	many := slices.Repeat([]string{"grant.adjusted.v1"}, 1000)
	for range 30 {
		r.write(stream, many...)
	}
	quick := r.subscribe(r.head()-1, Filter{}, false)
	defer quick.Close()
	r.next(quick, r.head())
	for slow.from.reached() < r.head() {
		news, _, err := slow.from.after(slow.from.reached(), &Filter{})
		must(t, err)
		if news.More != nil {
			<-news.More
		}
	}
	if b := slow.from; len(b.kept) > keptFrames || b.bytes > keptBytes || b.from == 0 {
		t.Errorf("kept are %d events of %d bytes", len(b.kept), b.bytes)
	}
	for got := 0; got < 30_001; {
		batch := r.next(slow, r.head())
		bytes := 0
		for _, piece := range batch.Pieces {
			bytes += len(piece)
		}
		if bytes > batchBytes {
			t.Fatalf("a batch of %d events, %d bytes", batch.Events, bytes)
		}
		if got += batch.Events; batch.Events == 0 && got < 30_001 {
			t.Fatalf("only %d events", got)
		}
	}
}

func (b *broadcast) reached() eventstore.Position {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.upto
}

// A personal text is opened when it is handed out, not when it was recorded: it
// is not kept in clear for those that come later.
func TestR47_WhoeverIsForgottenIsForgottenInTheStreamAtOnce(t *testing.T) {
	r := newRig(t)
	s := r.subscribe(eventstore.Start, Filter{}, true)
	defer s.Close()
	if got := string(r.next(s, r.head()).Pieces[0]); !strings.Contains(got, "citra@example.com") {
		t.Fatalf("got %s", got)
	}
	late := r.subscribe(r.head(), Filter{}, true)
	defer late.Close()
	answer, err := r.ledger.Register(t.Context(), ledger.Request{By: operator, Call: "register", Key: "second", Body: []byte("x")}, ledger.Registration{
		Programme: "gold", Contact: contract.ContactTexts{Name: "Dewi", Email: "dewi@example.com"}, Language: "id",
	})
	must(t, err)
	if got := string(r.next(s, r.head()).Pieces[0]); !strings.Contains(got, "dewi@example.com") {
		t.Fatalf("got %s", got)
	}
	_, err = r.ledger.Erase(t.Context(), ledger.Request{By: operator, Call: "erase", Key: "third", Body: []byte("x")}, answer.Terms.Contact.Person, "asked")
	must(t, err)
	if got := string(r.next(late, r.head()).Pieces[0]); strings.Contains(got, "dewi@example.com") || !strings.Contains(got, `"primary_contact":"erased"`) {
		t.Errorf("got %s", got)
	}
}

// A log that cannot be read ends the subscriptions, and not those that come later.
func TestADamagedLogEndsSubscriptions(t *testing.T) {
	r := newRig(t)
	damaged := &failing{Store: r.store}
	hub := NewHub(Config{Store: damaged, Open: r.ledger.Open})
	s, err := hub.Subscribe(t.Context(), r.head(), Filter{}, false)
	must(t, err)
	defer s.Close()
	batch, err := s.Next(t.Context())
	must(t, err)
	damaged.fail(&eventstore.CorruptError{Position: 7, Where: "a file", Reason: "flipped"})
	r.write(uuid.NewString(), "contract.registered.v1")
	<-batch.More
	var corrupt *eventstore.CorruptError
	if _, err := s.Next(t.Context()); !errors.As(err, &corrupt) {
		t.Fatalf("got %v", err)
	}
	damaged.fail(nil)
	again, err := hub.Subscribe(t.Context(), 0, Filter{}, false)
	must(t, err)
	defer again.Close()
	if batch, err := again.Next(t.Context()); err != nil || batch.Events == 0 {
		t.Errorf("a later subscriber: %d events, %v", batch.Events, err)
	}
}

// failing is a store whose reads fail on demand.
type failing struct {
	eventstore.Store
	mu  sync.Mutex
	err error
}

func (f *failing) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.err; err != nil {
		return func(yield func(eventstore.Record, error) bool) { yield(eventstore.Record{}, err) }
	}
	return f.Store.ReadAll(ctx, after)
}

// Following one contract from any position on reads its own stream, and says that
// the whole log was seen.
func TestAContractIsFollowedInItsOwnStream(t *testing.T) {
	r := newRig(t)
	stream := uuid.NewString()
	r.write(stream, "contract.registered.v1")
	for range 10 {
		r.write(stream, slices.Repeat([]string{"grant.adjusted.v1"}, 7)...)
		r.write(uuid.NewString(), "contract.registered.v1")
		r.write(stream, slices.Repeat([]string{"incident.reopened.v1"}, 70)...)
	}
	f := r.filter("", stream)
	for after := eventstore.Start; after <= r.head(); after += 29 {
		s := r.subscribe(after, f, after%2 == 0)
		r.follows(s, after, f)
		s.Close()
	}
	for _, personal := range []bool{true, false} {
		s := r.subscribe(eventstore.Start, f, personal)
		r.follows(s, eventstore.Start, f)
		for range 10 {
			before := r.head()
			r.write(stream, "grant.adjusted.v1", "grant.lapsed.v1")
			r.follows(s, before, f)
			before = r.head()
			r.write(uuid.NewString(), "contract.registered.v1")
			r.follows(s, before, f)
		}
		s.Close()
	}
}

// follows fails unless a subscriber that stands at a position gets what is wanted
// of the rest, and then stands at the head.
func (r *rig) follows(s *Subscription, after eventstore.Position, f Filter) {
	r.t.Helper()
	var got []eventstore.Position
	for at := after; at < r.head(); {
		batch := r.next(s, r.head())
		got = append(got, r.positions(batch)...)
		if at = batch.Upto; at > r.head() {
			r.t.Fatalf("the subscriber stands at %d, beyond the head %d", at, r.head())
		}
	}
	if want := r.wanted(after, f); !slices.Equal(got, want) {
		r.t.Fatalf("after %d: got %d events, want %d: %v", after, len(got), len(want), firstDifference(got, want))
	}
}
