package attachments

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// A luggage is a folder with files of two accounts, what was uploaded by a command,
// and an upload that goes on; and a bucket that it is to go to, or has come from.
type luggage struct {
	*rig
	folder  *Folder
	command uuid.UUID
	files   map[file][]byte
	bucket  *rig // shares keys and clock with the folder
	store   *onStore
}

func newLuggage(t *testing.T, store objects.Store) *luggage {
	t.Helper()
	r, f := newFolder(t)
	l := &luggage{rig: r, folder: f, command: uuid.New(), files: map[file][]byte{}}
	for _, account := range []uuid.UUID{ani, budi} {
		for _, content := range [][]byte{png, bytes.Repeat([]byte("a long text\n"), 9000), []byte(account.String())} {
			l.files[file{account, r.put(account, content).SHA256}] = content
		}
	}
	s, err := r.Put(t.Context(), ani, l.command, bytes.NewReader(png), -1)
	must(t, err)
	l.files[file{ani, s.SHA256}] = png
	_, err = r.Begin(t.Context(), budi, uuid.New(), 10)
	must(t, err)
	l.onto(store)
	return l
}

// onto names another store to go to.
func (l *luggage) onto(store objects.Store) {
	l.t.Helper()
	l.store = &onStore{store: store}
	l.bucket = newRigWith(l.t, l.store, l.people)
}

func (l *luggage) take() (Moved, error) {
	return l.store.Take(l.t.Context(), l.folder, func(done, total int64) {
		if done > total {
			l.t.Errorf("%d of %d files were looked at", done, total)
		}
	})
}

// arrives moves everything and holds the bucket against what was in the folder.
func (l *luggage) arrives(found int64) {
	l.t.Helper()
	moved, err := l.take()
	must(l.t, err)
	if moved.Files != int64(len(l.files)) || moved.Found != found || moved.Uploads != 1 || len(moved.Damaged) > 0 {
		l.t.Errorf("moved are %+v; want %d files, of which %d were there", moved, len(l.files), found)
	}
	l.isThere()
}

func (l *luggage) isThere() {
	l.t.Helper()
	for of, content := range l.files {
		l.bucket.reads(of.account, of.sha256, content)
		must(l.t, l.bucket.check(of.account, Stored{SHA256: of.sha256, Size: int64(len(content))}))
	}
	s, err := l.bucket.Put(l.t.Context(), ani, l.command, bytes.NewReader(png), -1)
	must(l.t, err)
	if !s.Replayed {
		l.t.Error("the command is not known any more")
	}
	_, err = l.bucket.Put(l.t.Context(), ani, l.command, strings.NewReader("others"), -1)
	wantRefusal(l.t, err, KeyReused)
}

// clean holds the store to what is needed after a day.
func (l *luggage) clean() {
	l.t.Helper()
	index := &incidents{files: map[file]bool{}}
	for of := range l.files {
		index.files[of] = true
	}
	l.bucket.now = l.bucket.now.Add(2 * UnusedFor)
	l.bucket.sweep(index)
	known := map[string]bool{}
	for _, account := range []uuid.UUID{ani, budi} {
		for name := range l.store.document(l.t, account).objects() {
			known[name] = true
		}
	}
	for name := range l.store.left(l.t) {
		if !known[name] && !strings.Contains(name, "/"+keyPrefix) {
			l.t.Errorf("nobody knows %s, and it stays", name)
		}
	}
}

// Every file of a folder is in the bucket afterwards, with its time and what its
// command has uploaded; asking again finds it, and the folder is what it was.
func TestR26_AFolderMovesIntoAStore(t *testing.T) {
	l := newLuggage(t, newStore(t))
	before := l.left(t)
	l.arrives(0)
	l.arrives(int64(len(l.files)))
	for name, content := range l.left(t) {
		if !bytes.Equal(before[name], content) {
			t.Errorf("the folder has another %s", name)
		}
	}
	if n := l.store.used(t, budi); n != l.rig.ground.used(t, budi)-least { // the upload
		t.Errorf("%d bytes are counted", n)
	}
	l.clean()
	l.bucket.now = l.bucket.now.Add(UnusedFor)
	if n := l.bucket.sweep(&incidents{}); n != len(l.files) {
		t.Errorf("%d files that hang on nothing were swept", n)
	}
}

// What the bucket has already stays if it is as new, and sound; else it is mended.
func TestR26_AMoveMendsWhatIsThere(t *testing.T) {
	l := newLuggage(t, newStore(t))
	of := file{ani, l.put(ani, png).SHA256}
	l.now = start.Add(time.Hour) // the folder's, and the bucket's
	l.bucket.now = l.now
	l.bucket.put(ani, png)
	l.finds(1, of, l.now)
	l.now = start.Add(2 * time.Hour)
	l.bucket.now = l.now
	l.put(ani, png)
	l.finds(int64(len(l.files))-1, of, l.now)
	l.isThere()
	bad := bytes.Clone(l.store.raw(t, of))
	bad[headerLen] ^= 1
	for _, body := range [][]byte{bad, nil, l.store.raw(t, of)[:100]} {
		l.store.spoil(t, of, body)
		l.arrives(int64(len(l.files)) - 1)
	}
	l.clean()
}

// finds moves everything; the bucket has a file from a time then.
func (l *luggage) finds(found int64, of file, at time.Time) {
	l.t.Helper()
	moved, err := l.take()
	must(l.t, err)
	if have := l.store.document(l.t, of.account).Files[of.sha256]; moved.Found != found || !have.UploadedAt.Equal(at) {
		l.t.Errorf("moved are %+v, want %d that were there; the file is from %v, want %v", moved, found, have.UploadedAt, at)
	}
}

// Damage in the folder is named, and keeps nothing else back.
func TestR42_AMoveNamesDamage(t *testing.T) {
	l := newLuggage(t, newStore(t))
	of := file{ani, l.put(ani, png).SHA256}
	good := l.raw(t, of)
	for _, at := range []int{0, 100, headerLen, len(good) - 1} {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		l.spoil(t, of, bad)
		moved, err := l.take()
		must(t, err)
		if len(moved.Damaged) != 1 || !strings.Contains(moved.Damaged[0].Error(), of.sha256) || moved.Files != int64(len(l.files)-1) {
			t.Errorf("with another byte %d: %+v", at, moved)
		}
		_, err = l.bucket.read(ani, of.sha256)
		wantErr(t, err, ErrUnknown)
	}
	other := l.put(ani, []byte("another")).SHA256
	l.spoil(t, of, l.raw(t, file{ani, other})) // sound, and something else
	must(t, os.WriteFile(filepath.Join(l.dir, ani.String(), keyPrefix+uuid.NewString()), []byte("{"), 0o600))
	moved, err := l.take()
	must(t, err)
	if len(moved.Damaged) != 2 {
		t.Errorf("another content, and a note that is none: %+v", moved)
	}
	l.spoil(t, of, good)
	if moved, err = l.take(); err != nil || len(moved.Damaged) != 1 {
		t.Errorf("put back: %+v, %v", moved, err)
	}
	l.isThere()
}

// A store that gives something else than it was given ends the move.
func TestR42_AMoveReadsWhatItHasWritten(t *testing.T) {
	store := newStore(t)
	spoils := &afterWrites{Store: store, prefix: "/" + filePrefix}
	spoils.do = func() {
		for name, err := range store.List(t.Context(), ani.String()+"/"+filePrefix) {
			must(t, err)
			must(t, store.Write(t.Context(), name, strings.NewReader("else"), 4, objects.Condition{}))
		}
	}
	l := newLuggage(t, store)
	l.onto(spoils)
	_, err := l.take()
	if corrupt := new(CorruptError); !errors.As(err, &corrupt) {
		t.Errorf("nobody notices: %v", err)
	}
	_, err = l.bucket.read(ani, l.put(ani, png).SHA256)
	wantErr(t, err, ErrUnknown)
	if h := l.store.document(t, ani); len(h.Coming)+len(h.Files) > 0 {
		t.Errorf("the account has %+v", h)
	}
}

// What is uploaded at a ledger on the store while a move is at it stays.
func TestR26_AMoveLeavesWhatIsUploadedMeanwhile(t *testing.T) {
	store := newStore(t)
	l := newLuggage(t, store)
	other := l.bucket
	other.now = start.Add(time.Hour)
	l.onto(&afterWrites{Store: store, prefix: ani.String() + "/" + filePrefix, do: func() { other.put(ani, png) }})
	l.finds(0, file{ani, l.put(ani, png).SHA256}, other.now)
	l.clean()
}

// Files of somebody who was forgotten are moved by their checksums, and stay
// unreadable.
func TestR47_AMoveBringsNothingBack(t *testing.T) {
	l := newLuggage(t, newStore(t))
	_, err := l.people.Erase(t.Context(), ani)
	must(t, err)
	moved, err := l.take()
	must(t, err)
	if moved.Files != int64(len(l.files)) || len(moved.Damaged) > 0 {
		t.Errorf("moved are %+v", moved)
	}
	for of, content := range l.files {
		must(t, l.bucket.check(of.account, Stored{SHA256: of.sha256, Size: int64(len(content))}))
		if _, err := l.bucket.read(of.account, of.sha256); of.account == ani {
			wantErr(t, err, ErrErased)
		}
	}
}

// Wherever a move is killed, or a call of the store fails, what the bucket has
// meanwhile is whole, asking again is enough, and in the end nothing is left over.
func TestR26_AMoveMayBeKilledAtAnyCallOfTheStore(t *testing.T) {
	store := newStore(t)
	whole := &frail{Store: &folderOf{store, uuid.NewString() + "/"}}
	l := newLuggage(t, whole)
	before := whole.calls
	_, err := l.take()
	must(t, err)
	calls := whole.calls - before
	if calls < 25 {
		t.Fatalf("the move took %d calls only", calls)
	}
	for _, way := range []struct {
		once bool
		how
	}{{}, {how: how{happens: true}}, {once: true}, {true, how{happens: true, changed: true}}} {
		for left := range calls {
			weak := &frail{Store: &folderOf{store, uuid.NewString() + "/"}, once: way.once, how: way.how}
			l.onto(weak)
			weak.left = weak.calls + left + 1
			_, err := l.take()
			l.survives(err, weak)
			if t.Failed() {
				t.Fatalf("call %d failed, %+v", left, way)
			}
		}
	}
}

// survives says what must hold when a move has ended with an error, or none.
func (l *luggage) survives(err error, weak *frail) {
	l.t.Helper()
	if err != nil {
		wantErr(l.t, err, ErrUnavailable)
		if weak.belied {
			l.t.Errorf("what has happened is taken for somebody else's: %v", err)
		}
	}
	weak.left, weak.broken = 0, false
	for of, content := range l.files {
		got, err := l.bucket.read(of.account, of.sha256)
		if err == nil && !bytes.Equal(got, content) || err != nil && !errors.Is(err, ErrUnknown) {
			l.t.Errorf("meanwhile a file is read as %d bytes, %v", len(got), err)
		}
	}
	if !weak.once {
		l.bucket.reopen()
	}
	moved, err := l.take()
	must(l.t, err)
	if moved.Files != int64(len(l.files)) {
		l.t.Errorf("asked again it has moved %+v", moved)
	}
	l.isThere()
	l.clean()
}
