package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/pgserver"
	"github.com/supportledger/supportledger/internal/postgres"
)

// others are more nodes that use the keys of a home.
func others(t *testing.T, at *postgres.Database, n int) []*PeopleDatabase {
	t.Helper()
	var out []*PeopleDatabase
	for range n {
		p := newPeopleDatabase(at, testLease)
		must(t, p.begin(t.Context(), nil))
		t.Cleanup(func() { _ = p.Close() })
		out = append(out, p)
	}
	return out
}

func newSchema(t *testing.T) *postgres.Database {
	t.Helper()
	pgserver.Need(t)
	p, err := server()
	must(t, err)
	return schemaIn(t, p)
}

// Whoever was told of an erasure finds the key on no node any more, though all of
// them had it in memory.
func TestR47_WhatOneNodeErasedNoNodeOpens(t *testing.T) {
	at := newSchema(t)
	databaseHomeAt(t, at)
	nodes := others(t, at, 3)
	for round := range 10 {
		box := seal(t, nodes[0], round, "text")
		stop := make(chan struct{})
		var users sync.WaitGroup
		for _, n := range nodes { // they use it all the time, and so keep it
			users.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = n.Open(context.Background(), person(round), box)
					}
				}
			})
		}
		erased, err := nodes[1].Erase(t.Context(), person(round))
		must(t, err)
		if len(erased) != 1 || erased[0] != KeyID(box) {
			t.Errorf("erased %v, the box names %x", erased, box[:8])
		}
		for _, n := range nodes {
			_, err := n.Open(t.Context(), person(round), box)
			wantIs(t, err, ErrErased)
			fresh, err := n.Seal(t.Context(), person(round), []byte("new"))
			must(t, err)
			if KeyID(fresh) == KeyID(box) {
				t.Error("a text was sealed under the erased key")
			}
		}
		close(stop)
		users.Wait()
	}
}

// An erasure that another node has begun, and was not told the end of, is waited
// for as well: it may have been committed just now.
func TestR47_ErasingWhatWasJustErasedWaits(t *testing.T) {
	at := newSchema(t)
	databaseHomeAt(t, at)
	nodes := others(t, at, 2)
	box := seal(t, nodes[0], 1, "text")
	impatient, cancel := context.WithTimeout(t.Context(), testLease/2)
	defer cancel()
	_, err := nodes[0].Erase(impatient, person(1))
	wantIs(t, err, context.DeadlineExceeded)
	began := time.Now()
	must(t, nodes[1].EraseKeys(t.Context(), person(1), []KeyID{KeyID(box)}))
	if took := time.Since(began); took < testLease {
		t.Errorf("it was told after %v, leases last %v", took, testLease)
	}
}

// First texts of the same people on all nodes at once make one key each.
func TestR47_NodesAtOnceMakeOneKey(t *testing.T) {
	at := newSchema(t)
	h := databaseHomeAt(t, at)
	nodes := others(t, at, 4)
	const people = 50
	boxes := make([][]byte, 4*people)
	atOnce(len(boxes), func(n int) {
		var err error
		if boxes[n], err = nodes[n%4].Seal(t.Context(), person(n/4), []byte("text")); err != nil {
			t.Error(err)
		}
	})
	for n, box := range boxes {
		if got := open(t, nodes[(n+1)%4], n/4, box); got != "text" {
			t.Errorf("opened %q", got)
		}
	}
	if n := h.keys(t); n != people {
		t.Errorf("%d keys were made for %d people", n, people)
	}
}

// Out of reach, the keys are refused with a definite error; what is in memory is
// used no longer than the lease allows. They come back by themselves.
func TestR44_PeopleOutOfReach(t *testing.T) {
	server := pgserver.Start(t, "")
	h := databaseHomeAt(t, schemaIn(t, server))
	box := seal(t, h, 1, "text")
	for range 3 {
		must(t, server.Crash(t.Context()))
		ready := h.keeper.(*PeopleDatabase).Ready
		for ready(t.Context()) == nil { // until the lease is over
			<-time.After(time.Millisecond)
		}
		wantIs(t, ready(t.Context()), ErrUnavailable)
		_, err := h.Open(t.Context(), person(1), box)
		wantIs(t, err, ErrUnavailable)
		_, err = h.Seal(t.Context(), person(2), []byte("text"))
		wantIs(t, err, ErrUnavailable)
		_, err = h.Erase(t.Context(), person(1))
		wantIs(t, err, ErrUnavailable)
		must(t, server.Start(t.Context()))
		if got := open(t, h, 1, box); got != "text" {
			t.Errorf("opened %q", got)
		}
		must(t, ready(t.Context()))
	}
}

// What was acknowledged survives crashes of the server, whatever was under way: a
// key that sealed opens, and one that was erased does not.
func TestR41_PeopleSurviveCrashesOfTheServer(t *testing.T) {
	server := pgserver.Start(t, "")
	at := schemaIn(t, server)
	databaseHomeAt(t, at)
	nodes := others(t, at, 3)
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	boxes, gone := map[int][]byte{}, map[int][]byte{}
	var users sync.WaitGroup
	for i, n := range nodes {
		users.Go(func() {
			for who := i; ctx.Err() == nil; who += len(nodes) {
				<-time.After(time.Millisecond)
				box, err := n.Seal(ctx, person(who), []byte("text"))
				if err != nil {
					continue
				}
				erased := false
				if who%5 == 0 {
					_, err := nodes[(i+1)%3].Erase(ctx, person(who))
					if erased = err == nil; !erased {
						continue // nobody was told: it is or is not
					}
				}
				mu.Lock()
				if erased {
					gone[who] = box
				} else {
					boxes[who] = box
				}
				mu.Unlock()
			}
		})
	}
	for range 5 {
		<-time.After(300 * time.Millisecond)
		must(t, server.Crash(t.Context()))
		must(t, server.Start(t.Context()))
	}
	stop()
	users.Wait()
	if len(boxes) == 0 || len(gone) == 0 {
		t.Fatalf("%d keys were made and %d erased", len(boxes), len(gone))
	}
	for who, box := range boxes {
		if got := open(t, nodes[0], who, box); got != "text" {
			t.Errorf("person %d: opened %q", who, got)
		}
	}
	for who, box := range gone {
		if _, err := nodes[0].Open(t.Context(), person(who), box); !errors.Is(err, ErrErased) {
			t.Errorf("person %d: %v, want it erased", who, err)
		}
	}
}

// A database that has lost what it had acknowledged, as a copy that took its place
// may have, lets no node go on with keys from before.
func TestR47_AnErasureThatWasLostIsNoticed(t *testing.T) {
	at := newSchema(t)
	h := databaseHomeAt(t, at)
	p := h.keeper.(*PeopleDatabase)
	seal(t, h, 1, "text")
	_, err := h.Erase(t.Context(), person(1))
	must(t, err)
	box := seal(t, h, 2, "text")
	for _, text := range []string{ // another history, in which the second was erased first
		"DELETE FROM people WHERE secret IS NULL",
		"UPDATE people SET secret = NULL, erasure = 1, erased_at = now()",
	} {
		_, err := p.db.ExecContext(t.Context(), text)
		must(t, err)
	}
	for p.ready.get(person(2)) != nil {
		must(t, p.renew(t.Context()))
	}
	_, err = h.Open(t.Context(), person(2), box)
	wantIs(t, err, ErrErased)
}

func TestR44_AMissingOrForeignDatabaseIsSaid(t *testing.T) {
	at := newSchema(t)
	_, err := OpenPeopleDatabase(t.Context(), at, nil)
	wantIs(t, err, ErrNoPeople)
	mine := Generate()
	p, err := CreatePeopleDatabase(t.Context(), at, mine)
	must(t, err)
	must(t, p.Close())
	_, err = OpenPeopleDatabase(t.Context(), at, Generate())
	wantError(t, err, "installation", mine.Check().Naming)
	p, err = CreatePeopleDatabase(t.Context(), at, mine) // there already
	must(t, err)
	must(t, p.Close())
	p, err = OpenPeopleDatabase(t.Context(), at, mine)
	must(t, err)
	must(t, p.Close())
	nowhere, err := postgres.Parse("postgres://nobody:hunter2hunter2@127.0.0.1:1/none")
	must(t, err)
	_, err = OpenPeopleDatabase(t.Context(), nowhere, nil)
	wantIs(t, err, ErrUnavailable)
	wantError(t, err, "postgres://nobody@127.0.0.1:1/none")
	wantNoTrace(t, fmt.Sprint(err), []byte("hunter2hunter2"))
}

// Tables of a newer program are left alone, with a sentence that says what to do. Those
// that were made before versions were counted are of the first.
func TestR44_TablesOfANewerVersionAreRefused(t *testing.T) {
	at, keys := newSchema(t), Generate()
	p, err := CreatePeopleDatabase(t.Context(), at, keys)
	must(t, err)
	must(t, p.Close())
	db := at.Pool()
	defer db.Close()
	change := func(text string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), text)
		must(t, err)
	}
	change(fmt.Sprintf("UPDATE people_of SET version = %d", peopleVersion+1))
	change("DROP INDEX people_live") // something else may have taken its place
	for _, open := range []func(context.Context, *postgres.Database, *Keys) (*PeopleDatabase, error){OpenPeopleDatabase, CreatePeopleDatabase} {
		_, err := open(t.Context(), at, keys)
		wantError(t, err, "tables are of version 2", "knows version 1", "start the newer one")
	}
	each(t, db, "SELECT indexname, '', '' FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'people_live'", func(_, _, _ []byte) {
		t.Error("tables of a newer version were changed")
	})
	change("ALTER TABLE people_of DROP COLUMN version")
	p, err = OpenPeopleDatabase(t.Context(), at, keys)
	must(t, err)
	must(t, p.Close())
}

// What was sealed with a file's keys opens with the database that took them; it
// can be asked again, and forgets nothing that was erased since.
func TestR47_ADatabaseTakesTheKeysOfAFile(t *testing.T) {
	file, _ := newPeople(t)
	boxes := make([][]byte, 2*moveMost+7)
	file.sync = func() error { return nil }
	for n := range boxes {
		boxes[n] = seal(t, file, n, "text")
	}
	_, err := file.Erase(t.Context(), person(3))
	must(t, err)
	h := databaseHome(t)
	p := h.keeper.(*PeopleDatabase)
	for range 2 {
		if n, err := p.Take(t.Context(), file, nil); err != nil || n != len(boxes)-1 {
			t.Fatalf("%d keys were taken, %v", n, err)
		}
		must(t, p.EraseKeys(t.Context(), person(5), []KeyID{KeyID(boxes[5])}))
	}
	for n, box := range boxes {
		text, err := p.Open(t.Context(), person(n), box)
		if n == 3 || n == 5 {
			wantIs(t, err, ErrErased)
		} else if err != nil || string(text) != "text" {
			t.Fatalf("person %d: opened %q, %v", n, text, err)
		}
	}
	seal(t, file, 3, "again") // under another key than the database makes
	seal(t, p, 3, "again")
	_, err = p.Take(t.Context(), file, nil)
	wantError(t, err, person(3).String(), "another key")
}

// Many first texts at once share statements.
func BenchmarkSealFirstInDatabase(b *testing.B) {
	h := databaseHome(b)
	var next sync.Mutex
	n := 0
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			next.Lock()
			n++
			who := uuid.NewSHA1(uuid.Nil, []byte(fmt.Sprint(n)))
			next.Unlock()
			if _, err := h.Seal(b.Context(), who, []byte("text")); err != nil {
				b.Error(err)
			}
		}
	})
}
