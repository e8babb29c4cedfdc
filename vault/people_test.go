package vault

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestR47_ABoxIsBoundToItsPerson(t *testing.T) {
	p, _ := newPeople(t)
	box := seal(t, p, 1, "text")
	key, err := p.key(person(1))
	must(t, err)
	p.ready.put(person(2), key) // as if both had one key
	_, err = p.Open(t.Context(), person(2), box)
	wantIs(t, err, errNotOpened)
}

func TestR47_FirstTextsAtOnceShareSyncs(t *testing.T) {
	p, _ := newPeople(t)
	syncs, gate := 0, make(chan struct{})
	p.sync = func() error { <-gate; syncs++; return nil }
	const people = 200
	var all sync.WaitGroup
	for n := range people {
		all.Go(func() {
			if _, err := p.Seal(t.Context(), person(n), nil); err != nil {
				t.Error(err)
			}
		})
	}
	for queued := 0; queued < people; {
		p.mu.RLock()
		queued = len(p.flights)
		p.mu.RUnlock()
	}
	close(gate)
	all.Wait()
	must(t, p.Close())
	if syncs > 3+1 {
		t.Errorf("%d syncs for %d people", syncs, people)
	}
}

// Whatever sealing and erasing at once do, a box opens or is erased, and a
// restart changes neither.
func TestR47_AWaiterMayGiveUp(t *testing.T) {
	p, _ := newPeople(t)
	gate := make(chan struct{})
	p.sync = func() error { <-gate; return nil }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Seal(ctx, person(1), []byte("text"))
	wantIs(t, err, context.Canceled)
	close(gate)
	seal(t, p, 1, "text")
}

func TestR47_NobodyIsToldOfAnErasureBeforeItIsDurable(t *testing.T) {
	p, _ := newPeople(t)
	box := seal(t, p, 1, "text")
	gate := make(chan struct{})
	p.sync = func() error { <-gate; return nil }
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		wantIs(t, p.EraseKeys(impatient, person(1), []KeyID{KeyID(box)}), context.Canceled)
		_, err := p.Open(t.Context(), person(1), box)
		wantIs(t, err, ErrErased)
	}
	close(gate)
	must(t, p.EraseKeys(t.Context(), person(1), []KeyID{KeyID(box)}))
}

func TestR47_MoreKeysThanAreKeptReady(t *testing.T) {
	p, _ := newPeople(t)
	p.sync = func() error { return nil }
	boxes := make([][]byte, 3*readyShards*readyPerShard)
	atOnce(64, func(from int) {
		for n := from; n < len(boxes); n += 64 {
			boxes[n] = seal(t, p, n, "text")
		}
	})
	for n, box := range boxes {
		if got := open(t, p, n, box); got != "text" {
			t.Fatalf("person %d: %q", n, got)
		}
	}
	for i := range p.ready.shards {
		if s := &p.ready.shards[i]; len(s.young) > readyPerShard || len(s.old) > readyPerShard {
			t.Errorf("shard %d keeps %d and %d", i, len(s.young), len(s.old))
		}
	}
}

func newPeople(t testing.TB) (p *PeopleFile, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "people.keys")
	p, err := CreatePeople(path)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p, path
}

func reopen(t testing.TB, p *PeopleFile, path string) *PeopleFile {
	t.Helper()
	must(t, p.Close())
	p, err := OpenPeople(path)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func seal(t testing.TB, p People, n int, text string) []byte {
	t.Helper()
	box, err := p.Seal(t.Context(), person(n), []byte(text))
	if err != nil {
		t.Error(err)
	}
	return box
}

func open(t testing.TB, p People, n int, box []byte) string {
	t.Helper()
	text, err := p.Open(t.Context(), person(n), box)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func keysOf(t *testing.T, p People, n int) []KeyID {
	t.Helper()
	ids, err := p.Keys(t.Context(), person(n))
	must(t, err)
	return ids
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	must(t, err)
	return body
}

func atOnce(callers int, call func(n int)) {
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() { call(n) })
	}
	all.Wait()
}
