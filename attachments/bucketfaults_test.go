package attachments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// frail is a store that is away: from the start, or once it has been asked so often,
// for good. The last call before that has happened, or it has not.
type frail struct {
	objects.Store
	broken   bool
	calls    int
	left     int // calls; 0: no end
	happened bool
}

// away says whether a call fails, and whether it happens all the same.
func (f *frail) away() (fails, happens bool) {
	f.calls++
	if f.left > 0 && f.calls >= f.left {
		fails, happens = true, f.happened && !f.broken
		f.broken = true
		return fails, happens
	}
	return f.broken, false
}

var errAway = fmt.Errorf("%w: the line was cut", objects.ErrUnavailable)

func (f *frail) Read(ctx context.Context, name string) (*objects.Object, error) {
	if fails, _ := f.away(); fails {
		return nil, errAway
	}
	return f.Store.Read(ctx, name)
}

func (f *frail) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	fails, happens := f.away()
	if !fails {
		return f.Store.Write(ctx, name, body, size, when)
	}
	if happens {
		_ = f.Store.Write(ctx, name, body, size, when)
	}
	return errAway
}

func (f *frail) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if fails, _ := f.away(); fails {
		return func(yield func(string, error) bool) { yield("", errAway) }
	}
	return f.Store.List(ctx, prefix)
}

func (f *frail) Remove(ctx context.Context, name string) error {
	fails, happens := f.away()
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
	if _, err = l.Begin(l.t.Context(), ani, l.upload, int64(len(story))); err != nil {
		return err
	}
	for _, end := range []int{1000, 1001, 4000, len(story)} {
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
	l.now = l.now.Add(2*UnusedFor + comingFor)
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

// Wherever a process is killed, what it has acknowledged is there, what it has not
// can be asked for again, and in the end nothing is left that nobody needs.
func TestR26_AProcessMayBeKilledAtAnyCallOfTheStore(t *testing.T) {
	store := newStore(t)
	for _, happened := range []bool{false, true} {
		for calls := 1; ; calls++ {
			within := &folderOf{store, uuid.NewString() + "/"}
			weak := &frail{Store: within, left: calls + triedBy, happened: happened}
			s := &onStore{store: weak}
			l := &tale{rig: newRigOn(t, s), index: &incidents{files: map[file]bool{}}, upload: uuid.New(), commands: map[string]uuid.UUID{
				"first": uuid.New(), "again": uuid.New(), "other": uuid.New(),
			}}
			err := l.tell()
			if err == nil {
				if calls < 30 {
					t.Fatalf("the tale took %d calls only", calls)
				}
				break
			}
			t.Logf("killed at call %d, which has happened: %v", calls, happened)
			wantErr(t, err, ErrUnavailable)
			s.store = within
			l.reopen()
			l.holds(s)
		}
	}
}
