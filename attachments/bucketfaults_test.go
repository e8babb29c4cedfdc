package attachments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
	"github.com/supportledger/supportledger/vault"
)

// frail is a store that is away: from the start, or once it has been asked so often.
type frail struct {
	objects.Store
	mu     sync.Mutex
	broken bool
	calls  int
	writes []bool // which of them changed something
	left   int    // calls; 0: no end
	once   bool   // it is back at once
	belied bool   // a write that has happened was said to be too late
	how
}

// how a call fails.
type how struct {
	happens bool // all the same
	changed bool // and a write is said to be too late, as when a client asks again by itself
}

// away says whether a call fails, and whether it happens all the same.
func (f *frail) away(writes bool) (fails, happens bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.writes = append(f.writes, writes)
	if f.calls == f.left {
		f.broken = !f.once
		return true, f.happens
	}
	return f.broken, false
}

var errAway = fmt.Errorf("%w: the line was cut", objects.ErrUnavailable)

func (f *frail) Read(ctx context.Context, name string) (*objects.Object, error) {
	if fails, _ := f.away(false); fails {
		return nil, errAway
	}
	return f.Store.Read(ctx, name)
}

func (f *frail) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	fails, happens := f.away(true)
	if !fails {
		return f.Store.Write(ctx, name, body, size, when)
	}
	if happens && f.Store.Write(ctx, name, body, size, when) == nil && f.changed && when != (objects.Condition{}) {
		f.belied = true
		return objects.ErrChanged
	}
	return errAway
}

func (f *frail) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if fails, _ := f.away(false); fails {
		return func(yield func(string, error) bool) { yield("", errAway) }
	}
	return f.Store.List(ctx, prefix)
}

func (f *frail) Remove(ctx context.Context, name string) error {
	fails, happens := f.away(true)
	if !fails {
		return f.Store.Remove(ctx, name)
	}
	if happens {
		_ = f.Store.Remove(ctx, name)
	}
	return errAway
}

// folderOf is a folder of a store.
type folderOf struct {
	objects.Store
	prefix string
}

func (f *folderOf) Read(ctx context.Context, name string) (*objects.Object, error) {
	return f.Store.Read(ctx, f.prefix+name)
}

func (f *folderOf) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	return f.Store.Write(ctx, f.prefix+name, body, size, when)
}

func (f *folderOf) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for name, err := range f.Store.List(ctx, f.prefix+prefix) {
			if !yield(strings.TrimPrefix(name, f.prefix), err) {
				return
			}
		}
	}
}

func (f *folderOf) Remove(ctx context.Context, name string) error {
	return f.Store.Remove(ctx, f.prefix+name)
}

// triedBy is how many calls opening a bucket takes.
const triedBy = 4

// A tale is what happens to an account's files, until a process is killed.
type tale struct {
	*rig
	index    *incidents
	picture  Stored // where it was acknowledged
	commands map[string]uuid.UUID
	upload   uuid.UUID
	offset   int64 // acknowledged
	whole    *Stored
}

var story = []byte(strings.Repeat("a line of text\n", 400))

// tell goes on until something fails.
func (l *tale) tell() (err error) {
	put := func(name string, content []byte) (s Stored, err error) {
		return l.Put(l.t.Context(), ani, l.commands[name], bytes.NewReader(content), int64(len(content)))
	}
	if l.picture, err = put("first", png); err != nil {
		return err
	}
	l.index.files[file{ani, l.picture.SHA256}] = true
	up, err := l.Begin(l.t.Context(), ani, l.upload, int64(len(story)))
	if err != nil {
		return err
	}
	l.offset, l.whole = up.Offset, up.Stored
	for _, end := range []int{1000, 1001, len(story)} {
		if int64(end) <= l.offset && l.whole == nil && end < len(story) || l.whole != nil {
			continue
		}
		up, err := l.Append(l.t.Context(), ani, l.upload, l.offset, bytes.NewReader(story[l.offset:end]))
		if err != nil {
			return err
		}
		l.offset, l.whole = up.Offset, up.Stored
	}
	l.index.files[file{ani, l.whole.SHA256}] = true
	if _, err = put("again", png); err != nil { // takes the place of the first
		return err
	}
	if _, err = put("other", []byte("unused")); err != nil {
		return err
	}
	l.now = start.Add(UnusedFor - 1)
	if _, _, _, err = l.Claim(l.t.Context(), ani, []string{l.picture.SHA256}); err != nil {
		return err
	}
	l.now = start.Add(UnusedFor + 1)
	_, err = l.Sweep(l.t.Context(), l.index)
	return err
}

// holds says what must hold when another process goes on.
func (l *tale) holds(s *onStore) {
	t := l.t
	if l.picture.SHA256 != "" {
		l.reads(ani, l.picture.SHA256, png)
	}
	for name, content := range map[string][]byte{"other": []byte("unused"), "again": png, "first": png} {
		s, err := l.Put(t.Context(), ani, l.commands[name], bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Errorf("what was asked for cannot be asked for again: %v", err)
		}
		if name == "first" {
			l.index.files[file{ani, s.SHA256}], l.picture = true, s
		}
	}
	if l.whole == nil {
		up, err := l.Begin(t.Context(), ani, l.upload, int64(len(story)))
		must(t, err)
		if up.Offset < l.offset {
			t.Errorf("the upload has come to %d; %d were acknowledged", up.Offset, l.offset)
		}
		up, err = l.Append(t.Context(), ani, l.upload, up.Offset, bytes.NewReader(story[up.Offset:]))
		must(t, err)
		if l.whole = up.Stored; l.whole == nil {
			t.Fatalf("the upload has become no file: %+v", up)
		}
	}
	l.reads(ani, l.whole.SHA256, story)
	l.index.files[file{ani, l.whole.SHA256}] = true
	l.now = l.now.Add(2*UnusedFor + l.in.comingFor())
	l.sweep(l.index)
	if used := s.used(t, ani); used != least+int64(len(story)) {
		t.Errorf("%d bytes are counted for two files, a small one and one of %d", used, len(story))
	}
	known := s.document(t, ani).objects()
	for name := range s.left(t) {
		if !known[name] && !strings.Contains(name, "/"+keyPrefix) {
			t.Errorf("nobody knows %s, and it stays", name)
		}
	}
	l.reads(ani, l.picture.SHA256, png)
}

// newTale begins a tale on a folder of a store that fails at one of its calls.
func newTale(t *testing.T, store objects.Store, people *vault.PeopleFile, weak *frail) (*tale, *onStore) {
	t.Helper()
	weak.Store = &folderOf{store, uuid.NewString() + "/"}
	s := &onStore{store: weak}
	return &tale{rig: newRigWith(t, s, people), index: &incidents{files: map[file]bool{}}, upload: uuid.New(), commands: map[string]uuid.UUID{
		"first": uuid.New(), "again": uuid.New(), "other": uuid.New(),
	}}, s
}

// everyCall fails a tale at each of its calls, in each way that makes a difference.
func everyCall(t *testing.T, once bool, hows []how, hold func(l *tale, s *onStore, weak *frail)) {
	t.Helper()
	store, people := newStore(t), newRigOn(t, new(onDisk)).people
	whole, s := newTale(t, store, people, &frail{})
	must(t, whole.tell())
	calls := s.store.(*frail).writes[triedBy:]
	if len(calls) < 30 {
		t.Fatalf("the tale took %d calls only", len(calls))
	}
	for _, how := range hows {
		for i, writes := range calls {
			if how.happens && !writes {
				continue
			}
			l, s := newTale(t, store, people, &frail{left: triedBy + i + 1, once: once, how: how})
			hold(l, s, s.store.(*frail))
			if t.Failed() {
				t.Fatalf("call %d failed, %+v", i, how)
			}
		}
	}
}

// Wherever a process is killed, what it has acknowledged is there, what it has not
// can be asked for again, and in the end nothing is left that nobody needs.
func TestR26_AProcessMayBeKilledAtAnyCallOfTheStore(t *testing.T) {
	everyCall(t, false, []how{{}, {happens: true}}, func(l *tale, s *onStore, weak *frail) {
		wantErr(t, l.tell(), ErrUnavailable)
		s.store = weak.Store
		l.reopen()
		l.holds(s)
	})
}

// Whichever call of the store fails, or its answer is lost, asking again is enough,
// and what the account's document names is there all the time.
func TestR26_AnyCallOfTheStoreMayFail(t *testing.T) {
	everyCall(t, true, []how{{}, {happens: true}, {happens: true, changed: true}}, func(l *tale, s *onStore, weak *frail) {
		err := l.tell()
		weak.left = 0 // what follows is looking
		l.whatIsNamedIsThere(s)
		if err != nil {
			wantErr(t, err, ErrUnavailable)
			if weak.belied {
				t.Errorf("what has happened is taken for somebody else's: %v", err)
			}
			must(t, l.tell())
		}
		l.holds(s)
	})
}

func (l *tale) whatIsNamedIsThere(s *onStore) {
	l.t.Helper()
	h := s.document(l.t, ani)
	for name := range h.objects() {
		if _, coming := h.Coming[name]; !coming {
			s.content(l.t, name)
		}
	}
}

// A sweep leaves what another node has written and not noted yet.
func TestR26_ASweepLeavesWhatIsOnItsWay(t *testing.T) {
	s := newOnStore(t)
	busy := &afterWrites{Store: s.store, prefix: "/" + filePrefix}
	s.store = busy
	r := newRigOn(t, s)
	other := r.another()
	busy.do = func() {
		_, err := other.Sweep(t.Context(), &incidents{})
		must(t, err)
	}
	r.reads(ani, r.put(ani, png).SHA256, png)
	busy.prefix = "/" + partPrefix
	id := uuid.New()
	r.begin(id, 5)
	up, err := r.Append(t.Context(), ani, id, 0, strings.NewReader("parts"))
	must(t, err)
	r.reads(ani, up.Stored.SHA256, []byte("parts"))
}

// afterWrites does something after an object with some name was written.
type afterWrites struct {
	objects.Store
	prefix string
	do     func()
}

func (a *afterWrites) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	err := a.Store.Write(ctx, name, body, size, when)
	if strings.Contains(name, a.prefix) && a.do != nil {
		a.do()
	}
	return err
}

// A reservation whose answer was lost is not counted against itself.
func TestR26_ALostAnswerTakesNoQuota(t *testing.T) {
	s := newOnStore(t)
	weak := &frail{Store: s.store, once: true, how: how{happens: true, changed: true}}
	s.store = weak
	r := newRigOn(t, s)
	for i := range 3 {
		r.put(ani, bytes.Repeat([]byte{'a' + byte(i)}, 300<<10))
	}
	const listedAndRead = 2
	weak.left = weak.calls + listedAndRead + 1
	r.put(ani, bytes.Repeat([]byte("z"), 100<<10)) // there is room for one such
	if !weak.belied {
		t.Error("no answer was lost")
	}
}

// An upload of which all has come is a file to whoever asks how far it is, though
// the store went away before it was one.
func TestR26_WhatHasComeBecomesAFile(t *testing.T) {
	for left := 1; ; left++ {
		s := newOnStore(t)
		weak := &frail{Store: s.store}
		s.store = weak
		r := newRigOn(t, s)
		id := uuid.New()
		r.begin(id, len(story))
		weak.left = weak.calls + left
		_, err := r.Append(t.Context(), ani, id, 0, bytes.NewReader(story))
		weak.broken, weak.left = false, 0
		if err == nil {
			break
		}
		up, err := r.Status(t.Context(), ani, id)
		must(t, err)
		if up.Offset != 0 && up.Stored == nil {
			t.Fatalf("after call %d it has come to %d of %d, and is no file", left, up.Offset, up.Length)
		}
	}
}
