package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestR47_ATextOpensForItsPersonOnly(t *testing.T) {
	p, _ := newPeople(t)
	box := seal(t, p, 1, "Budi Santoso")
	if got := open(t, p, 1, box); got != "Budi Santoso" {
		t.Errorf("opened %q", got)
	}
	if bytes.Contains(box, []byte("Budi")) || len(box) != len("Budi Santoso")+boxOverhead {
		t.Errorf("box of %d bytes", len(box))
	}
	seal(t, p, 2, "another")
	_, err := p.Open(t.Context(), person(2), box)
	wantIs(t, err, ErrErased)
	_, err = p.Open(t.Context(), person(3), box)
	wantIs(t, err, ErrErased)
}

func TestR47_AnAlteredBoxDoesNotOpen(t *testing.T) {
	p, _ := newPeople(t)
	box := seal(t, p, 1, "text")
	for n := range box {
		altered := bytes.Clone(box)
		altered[n] ^= 1
		if _, err := p.Open(t.Context(), person(1), altered); err == nil {
			t.Fatalf("opened with byte %d altered", n)
		}
		if _, err := p.Open(t.Context(), person(1), box[:n]); err == nil {
			t.Fatalf("opened with %d of %d bytes", n, len(box))
		}
	}
}

func TestR47_ABoxIsBoundToItsPerson(t *testing.T) {
	p, _ := newPeople(t)
	box := seal(t, p, 1, "text")
	key, err := p.key(person(1))
	must(t, err)
	p.ready.put(person(2), key) // as if both had one key
	_, err = p.Open(t.Context(), person(2), box)
	wantIs(t, err, errNotOpened)
}

func TestR47_KeysSurviveARestart(t *testing.T) {
	p, path := newPeople(t)
	boxes := make([][]byte, 300)
	for n := range boxes {
		boxes[n] = seal(t, p, n, fmt.Sprint("text ", n))
	}
	p = reopen(t, p, path)
	for n, box := range boxes {
		if got := open(t, p, n, box); got != fmt.Sprint("text ", n) {
			t.Fatalf("person %d: %q", n, got)
		}
	}
}

func TestR47_ErasingLeavesNoKeyByte(t *testing.T) {
	p, path := newPeople(t)
	kept, box := seal(t, p, 1, "kept"), seal(t, p, 2, "forgotten")
	secret := secretOf(t, path, 1)
	if !bytes.Contains(readFile(t, path), secret) {
		t.Fatal("the key is not where the test looks for it")
	}
	ids, err := p.Erase(t.Context(), person(2))
	must(t, err)
	if len(ids) != 1 || ids[0] != KeyID(box) {
		t.Errorf("erased %v, the box names %x", ids, box[:8])
	}
	for range 2 {
		if bytes.Contains(readFile(t, path), secret[:4]) {
			t.Error("the file still holds the key")
		}
		_, err := p.Open(t.Context(), person(2), box)
		wantIs(t, err, ErrErased)
		if got := open(t, p, 1, kept); got != "kept" {
			t.Errorf("another person's text: %q", got)
		}
		p = reopen(t, p, path)
	}
}

func TestR47_WhoComesAgainHasANewKey(t *testing.T) {
	p, path := newPeople(t)
	old := seal(t, p, 1, "old")
	ids, err := p.Erase(t.Context(), person(1))
	must(t, err)
	box := seal(t, p, 1, "new")
	for range 2 {
		if got := open(t, p, 1, box); got != "new" {
			t.Errorf("opened %q", got)
		}
		_, err := p.Open(t.Context(), person(1), old)
		wantIs(t, err, ErrErased)
		must(t, p.EraseKeys(t.Context(), person(1), ids)) // a restart repeats it
		p = reopen(t, p, path)
	}
	if now := keysOf(t, p, 1); len(now) != 1 || now[0] == ids[0] {
		t.Errorf("keys %v after %v", now, ids)
	}
}

func TestR47_ErasingTwiceIsErasingOnce(t *testing.T) {
	p, _ := newPeople(t)
	seal(t, p, 1, "text")
	ids := keysOf(t, p, 1)
	for range 2 {
		must(t, p.EraseKeys(t.Context(), person(1), ids))
		if now := keysOf(t, p, 1); len(now) != 0 {
			t.Errorf("keys left: %v", now)
		}
	}
	if again, err := p.Erase(t.Context(), person(1)); err != nil || len(again) != 0 {
		t.Errorf("erased %v, %v", again, err)
	}
	must(t, p.EraseKeys(t.Context(), person(9), ids))
}

func TestR47_CallersAtOnceMakeOneKey(t *testing.T) {
	p, path := newPeople(t)
	boxes := make([][]byte, 64)
	atOnce(len(boxes), func(n int) { boxes[n], _ = p.Seal(t.Context(), person(1), []byte("text")) })
	for _, box := range boxes {
		if got := open(t, p, 1, box); got != "text" {
			t.Errorf("opened %q", got)
		}
	}
	must(t, p.Close())
	if size := len(readFile(t, path)); size != 2*unitLen {
		t.Errorf("%d bytes, want header and one slot", size)
	}
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
func TestR47_SealingAndErasingAtOnce(t *testing.T) {
	p, path := newPeople(t)
	boxes := make([][]byte, 400)
	atOnce(len(boxes), func(n int) {
		var err error
		if boxes[n], err = p.Seal(t.Context(), person(n%3), []byte("text")); err != nil {
			t.Error(err)
		}
		if n%7 == 0 {
			if _, err := p.Erase(t.Context(), person(n%3)); err != nil {
				t.Error(err)
			}
		}
	})
	before := make([]error, len(boxes))
	for n, box := range boxes {
		_, before[n] = p.Open(t.Context(), person(n%3), box)
		if before[n] != nil && !errors.Is(before[n], ErrErased) {
			t.Fatal(before[n])
		}
	}
	p = reopen(t, p, path)
	for n, box := range boxes {
		if _, err := p.Open(t.Context(), person(n%3), box); errors.Is(err, ErrErased) != (before[n] != nil) {
			t.Fatalf("box %d: %v before, %v after the restart", n, before[n], err)
		}
	}
}

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

func TestR47_AfterClosingNothingIsMade(t *testing.T) {
	p, _ := newPeople(t)
	must(t, p.Close())
	must(t, p.Close())
	_, err := p.Seal(t.Context(), person(1), nil)
	wantIs(t, err, ErrClosed)
	_, err = p.Erase(t.Context(), person(1))
	wantIs(t, err, ErrClosed)
}

func TestR47_NothingPrintsAPersonsKey(t *testing.T) {
	p, path := newPeople(t)
	seal(t, p, 1, "text")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("people", "people", p)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&out, verb+"\n", p)
		fmt.Fprintf(&out, verb+"\n", []any{p})
	}
	wantNoTrace(t, out.String(), secretOf(t, path, 0))
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

func seal(t testing.TB, p *PeopleFile, n int, text string) []byte {
	t.Helper()
	box, err := p.Seal(t.Context(), person(n), []byte(text))
	if err != nil {
		t.Error(err)
	}
	return box
}

func open(t testing.TB, p *PeopleFile, n int, box []byte) string {
	t.Helper()
	text, err := p.Open(t.Context(), person(n), box)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func keysOf(t *testing.T, p *PeopleFile, n int) []KeyID {
	t.Helper()
	ids, err := p.Keys(t.Context(), person(n))
	must(t, err)
	return ids
}

func secretOf(t *testing.T, path string, slotNumber uint32) []byte {
	t.Helper()
	at := slotOffset(slotNumber)
	s, err := parseSlot(readFile(t, path)[at : at+unitLen])
	must(t, err)
	return s.secret[:]
}

func readFile(t *testing.T, path string) []byte {
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
