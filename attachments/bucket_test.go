package attachments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// another is a second node on the same store.
func (r *rig) another() *Bucket {
	r.t.Helper()
	b, err := OpenBucket(Config{
		Dir: filepath.Join(r.t.TempDir(), "attachments"), People: r.people, Limits: limits, Now: func() time.Time { return r.now }, Reserve: 1,
	}, r.ground.(*onStore).store)
	must(r.t, err)
	return b
}

func newBucket(t testing.TB) (*rig, *onStore) {
	t.Helper()
	s := newOnStore(t)
	return newRigOn(t, s), s
}

// What comes to one node is there for all of them at once.
func TestR26_NodesShareFiles(t *testing.T) {
	r, s := newBucket(t)
	other := r.another()
	file := r.put(ani, png)
	c, err := other.Get(t.Context(), ani, file.SHA256)
	must(t, err)
	var read bytes.Buffer
	_, err = c.WriteTo(&read)
	must(t, errors.Join(err, c.Close()))
	if !bytes.Equal(read.Bytes(), png) {
		t.Errorf("another node reads %d other bytes", read.Len())
	}
	_, err = other.Get(t.Context(), budi, file.SHA256)
	wantErr(t, err, ErrUnknown)

	content, id := bytes.Repeat([]byte("0123456789abcde\n"), 12_000), uuid.New()
	r.begin(id, len(content))
	nodes := []Shelf{r.Shelf, other}
	for at := 0; at < len(content); {
		end := min(at+50_001, len(content))
		up, err := nodes[at%2].Append(t.Context(), ani, id, int64(at), bytes.NewReader(content[at:end]))
		must(t, err)
		at = int(up.Offset)
		if up.Stored != nil {
			r.reads(ani, up.Stored.SHA256, content)
		}
	}
	if n := len(s.document(t, ani).Coming); n != 0 {
		t.Errorf("%d objects seem to be on their way", n)
	}
	if left := r.names(); len(left) != 3 { // two files, and a command
		t.Errorf("there are %q", left)
	}
}

// Many small parts do not become many objects.
func TestR26_TinyPartsBecomeOne(t *testing.T) {
	r, s := newBucket(t)
	id := uuid.New()
	r.begin(id, 100)
	for at := range 50 {
		_, err := r.Append(t.Context(), ani, id, int64(at), strings.NewReader("x"))
		must(t, err)
	}
	if up := s.document(t, ani).Uploads[id]; len(up.Parts) != 1 || up.Parts[0].Size != 50 {
		t.Errorf("50 bytes lie in %+v", up.Parts)
	}
	if left := r.names(); len(left) != 1 {
		t.Errorf("there are %q", left)
	}
	up, err := r.Append(t.Context(), ani, id, 50, strings.NewReader(strings.Repeat("x", 50)))
	must(t, err)
	r.reads(ani, up.Stored.SHA256, bytes.Repeat([]byte("x"), 100))
}

// Finished uploads take nothing of the quota, so they are bounded by number.
func TestR26_FinishedUploadsAreForgottenWhereThereAreMany(t *testing.T) {
	r, s := newBucket(t)
	going, oldest, newest := uuid.New(), uuid.New(), uuid.New()
	r.begin(going, 8)
	_, err := s.change(t.Context(), ani, func(h *holdings) (bool, error) {
		for i := range finishedKept {
			id := uuid.New()
			if i == 0 {
				id = oldest
			}
			h.Uploads[id] = &begun{upload: upload{Length: 1, Offset: 1, SHA256: "x", TouchedAt: start.Add(time.Duration(i-finishedKept) * time.Second)}}
		}
		return true, nil
	})
	must(t, err)
	r.begin(newest, len("a story"))
	_, err = r.Append(t.Context(), ani, newest, 0, strings.NewReader("a story"))
	must(t, err)
	if up := r.status(newest, int64(len("a story"))); up.Stored == nil {
		t.Error("the upload that has just become a file is forgotten")
	}
	r.status(going, 0)
	if h := s.document(t, ani); len(h.Uploads) != finishedKept+1 || h.Uploads[oldest] != nil {
		t.Errorf("%d uploads are remembered", len(h.Uploads))
	}
}

// Whichever nodes they come to, an account's files stay within its quota, and as
// many are kept as fit.
func TestR26_TheQuotaHoldsForAllNodesTogether(t *testing.T) {
	r, s := newBucket(t)
	nodes := []Shelf{r.Shelf, r.another(), r.another()}
	var kept atomic.Int64
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			content := bytes.Repeat([]byte{'a' + byte(i)}, 200<<10)
			_, err := nodes[i%len(nodes)].Put(t.Context(), ani, uuid.New(), bytes.NewReader(content), int64(len(content)))
			if err == nil {
				kept.Add(1)
			} else {
				wantRefusal(t, err, QuotaExceeded)
			}
		})
	}
	all.Wait()
	if n, used := kept.Load(), s.used(t, ani); n != 5 || used != n*200<<10 {
		t.Errorf("%d files of 200 KiB were kept within 1 MiB; %d bytes are counted", n, used)
	}
}

// The same bytes at two nodes at once are one file, and are counted once.
func TestR26_TheSameBytesAtTwoNodesAreOneFile(t *testing.T) {
	r, s := newBucket(t)
	nodes := []Shelf{r.Shelf, r.another()}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			_, err := nodes[i%2].Put(t.Context(), ani, uuid.New(), bytes.NewReader(png), int64(len(png)))
			must(t, err)
		})
	}
	all.Wait()
	if used := s.used(t, ani); used != least {
		t.Errorf("%d bytes are counted", used)
	}
	files := slices.DeleteFunc(r.names(), func(name string) bool { return !strings.Contains(name, filePrefix) })
	if len(files) != 1 {
		t.Errorf("they lie there as %q", files)
	}
}

// Of two nodes that send to the same upload one goes on; the other is told how far
// it has come, and its bytes are nobody's.
func TestR26_AnUploadGoesOnAtOneNodeAtATime(t *testing.T) {
	r, _ := newBucket(t)
	other := r.another()
	id := uuid.New()
	r.begin(id, 20)
	slow := &meanwhile{Reader: strings.NewReader("the slow one"), do: func() {
		_, err := other.Append(t.Context(), ani, id, 0, strings.NewReader("faster"))
		must(t, err)
	}}
	_, err := r.Append(t.Context(), ani, id, 0, slow)
	wantRefusal(t, err, OffsetDiffers)
	r.status(id, 6)
	up, err := r.Append(t.Context(), ani, id, 6, strings.NewReader(" than the slow"))
	must(t, err)
	r.reads(ani, up.Stored.SHA256, []byte("faster than the slow"))
	if left := r.names(); len(left) != 1 {
		t.Errorf("there are %q", left)
	}
}

// A meanwhile does something before it is read.
type meanwhile struct {
	io.Reader
	do   func()
	once sync.Once
}

func (m *meanwhile) Read(p []byte) (int, error) {
	m.once.Do(m.do)
	return m.Reader.Read(p)
}

// A sweep at one node leaves what another node attaches, or takes anew, meanwhile.
func TestR26_ASweepAtOneNodeLeavesWhatAnotherUses(t *testing.T) {
	r, _ := newBucket(t)
	other := r.another()
	claimed, anew, unused := r.put(ani, png), r.put(ani, []byte("anew")), r.put(ani, []byte("unused"))
	r.now = start.Add(2 * UnusedFor)
	asked := 0
	index := &asking{do: func() {
		if asked++; asked > 1 {
			return
		}
		_, missing, _, err := other.Claim(t.Context(), ani, []string{claimed.SHA256})
		must(t, err)
		if len(missing) > 0 {
			t.Error("it cannot be attached")
		}
		_, err = other.Put(t.Context(), ani, uuid.New(), strings.NewReader("anew"), 4)
		must(t, err)
	}}
	n, err := r.Sweep(t.Context(), index)
	must(t, err)
	if n != 1 {
		t.Errorf("%d files were swept, want 1", n)
	}
	r.reads(ani, claimed.SHA256, png)
	r.reads(ani, anew.SHA256, []byte("anew"))
	_, err = other.Get(t.Context(), ani, unused.SHA256)
	wantErr(t, err, ErrUnknown)
}

// asking does something when it is asked whether a file hangs on an incident: none
// does.
type asking struct{ do func() }

func (*asking) CatchUp(context.Context) error { return nil }

func (a *asking) Attached(context.Context, uuid.UUID, string) (bool, error) {
	a.do()
	return false, nil
}

// A sweep that takes long looks again which incidents there are, since claims end.
func TestR26_ALongSweepLooksAgain(t *testing.T) {
	r, _ := newBucket(t)
	r.put(ani, png)
	r.put(budi, png)
	r.now = start.Add(2 * UnusedFor)
	looked := 0
	index := &incidents{catching: func() {
		looked++
		r.now = r.now.Add(claimFor) // before the next account
	}}
	if n := r.sweep(index); n != 2 || looked < 2 {
		t.Errorf("%d files were swept; it was looked %d times", n, looked)
	}
}

// A file that comes after others have taken it for lost is not kept, and does not
// seem to be.
func TestR26_WhatTakesTooLongIsNotKept(t *testing.T) {
	r, s := newBucket(t)
	other := r.another()
	slow := &meanwhile{Reader: bytes.NewReader(png), do: func() {
		r.now = r.now.Add(r.in.comingFor() + 1)
		_, err := other.Sweep(t.Context(), &incidents{})
		must(t, err)
	}}
	_, err := r.Put(t.Context(), ani, uuid.New(), slow, int64(len(png)))
	wantErr(t, err, ErrUnavailable)
	r.sweep(&incidents{})
	if left, used := r.names(), s.used(t, ani); len(left) != 0 || used != 0 {
		t.Errorf("there are %q, and %d bytes are counted", left, used)
	}
}

// A store that is away refuses files, and takes them again when it is back, also
// where it was away from the start.
func TestAStoreThatIsAwayRefusesAndComesBack(t *testing.T) {
	s := newOnStore(t)
	frail := &frail{Store: s.store, broken: true}
	s.store = frail
	r := newRigOn(t, s)
	_, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(png), int64(len(png)))
	wantErr(t, err, ErrUnavailable)
	frail.broken = false
	kept := r.put(ani, png)
	frail.broken = true
	_, err = r.Get(t.Context(), ani, kept.SHA256)
	wantErr(t, err, ErrUnavailable)
	_, _, _, err = r.Claim(t.Context(), ani, []string{kept.SHA256})
	wantErr(t, err, ErrUnavailable)
	_, err = r.Begin(t.Context(), ani, uuid.New(), 5)
	wantErr(t, err, ErrUnavailable)
	_, err = r.Sweep(t.Context(), &incidents{})
	wantErr(t, err, ErrUnavailable)
	if err := r.check(ani, kept); !errors.Is(err, ErrUnavailable) {
		t.Errorf("what cannot be read is said to be %v", err)
	}
	frail.broken = false
	r.reads(ani, kept.SHA256, png)
}

// Without its document nothing of an account is removed: it may be put back.
func TestFilesWithoutADocumentStay(t *testing.T) {
	r, s := newBucket(t)
	kept := r.put(ani, png)
	document := s.content(t, documentOf(ani))
	must(t, s.store.Remove(t.Context(), documentOf(ani)))
	r.now = start.Add(30 * UnusedFor)
	r.sweep(&incidents{})
	if err := r.check(ani, kept); err == nil {
		t.Error("nobody notices that it cannot be found")
	}
	must(t, s.store.Write(t.Context(), documentOf(ani), bytes.NewReader(document), int64(len(document)), objects.Condition{}))
	r.reads(ani, kept.SHA256, png)
	must(t, s.store.Write(t.Context(), documentOf(ani), strings.NewReader("{"), 1, objects.Condition{}))
	r.sweep(&incidents{})
	if err := r.check(ani, kept); !errors.As(err, new(*CorruptError)) {
		t.Errorf("a damaged document: %v", err)
	}
}
