package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// benchEvents is the length of the log, or what BENCH_EVENTS says.
const benchEvents = 200_000

func benchLength(b *testing.B) int {
	text := os.Getenv("BENCH_EVENTS")
	if text == "" {
		return benchEvents
	}
	n, err := strconv.Atoi(text)
	must(b, err)
	return n
}

// BenchmarkCatchUp is all projections together going through a log of full
// submissions over 10,000 contracts, from nothing. Required: 50,000 events/s on
// two cores, and 20,000 with PostgreSQL on the same two.
func BenchmarkCatchUp(b *testing.B) {
	store := openStore(b)
	events := writeSubmissions(b, store, benchLength(b), 10_000)
	for _, on := range []engine{onFile, onServer} {
		b.Run(string(on), func(b *testing.B) {
			before := cpuTime(b)
			for range b.N {
				s := openSet(b, on.at(b, Config{Dir: filepath.Join(b.TempDir(), "rows"), Store: store}))
				must(b, s.CatchUp(b.Context()))
				must(b, s.Close())
			}
			all := float64(events) * float64(b.N)
			b.ReportMetric(all/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/all, "cpu-µs/event")
		})
	}
}

// cpuTime is what the process has used of all cores.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func openStore(t testing.TB) *pebblestore.Store {
	t.Helper()
	store, err := pebblestore.Open(filepath.Join(t.TempDir(), "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// plainMeta is the recorded form of metadata that says nothing but its version.
var plainMeta = append([]byte{1}, make([]byte, 97)...)

// record makes records of events.
func record(t testing.TB, events ...contract.Event) []eventstore.Event {
	t.Helper()
	out := make([]eventstore.Event, len(events))
	for i, e := range events {
		data, err := contract.Encode(e)
		must(t, err)
		out[i] = eventstore.Event{ID: uuid.New(), Type: e.Name(), Data: data, Meta: plainMeta}
	}
	return out
}

// writeSubmissions records contracts that are linked and active, and then
// submissions by turns, until there are so many events.
func writeSubmissions(t testing.TB, store eventstore.Store, events, contracts int) int {
	t.Helper()
	const writers = 64
	at := time.Now().UTC().Truncate(time.Microsecond)
	keys := vault.Generate()
	var group errgroup.Group
	each := max(1, (events-4*contracts)/2/writers)
	for writer := range writers {
		group.Go(func() error {
			var ids []uuid.UUID
			for i := writer; i < contracts; i += writers {
				ids = append(ids, benchID(i))
				if err := add(t, store, benchID(i), eventstore.NoStream, at, benchContract(i, at)...); err != nil {
					return err
				}
			}
			if len(ids) == 0 {
				return nil
			}
			for i := range each {
				n, err := keys.MakeNumber(at, uint32(i*writers+writer))
				if err != nil {
					return err
				}
				turn := i / len(ids)
				id := ids[i%len(ids)]
				if err := add(t, store, id, eventstore.Revision(3+2*turn), at, benchSubmission(contract.Number(n), i*writers+writer, turn, at)...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	head, err := store.Head(t.Context())
	must(t, err)
	return int(head)
}

func add(t testing.TB, store eventstore.Store, id uuid.UUID, expected eventstore.Revision, at time.Time, events ...contract.Event) error {
	_, err := store.Append(t.Context(), eventstore.Append{Stream: id.String(), Expected: expected, At: at, Events: record(t, events...)})
	return err
}

func benchID(i int) (id uuid.UUID) {
	sum := uint64(i+1) * 0x9E3779B97F4A7C15
	binary.BigEndian.PutUint64(id[:], sum)
	binary.BigEndian.PutUint64(id[8:], sum*0x9E3779B97F4A7C15)
	return id
}

func benchAccount(i int) (id uuid.UUID) {
	id = benchID(i)
	id[15]++
	return id
}

func benchContract(i int, at time.Time) []contract.Event {
	today := catalog.DateOf(at, time.UTC)
	ends := today.LastOfTerm(0)
	return []contract.Event{
		&contract.Registered{
			AccessID: fmt.Sprintf("%010d", i), Programme: "gold", ServiceName: "Partner Support Gold 20Pack", Short: "GOLD",
			Covers: []string{"on-premises"}, Portals: []string{"oas", "mpn"}, TimeZone: "Asia/Jakarta", Country: "ID", RegisteredOn: today,
			Included: []contract.IncludedUnits{{Unit: contract.Incident, Quantity: 1_000_000}},
			Contact:  domain.Sealed[contract.ContactTexts]{Person: benchID(i), Box: bytes.Repeat([]byte{7}, 120)},
		},
		&contract.Activated{Status: contract.StatusActive, StartsOn: today, ExpiresOn: ends, StartsAt: today.StartOf(time.UTC), EndsAt: ends.EndOf(time.UTC)},
		&contract.GrantAdded{Grant: 1, Unit: contract.Incident, Quantity: 1_000_000, Source: contract.Included},
		&contract.AccountLinked{Account: benchAccount(i), Portal: "oas", At: at},
	}
}

func benchSubmission(n contract.Number, i, turn int, at time.Time) []contract.Event {
	left := int64(1_000_000 - turn - 1)
	return []contract.Event{
		&contract.IncidentSubmitted{
			Number: n, Account: benchAccount(i % 10_000), Portal: "oas", Product: "windows-server-2012-r2", Family: "on-premises",
			Usage: "it-professional", ProblemType: "networking", Category: "remote-access", Title: "Remote access stops after the update",
			Severity: "B", Response: catalog.Response{Time: "PT4H", Hours: catalog.ResponseBusiness, DueAt: at.Add(4*time.Hour + time.Duration(i)*time.Millisecond)},
			Country: "ID", Language: "id", Agreement: "2015-07", OpenedAt: at.Add(time.Duration(i) * time.Microsecond),
			Texts: domain.Sealed[contract.IncidentTexts]{Person: benchAccount(i % 10_000), Box: bytes.Repeat([]byte{7}, 240)},
		},
		&contract.IncidentDeducted{Number: n, Grant: 1, Unit: contract.Incident, Quantity: 1, Remaining: &left},
	}
}

// BenchmarkAwait is how long it takes from the answer to a submission until its
// rows are there, for one caller.
func BenchmarkAwait(b *testing.B) {
	store := openStore(b)
	writeSubmissions(b, store, 10_000, 100)
	s := openSet(b, Config{Dir: filepath.Join(b.TempDir(), "rows"), Store: store})
	must(b, s.CatchUp(b.Context()))
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(b.Context())
	go func() { ended <- s.Run(ctx) }()
	at := time.Now().UTC()
	for i := range b.N {
		b.StopTimer()
		id := uuid.New()
		must(b, add(b, store, id, eventstore.NoStream, at, benchSubmission(contract.Number(i+1), i, 0, at)[:1]...))
		head, err := store.Head(b.Context())
		must(b, err)
		b.StartTimer()
		must(b, s.Await(b.Context(), head))
	}
	stop()
	must(b, <-ended)
}

// BenchmarkQuestions is what one answer takes.
func BenchmarkQuestions(b *testing.B) {
	store := openStore(b)
	writeSubmissions(b, store, 200_000, 1000)
	s := openSet(b, Config{Dir: filepath.Join(b.TempDir(), "rows"), Store: store})
	must(b, s.CatchUp(b.Context()))
	at, ctx, account := time.Now(), b.Context(), benchAccount(7)
	first, err := s.Activity.Of(ctx, at, account, ActivityFilter{}, Page{Limit: 1})
	must(b, err)
	for name, ask := range map[string]func() error{
		"a number":       func() error { _, _, err := s.Incidents.Find(ctx, first.Items[0].Number); return err },
		"the contact":    func() error { _, _, err := s.Incidents.LatestOf(ctx, account); return err },
		"benefits":       func() error { _, err := s.Benefits.OfAccount(ctx, at, account, Page{}); return err },
		"links":          func() error { _, err := s.Links.OfAccount(ctx, at, account, Page{}); return err },
		"activity of 20": func() error { _, err := s.Activity.Of(ctx, at, account, ActivityFilter{}, Page{Limit: 20}); return err },
		"desk of 100":    func() error { _, err := s.Desk.List(ctx, at, DeskFilter{Status: StatusOpen}, Page{}); return err },
		"what is due":    func() error { _, err := s.Due.Due(ctx, at, ledger.DueContract{}, 256); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				must(b, ask())
			}
		})
	}
}
