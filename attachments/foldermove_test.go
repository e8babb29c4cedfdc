package attachments

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// A homeward is the way of a luggage from its bucket into another folder.
type homeward struct {
	*luggage
	home *rig
	into *Folder
}

// newHomeward is a luggage whose files lie in a bucket.
func newHomeward(t *testing.T, store objects.Store) *homeward {
	t.Helper()
	l := newLuggage(t, store)
	l.arrives(0)
	_, err := l.bucket.Begin(t.Context(), budi, uuid.New(), 10)
	must(t, err)
	b := &homeward{luggage: l}
	b.empty()
	return b
}

// empty takes another folder.
func (b *homeward) empty() {
	b.t.Helper()
	b.home = newRigWith(b.t, new(onDisk), b.people)
	b.into = b.home.Shelf.(*Folder)
}

func (b *homeward) take() (Moved, error) {
	return b.into.Take(b.t.Context(), b.store.Bucket, func(int64, int64) {})
}

// comes moves everything back and holds the folder against what was uploaded.
func (b *homeward) comes(found int64) {
	b.t.Helper()
	moved, err := b.take()
	must(b.t, err)
	if moved.Files != int64(len(b.files)) || moved.Found != found || moved.Uploads != 1 || len(moved.Damaged) > 0 {
		b.t.Errorf("moved are %+v; want %d files, of which %d were there", moved, len(b.files), found)
	}
	b.isHome()
}

func (b *homeward) isHome() {
	b.t.Helper()
	there := b.bucket
	b.bucket = b.home
	defer func() { b.bucket = there }()
	b.isThere()
}

// Every file of a store is in the folder afterwards, as it lay in the folder from which
// it has come to the store; asking again finds it, and the store is what it was.
func TestR26_AStoreMovesBackIntoAFolder(t *testing.T) {
	b := newHomeward(t, newStore(t))
	before := b.store.left(t)
	b.comes(0)
	again := b.put(ani, png).SHA256 // which was uploaded anew since
	for of := range b.files {
		if of != (file{ani, again}) && !bytes.Equal(b.home.raw(t, of), b.raw(t, of)) {
			t.Errorf("%s is not what it was", of.sha256)
		}
	}
	b.comes(int64(len(b.files)))
	for name, content := range b.store.left(t) {
		if !bytes.Equal(before[name], content) {
			t.Errorf("the store has another %s", name)
		}
	}
	if got, want := b.home.used(t, ani), b.rig.ground.used(t, ani); got != want {
		t.Errorf("%d bytes are counted, want %d", got, want)
	}
	b.home.now = b.home.now.Add(2 * UnusedFor)
	if n := b.home.sweep(&incidents{}); n != len(b.files) {
		t.Errorf("%d files that hang on nothing were swept", n)
	}
}

// What the folder has already stays if it is as new, and sound; else it is mended.
func TestR26_AMoveBackMendsWhatIsThere(t *testing.T) {
	b := newHomeward(t, newStore(t))
	b.comes(0)
	of := file{ani, b.put(ani, png).SHA256}
	for _, body := range [][]byte{append(bytes.Clone(b.home.raw(t, of)), 1), nil, b.home.raw(t, of)[:100]} {
		b.home.spoil(t, of, body)
		b.comes(int64(len(b.files)) - 1)
	}
	b.bucket.now = start.Add(time.Hour)
	b.bucket.put(ani, png)
	b.comes(int64(len(b.files)) - 1)
	b.home.now = start.Add(2 * time.Hour)
	newer := b.home.put(ani, png)
	b.comes(int64(len(b.files)))
	if c, _, err := b.into.look(of); err != nil || !c.UploadedAt.Equal(newer.UploadedAt) {
		t.Errorf("the file is %+v, %v; want the one of %v", c, err, newer.UploadedAt)
	}
}

// Damage in the store is named, and keeps nothing else back.
func TestR42_AMoveBackNamesDamage(t *testing.T) {
	b := newHomeward(t, newStore(t))
	of := file{ani, b.put(ani, png).SHA256}
	object := b.store.document(t, ani).Files[of.sha256].Object
	good := b.store.raw(t, of)
	other := bytes.Clone(good)
	other[headerLen] ^= 1
	for what, body := range map[string][]byte{"lost": nil, "changed": other, "cut": good[:100], "none": {}} {
		b.empty()
		b.store.spoil(t, of, body)
		moved, err := b.take()
		must(t, err)
		if len(moved.Damaged) != 1 || !strings.Contains(moved.Damaged[0].Error(), object) || moved.Files != int64(len(b.files)-1) {
			t.Errorf("%s: %+v", what, moved)
		}
		_, err = b.home.read(ani, of.sha256)
		wantErr(t, err, ErrUnknown)
		must(t, b.store.store.Write(t.Context(), object, bytes.NewReader(good), int64(len(good)), objects.Condition{}))
	}
	b.comes(int64(len(b.files)) - 1)
	must(t, b.store.store.Remove(t.Context(), documentOf(budi)))
	moved, err := b.take()
	must(t, err)
	if len(moved.Damaged) != 1 || !strings.Contains(moved.Damaged[0].Error(), documentOf(budi)) {
		t.Errorf("without a document: %+v", moved)
	}
}

// Files of somebody who was forgotten come back by their checksums, and stay
// unreadable.
func TestR47_AMoveBackBringsNothingBack(t *testing.T) {
	b := newHomeward(t, newStore(t))
	_, err := b.people.Erase(t.Context(), ani)
	must(t, err)
	moved, err := b.take()
	must(t, err)
	if moved.Files != int64(len(b.files)) || len(moved.Damaged) > 0 {
		t.Errorf("moved are %+v", moved)
	}
	for of := range b.files {
		if _, err := b.home.read(of.account, of.sha256); of.account == ani {
			wantErr(t, err, ErrErased)
		}
	}
}

// Whichever call of the store fails, what the folder has meanwhile is whole, and asking
// again is enough.
func TestR26_AMoveBackMayFailAtAnyCallOfTheStore(t *testing.T) {
	weak := &frail{Store: newStore(t)}
	b := newHomeward(t, weak)
	before := weak.calls
	b.comes(0)
	calls := weak.calls - before
	for left := range calls {
		b.empty()
		weak.left = weak.calls + left + 1
		_, err := b.take()
		if weak.left, weak.broken = 0, false; err != nil {
			wantErr(t, err, ErrUnavailable)
		}
		for of, content := range b.files {
			if got, err := b.home.read(of.account, of.sha256); err == nil && !bytes.Equal(got, content) {
				t.Errorf("meanwhile a file is read as %d bytes", len(got))
			}
		}
		moved, err := b.take()
		must(t, err)
		if moved.Files != int64(len(b.files)) {
			t.Errorf("call %d failed; asked again it has moved %+v", left, moved)
		}
		b.isHome()
	}
}
