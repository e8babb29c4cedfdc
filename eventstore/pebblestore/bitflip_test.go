package pebblestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// A relic is a folder that a store left, and what the store held.
type relic struct {
	name    string
	dir     string
	records []eventstore.Record
}

func tiny() pebblestore.Options {
	return pebblestore.Options{
		Logger: slog.New(slog.DiscardHandler), CacheBytes: 1 << 20, LogMemBytes: 256 << 10, IndexMemBytes: 64 << 10,
	}
}

// relics are stores with tables and write-ahead files of both databases: one
// that was closed, one whose process was killed, one killed soon after it was
// opened, one killed that never flushed anything.
func relics(t *testing.T) []relic {
	t.Helper()
	grow := func(s *pebblestore.Store, n int) {
		for i := range n {
			stream := fmt.Sprintf("caller-%d", i%11)
			head := eventstore.NoStream
			for r := range s.ReadStream(context.Background(), stream, eventstore.LastRevision, eventstore.Backwards) {
				head = r.Revision
				break
			}
			if _, err := s.Append(context.Background(), facts(stream, head)); err != nil {
				t.Fatalf("append: %v", err)
			}
		}
	}
	var all []relic
	keep := func(name string, s *pebblestore.Store, dir string) {
		r := relic{name: name, dir: filepath.Join(t.TempDir(), name)}
		for record, err := range s.ReadAll(context.Background(), eventstore.Start) {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			r.records = append(r.records, record)
		}
		copyTree(t, dir, r.dir)
		all = append(all, r)
	}
	dir := t.TempDir()
	s := open(t, dir, tiny())
	grow(s, 40)
	keep("killed young", s, dir)
	grow(s, 1500)
	keep("killed", s, dir)
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	all[1].name = "killed"
	keep("closed", reopened(t, dir, &s), dir)
	grow(s, 15)
	keep("killed soon", s, dir)
	_ = s.Close()
	return all
}

func reopened(t *testing.T, dir string, s **pebblestore.Store) *pebblestore.Store {
	t.Helper()
	*s = open(t, dir, tiny())
	return *s
}

// copyTree copies the folder of a store that may be at work: again, where files
// came or went meanwhile.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	for ctx := soon(t); ; {
		before := namesIn(from)
		err := os.CopyFS(to, os.DirFS(from))
		if err == nil && slices.Equal(before, namesIn(from)) {
			return
		}
		if (err != nil && !errors.Is(err, fs.ErrNotExist)) || ctx.Err() != nil {
			t.Fatalf("copy %s: %v", from, err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
}

func namesIn(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
		names = append(names, path)
		return nil
	})
	return names
}

// flip changes one bit of one file: half of the times any file, else any byte.
func flip(t testing.TB, dir string, rnd *rand.Rand) string {
	t.Helper()
	var paths []string
	var sizes []int64
	var total int64
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() && info.Size() > 0 {
			paths, sizes, total = append(paths, path), append(sizes, info.Size()), total+info.Size()
		}
		return nil
	})
	i := rnd.IntN(len(paths))
	if rnd.IntN(2) == 0 {
		for at := rnd.Int64N(total); at >= sizes[i]; i = (i + 1) % len(paths) {
			at -= sizes[i]
		}
	}
	b, err := os.ReadFile(paths[i])
	if err != nil {
		t.Fatalf("flip: %v", err)
	}
	bit := rnd.IntN(8 * len(b))
	b[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(paths[i], b, 0o600); err != nil {
		t.Fatalf("flip: %v", err)
	}
	return fmt.Sprintf("bit %d of %s", bit, strings.TrimPrefix(paths[i], dir))
}

// R42: a flipped bit anywhere is harmless, or an error says so.
func TestR42_BitFlipsAreHarmlessOrReported(t *testing.T) {
	t.Parallel()
	all, seed := relics(t), rand.Uint64()
	reported, rounds := 0, storetest.Rounds(100, 1000)
	for i := range rounds {
		r := all[i%len(all)]
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		dir := filepath.Join(t.TempDir(), "flipped")
		copyTree(t, r.dir, dir)
		what := fmt.Sprintf("seed %d round %d, %s: %s", seed, i, r.name, flip(t, dir, rnd))
		if err := sameAnswers(dir, r); err == nil {
			continue
		} else if wrong := (*wrongAnswer)(nil); errors.As(err, &wrong) {
			t.Errorf("%s: %v", what, err)
		} else {
			reported++
			if corrupt := (*eventstore.CorruptError)(nil); !errors.As(err, &corrupt) {
				t.Errorf("%s: reported as %T, want a CorruptError", what, err)
			}
			t.Logf("%s: reported: %v", what, err)
		}
		_ = os.RemoveAll(dir)
	}
	if reported < rounds/5 {
		t.Errorf("only %d of %d flips were noticed", reported, rounds)
	}
}

// R42: Pebble takes a damaged entry of a manifest for its end, opens an older
// database, and removes the tables that this one does not know. What vouches for
// the manifest notices first, and nothing is removed.
func TestR42_FlippedManifestsAreReportedBeforeTheyDoHarm(t *testing.T) {
	t.Parallel()
	for _, r := range relics(t) {
		for _, folder := range []string{"log", "index"} {
			manifests, _ := filepath.Glob(filepath.Join(r.dir, folder, "MANIFEST-??????"))
			name := filepath.Join(folder, filepath.Base(slices.Max(manifests)))
			whole, err := os.ReadFile(filepath.Join(r.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for at := len(whole) % 53; at < len(whole); at += 53 {
				dir := filepath.Join(t.TempDir(), "flipped")
				copyTree(t, r.dir, dir)
				b := slices.Clone(whole)
				b[at] ^= 0x10
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
				var corrupt *eventstore.CorruptError
				if _, err := pebblestore.Open(dir, tiny()); !errors.As(err, &corrupt) || !strings.HasSuffix(corrupt.Where, name) {
					t.Errorf("%s: byte %d of %s: %v, want a CorruptError that names it", r.name, at, name, err)
				}
			}
		}
	}
}

// R42: a database that seems to be made with another comparer or merger is
// damaged, and says so.
func TestR42_FlippedOptionsAreHarmlessOrReported(t *testing.T) {
	t.Parallel()
	r := relics(t)[0]
	for _, folder := range []string{"log", "index"} {
		options, _ := filepath.Glob(filepath.Join(r.dir, folder, "OPTIONS-??????"))
		name := filepath.Join(folder, filepath.Base(slices.Max(options)))
		whole, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, named := range []string{"comparer=", "merger="} {
			line := bytes.Index(whole, []byte(named))
			for at := line; at < line+len(named)+8; at++ {
				dir := filepath.Join(t.TempDir(), "flipped")
				copyTree(t, r.dir, dir)
				b := slices.Clone(whole)
				b[at] ^= 0x02
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
				var corrupt *eventstore.CorruptError
				err := sameAnswers(dir, r)
				if err == nil && at < line+len(named) {
					continue // what is unknown is passed over
				}
				if !errors.As(err, &corrupt) || !strings.HasSuffix(corrupt.Where, name) {
					t.Errorf("byte %d of %s (%s): %v, want a CorruptError that names it", at, name, named, err)
				}
			}
		}
	}
}

// A wrongAnswer is what must never happen: no error, and not the truth.
type wrongAnswer struct{ what string }

func (w *wrongAnswer) Error() string { return "wrong answer: " + w.what }

// sameAnswers asks a store everything, and returns the first error, or a
// wrongAnswer where it does not answer as the relic did.
func sameAnswers(dir string, r relic) error {
	s, err := pebblestore.Open(dir, tiny())
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	n := 0
	for record, err := range s.ReadAll(context.Background(), eventstore.Start) {
		if err != nil {
			return err
		}
		if n >= len(r.records) || !equalRecords(record, r.records[n]) {
			return &wrongAnswer{fmt.Sprintf("record %d of all is %s/%d at %d", n, record.Stream, record.Revision, record.Position)}
		}
		n++
	}
	if n != len(r.records) {
		return &wrongAnswer{fmt.Sprintf("%d records, not %d", n, len(r.records))}
	}
	for i := range 11 {
		if err := sameStream(s, fmt.Sprintf("caller-%d", i), r.records); err != nil {
			return err
		}
	}
	return nil
}

func sameStream(s *pebblestore.Store, stream string, all []eventstore.Record) error {
	want := slices.DeleteFunc(slices.Clone(all), func(r eventstore.Record) bool { return r.Stream != stream })
	n := 0
	for record, err := range s.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
		if err != nil {
			return err
		}
		if n >= len(want) || !equalRecords(record, want[n]) {
			return &wrongAnswer{fmt.Sprintf("record %d of %s is at %d", n, stream, record.Position)}
		}
		n++
	}
	if n != len(want) {
		return &wrongAnswer{fmt.Sprintf("%s has %d records, not %d", stream, n, len(want))}
	}
	head := eventstore.Revision(n - 1)
	done, err := s.Append(context.Background(), facts(stream, head))
	if err != nil && !errors.As(err, new(*eventstore.ConflictError)) {
		return err
	}
	if err != nil || done.Revision != head+2 || done.RecordedAt.Before(all[len(all)-1].RecordedAt) {
		return &wrongAnswer{fmt.Sprintf("append to %s at %d: %+v, %v", stream, head, done, err)}
	}
	return nil
}

func equalRecords(a, b eventstore.Record) bool {
	return a.Position == b.Position && a.Stream == b.Stream && a.Revision == b.Revision && a.RecordedAt.Equal(b.RecordedAt) &&
		a.ID == b.ID && a.Type == b.Type && string(a.Data) == string(b.Data) && string(a.Meta) == string(b.Meta)
}

// The newest acknowledged record lies in the write-ahead file alone; damage there
// looks like a write that was cut, but the witness knows better.
func TestR42_DamagedTailIsNotTakenForATornOne(t *testing.T) {
	t.Parallel()
	dir, left := t.TempDir(), t.TempDir()
	s := open(t, dir, tiny())
	for i := range 3 {
		if _, err := s.Append(context.Background(), facts("caller-0", eventstore.Revision(2*i-1))); err != nil {
			t.Fatal(err)
		}
	}
	copyTree(t, dir, left)
	_ = s.Close()
	logs, _ := filepath.Glob(filepath.Join(left, "log", "*.log"))
	path := slices.Max(logs)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(string(b), "caller-0/5")
	b[last] ^= 4
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first try must not destroy the evidence
		_, err = pebblestore.Open(left, tiny())
		var corrupt *eventstore.CorruptError
		if !errors.As(err, &corrupt) || corrupt.Position != 4 {
			t.Fatalf("open: %v, want a CorruptError after position 4", err)
		}
	}
}

func endsInZero(first eventstore.Append) bool {
	_, frame := pebblestore.MakeFrame(first, 1)
	return frame[len(frame)-1] == 0
}

// A write that nobody was told of, cut in the middle, is cut off and logged.
func TestR42_TornTailIsCutAndLogged(t *testing.T) {
	t.Parallel()
	dir, left := t.TempDir(), t.TempDir()
	s := open(t, dir, tiny())
	a := facts("caller-0", -1)
	for endsInZero(a) { // where it ends could not be told from the room after it
		a.At = a.At.Add(time.Microsecond)
	}
	if _, err := s.Append(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	copyTree(t, dir, left)
	_ = s.Close()
	logs, _ := filepath.Glob(filepath.Join(left, "log", "*.log"))
	path := slices.Max(logs)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(strings.TrimRight(string(b), "\x00"))
	torn := append(b[:end:end], []byte{1, 2, 3, 4, 200, 0, 9, 5, 0, 0, 0, 1, 2, 3}...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	opts := tiny()
	opts.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	s = open(t, left, opts)
	defer func() { _ = s.Close() }()
	if head, err := s.Head(context.Background()); err != nil || head != 2 {
		t.Fatalf("head %d, %v, want 2", head, err)
	}
	if !strings.Contains(logged.String(), "offset=") || !strings.Contains(logged.String(), "length=14") {
		t.Fatalf("the cut was not logged with offset and length: %s", logged.String())
	}
}
