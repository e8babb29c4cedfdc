package projections

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Whoever has written something waits for its position and finds it (R37).
func TestR37_awaitedRowsAreThere(t *testing.T) { onEach(t, testR37_awaitedRowsAreThere) }

func testR37_awaitedRowsAreThere(t *testing.T, on engine) {
	r := newRig(t, on)
	r.follow()
	c := r.register("endless")
	r.link(c, ani)
	for range 50 {
		in := r.submit(ani, c.ID)
		must(t, r.Await(t.Context(), in.Position))
		if _, ok, err := r.Incidents.Find(t.Context(), in.Number); err != nil || !ok {
			t.Fatalf("incident %s is found: %v, %v", in.Number, ok, err)
		}
		latest, _, err := r.Incidents.LatestOf(t.Context(), ani.Account)
		must(t, err)
		if latest.Number != in.Number {
			t.Fatalf("the latest is %s, want %s", latest.Number, in.Number)
		}
	}
}

func TestAwait(t *testing.T) {
	for name, row := range map[string]struct {
		happens func(*watch)
		want    error
	}{
		"returns at its position":              {func(w *watch) { w.set(4); w.set(5) }, nil},
		"returns beyond its position":          {func(w *watch) { w.set(6) }, nil},
		"waits as long as it may":              {func(w *watch) { w.set(4) }, context.DeadlineExceeded},
		"does not wait for what has stopped":   {func(w *watch) { w.stop(ErrStopped) }, ErrStopped},
		"answers what is there after stopping": {func(w *watch) { w.set(5); w.stop(ErrStopped) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w watch
				answers := make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					answers <- w.await(ctx, 5)
				}()
				synctest.Wait()
				row.happens(&w)
				if err := <-answers; !errors.Is(err, row.want) {
					t.Errorf("answered %v, want %v", err, row.want)
				}
			})
		})
	}
}

// An event of an unknown type stops everything with an error that names it, and
// a metric; what came before it is there, and nothing after it (R42).
func TestR42_anUnknownTypeStopsWithItsName(t *testing.T) {
	onEach(t, testR42_anUnknownTypeStopsWithItsName)
}

func testR42_anUnknownTypeStopsWithItsName(t *testing.T, on engine) {
	store := openStore(t)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	must(t, add(t, store, benchID(0), eventstore.NoStream, start, benchContract(0, start)...))
	appendRaw(t, store, "strange", "sun.eclipsed.v1", `{}`)
	must(t, add(t, store, benchID(1), eventstore.NoStream, start, benchContract(1, start)...))

	err := s.Run(t.Context())
	var record *ledger.RecordError
	if !errors.As(err, &record) || record.Position != 5 || record.Stream != "strange" || record.Type != "sun.eclipsed.v1" {
		t.Errorf("Run ended with %v", err)
	}
	if s.Position() != 4 {
		t.Errorf("the rows have seen position %d, want 4", s.Position())
	}
	if err := s.Await(t.Context(), 6); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "sun.eclipsed.v1") {
		t.Errorf("waiting in vain answers %v", err)
	}
	if v := metric(t, s, "supportledger_projections_stopped"); v != 1 {
		t.Errorf("the metric says %v", v)
	}
	list, err := s.Contracts.List(t.Context(), start, ContractFilter{}, Page{})
	must(t, err)
	if len(list.Items) != 1 || list.AsOf.Position != 4 {
		t.Errorf("%d contracts as of %d", len(list.Items), list.AsOf.Position)
	}
	must(t, s.Rebuild(t.Context(), "contracts", nil))
	if err := s.Stopped(); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "sun.eclipsed.v1") {
		t.Errorf("after rows were made anew, nobody follows the log, and it is said: %v", err)
	}
}

// Bookkeeping is known and wanted by nobody.
func TestRun_passesOverWhatNobodyWants(t *testing.T) { onEach(t, testRun_passesOverWhatNobodyWants) }

func testRun_passesOverWhatNobodyWants(t *testing.T, on engine) {
	store := openStore(t)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	appendRaw(t, store, "numbers-260301", "numbers.reserved.v1", `{"day":"260301","from":0,"to":64}`)
	appendRaw(t, store, "guesses", "link.refused.v1", `{"account":"00000000-0000-4000-8000-000000000001","access_id":"x","at":"2026-03-01T09:00:00Z"}`)
	must(t, s.CatchUp(t.Context()))
	if s.Position() != 2 {
		t.Errorf("the rows have seen position %d, want 2", s.Position())
	}
}

// An event about a contract that was never registered is as strange as one of an
// unknown type.
func TestRun_stopsWhereTheLogMakesNoSense(t *testing.T) {
	onEach(t, testRun_stopsWhereTheLogMakesNoSense)
}

func testRun_stopsWhereTheLogMakesNoSense(t *testing.T, on engine) {
	store := openStore(t)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	must(t, add(t, store, benchID(0), eventstore.NoStream, start, benchContract(0, start)[1:]...))
	var record *ledger.RecordError
	if err := s.Run(t.Context()); !errors.As(err, &record) || record.Position != 1 {
		t.Errorf("Run ended with %v", err)
	}
}

// parting is a store that cannot be reached while somebody is stopped who asks it
// for its head.
type parting struct {
	eventstore.Store
	asked chan struct{}
}

func (p parting) Head(ctx context.Context) (eventstore.Position, error) {
	p.asked <- struct{}{}
	<-ctx.Done()
	return 0, eventstore.ErrUnavailable
}

// Whoever is stopped while something is out of reach was stopped, and has not
// failed: what was out of reach would have come back.
func TestRun_stopsAsAskedWhateverIsOutOfReach(t *testing.T) {
	onEach(t, testRun_stopsAsAskedWhateverIsOutOfReach)
}

func testRun_stopsAsAskedWhateverIsOutOfReach(t *testing.T, on engine) {
	store := parting{openStore(t), make(chan struct{}, 1)}
	must(t, add(t, store, benchID(0), eventstore.NoStream, start, benchContract(0, start)...))
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-store.asked
	cancel()
	must(t, <-ended)
	if err := s.Await(t.Context(), 1); !errors.Is(err, ErrStopped) || errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("waiting in vain answers %v", err)
	}
	if v := metric(t, s, "supportledger_projections_stopped"); v != 0 {
		t.Errorf("the metric says %v", v)
	}
}

func appendRaw(t *testing.T, store eventstore.Store, stream, name, data string) {
	t.Helper()
	_, err := store.Append(t.Context(), eventstore.Append{
		Stream: stream, Expected: eventstore.NoStream, At: start,
		Events: []eventstore.Event{{ID: uuid.New(), Type: name, Data: []byte(data), Meta: plainMeta}},
	})
	must(t, err)
}

// A full database is waited for: rows come when there is room again (R45).
func TestRun_goesOnWhenThereIsRoomAgain(t *testing.T) {
	store := openStore(t)
	s := openSet(t, Config{Dir: t.TempDir(), Store: store})
	s.limit(t, 40)
	writeSubmissions(t, store, 2000, 50)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for metric(t, s, "supportledger_projections_retries_total") == 0 {
		select {
		case err := <-ended:
			t.Fatalf("Run ended with %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	s.limit(t, 1<<30)
	head, err := store.Head(t.Context())
	must(t, err)
	must(t, s.Await(t.Context(), head))
	cancel()
	must(t, <-ended)
}

// limit bounds the pages of the database.
func (s *Set) limit(t *testing.T, pages int64) {
	t.Helper()
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	var now int64
	must(t, s.db.writer.conn.QueryRowContext(t.Context(), "PRAGMA max_page_count = "+itoa(pages)).Scan(&now))
}

// Readers and several writers at once do not disturb each other.
func TestReads_whileRowsAreWritten(t *testing.T) { onEach(t, testReads_whileRowsAreWritten) }

func testReads_whileRowsAreWritten(t *testing.T, on engine) {
	r := newRig(t, on)
	r.follow()
	c := r.register("endless")
	r.link(c, ani)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			r.submit(ani, c.ID)
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		benefits, err := r.Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
		must(t, err)
		activity, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{Limit: MaxLimit})
		must(t, err)
		if len(benefits.Items) == 1 && benefits.AsOf.Position == activity.AsOf.Position && benefits.Items[0].Balance.Consumed != int64(len(activity.Items)) {
			t.Errorf("%d consumed and %d incidents as of the same position", benefits.Items[0].Balance.Consumed, len(activity.Items))
		}
	}
}
