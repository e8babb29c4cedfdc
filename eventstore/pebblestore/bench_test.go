package pebblestore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

const benchCallers = 512

// submission is an append of two events, about 1.1 KB, as a submitted incident is.
func submission(stream string, expected eventstore.Revision, data []byte) eventstore.Append {
	return eventstore.Append{Stream: stream, Expected: expected, At: time.Now(), Events: []eventstore.Event{
		{ID: uuid.New(), Type: "incident.submitted.v1", Data: data[:640], Meta: data[640:760]},
		{ID: uuid.New(), Type: "incident.deducted.v1", Data: data[:110], Meta: data[640:760]},
	}}
}

func payload() []byte {
	const words = `{"number":"26030112345678","portal":"oas","title":"disk full","note":"abcdefghijklmnopqrstuvwxyz0123456789"}`
	rnd, b := rand.New(rand.NewPCG(1, 2)), make([]byte, 760)
	for i := range b {
		b[i] = words[i%len(words)]
		if i%2 == 0 && i > 200 { // sealed texts do not compress
			b[i] = byte(rnd.Uint32())
		}
	}
	return b
}

// measure starts the clock, and returns what reports: the rate, and what one cost
// in processor time, which says more where the machine has other work.
func measure(b *testing.B, what string) (report func(n int)) {
	b.Helper()
	before := cpuSeconds(b)
	b.ResetTimer()
	return func(n int) {
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), what+"/s")
		b.ReportMetric((cpuSeconds(b)-before)*1e6/float64(n), "cpu-us/"+what)
	}
}

func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

func quiet() pebblestore.Options { return pebblestore.Options{Logger: slog.New(slog.DiscardHandler)} }

// spread runs callers that append b.N times in all, each to streams of its own.
func spread(b *testing.B, s eventstore.Store, streams int) {
	var left atomic.Int64
	left.Store(int64(b.N))
	data := payload()
	report := measure(b, "appends")
	var wg sync.WaitGroup
	for c := range benchCallers {
		wg.Go(func() {
			heads := make([]eventstore.Revision, (streams+benchCallers-1)/benchCallers)
			for i := 0; left.Add(-1) >= 0; i++ {
				mine := i % len(heads)
				a := submission(fmt.Sprintf("contract-5a1b2c3d-%04d-%08d", c, mine), heads[mine]-1, data)
				done, err := s.Append(context.Background(), a)
				if err != nil {
					b.Error(err)
					return
				}
				heads[mine] = done.Revision + 1
			}
		})
	}
	wg.Wait()
	report(b.N)
}

func BenchmarkAppend(b *testing.B) {
	for _, streams := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			s := open(b, b.TempDir(), quiet())
			defer func() { _ = s.Close() }()
			spread(b, s, streams)
		})
	}
}

// BenchmarkAppendCold appends to streams that were not seen for long: their heads
// have to be looked up.
func BenchmarkAppendCold(b *testing.B) {
	opts := quiet()
	opts.StreamHeads = 1
	s := open(b, b.TempDir(), opts)
	defer func() { _ = s.Close() }()
	const streams = 400_000
	data := payload()
	round := func(n int, expected eventstore.Revision) {
		var left atomic.Int64
		left.Store(int64(n))
		var wg sync.WaitGroup
		for range benchCallers {
			wg.Go(func() {
				for i := left.Add(-1); i >= 0; i = left.Add(-1) {
					a := submission(fmt.Sprintf("contract-5a1b2c3d-%08d", i*7919%streams), expected, data)
					if _, err := s.Append(context.Background(), a); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	round(streams, eventstore.NoStream)
	report := measure(b, "appends")
	for n := 0; n < b.N; n += streams {
		round(min(streams, b.N-n), eventstore.Revision(2*(n/streams)+1))
	}
	report(b.N)
}

// One hot stream: an append carries the commands of 64 callers, as the ledger's
// queue makes them.
func BenchmarkAppendHot(b *testing.B) {
	const riders = 64
	s := open(b, b.TempDir(), quiet())
	defer func() { _ = s.Close() }()
	head, data := eventstore.NoStream, payload()
	report := measure(b, "submissions")
	for range b.N / riders {
		a := submission("contract-hot", head, data)
		for range riders - 1 {
			a.Events = append(a.Events, submission("contract-hot", head, data).Events...)
		}
		done, err := s.Append(context.Background(), a)
		if err != nil {
			b.Fatal(err)
		}
		head = done.Revision
	}
	report(b.N)
}

// BenchmarkRawPebble is the yardstick: the same bytes to the same two
// databases in batches of the same size, with nothing decided.
func BenchmarkRawPebble(b *testing.B) {
	const batch = 256
	dir := b.TempDir()
	frames, index := pebblestore.RawDatabases(b, filepath.Join(dir, "log"), filepath.Join(dir, "index"))
	value := append(payload(), payload()[:340]...)
	synced := make(chan [2]*pebble.Batch, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		for pair := range synced {
			if err := pair[0].SyncWait(); err != nil {
				b.Error(err)
			}
			if err := index.Apply(pair[1], pebble.NoSync); err != nil {
				b.Error(err)
			}
			_, _ = pair[0].Close(), pair[1].Close()
		}
	})
	report := measure(b, "appends")
	for n := 0; n < b.N; {
		f, x := frames.NewBatch(), index.NewBatch()
		for range min(batch, b.N-n) {
			n++
			_ = f.Set(binary.BigEndian.AppendUint64(nil, uint64(2*n)), value, nil)
			key := fmt.Appendf(nil, "contract-5a1b2c3d-%04d-%08d\x00", n%benchCallers, n/benchCallers%20)
			_ = x.Set(binary.BigEndian.AppendUint64(key, ^uint64(n)), binary.AppendUvarint(nil, uint64(2*n)), nil)
		}
		if err := frames.ApplyNoSyncWait(f, pebble.Sync); err != nil {
			b.Fatal(err)
		}
		synced <- [2]*pebble.Batch{f, x}
	}
	close(synced)
	wg.Wait()
	report(b.N)
}

func BenchmarkReadAll(b *testing.B) {
	s := open(b, b.TempDir(), quiet())
	defer func() { _ = s.Close() }()
	data := payload()
	var wg sync.WaitGroup
	for c := range 64 {
		wg.Go(func() {
			for i := range 4000 {
				a := submission(fmt.Sprintf("contract-%d", c), eventstore.Revision(2*i-1), data)
				if _, err := s.Append(context.Background(), a); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	report := measure(b, "events")
	n := 0
	for b.Loop() {
		for _, err := range s.ReadAll(context.Background(), eventstore.Start) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	report(n)
}

// BenchmarkReadCold reads whole streams that are in no cache: of 100,000 with 12
// frames each, written in turn, so that the frames of one stream are far apart.
func BenchmarkReadCold(b *testing.B) {
	const streams, frames = 100_000, 12
	dir := b.TempDir()
	s := open(b, dir, quiet())
	name := func(i int64) string {
		return uuid.NewSHA1(uuid.Nil, binary.BigEndian.AppendUint64(nil, uint64(i))).String()
	}
	var next atomic.Int64
	for n := range frames {
		next.Store(0)
		var wg sync.WaitGroup
		for caller := range benchCallers {
			wg.Go(func() {
				data, rnd := payload(), rand.New(rand.NewPCG(uint64(n), uint64(caller)))
				for i := next.Add(1); i <= streams; i = next.Add(1) {
					for j := 201; j < len(data); j += 2 { // sealed texts are never the same twice
						data[j-1] = byte(rnd.Uint32())
					}
					if _, err := s.Append(context.Background(), submission(name(i), eventstore.Revision(2*n-1), data)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s = open(b, dir, quiet())
	defer func() { _ = s.Close() }()
	pick := rand.New(rand.NewPCG(1, 2))
	report := measure(b, "streams")
	for range b.N {
		n := 0
		for _, err := range s.ReadStream(context.Background(), name(1+pick.Int64N(streams)), 0, eventstore.Forwards) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 2*frames {
			b.Fatalf("%d records", n)
		}
	}
	report(b.N)
}
