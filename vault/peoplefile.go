package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/durably"
)

// PeopleFile keeps the keys of people in one file of 64 bytes per key, mode 0600.
// Many first texts at once share one sync. Erasing overwrites the key where it
// lies; file systems and disks that write elsewhere may keep the old block for a
// while, and copies of the file keep what they hold: EraseKeys repeats an erasure
// on a copy that was put back. Where there is no room for a new key, asking for
// one is ErrFull until there is. After any other write or sync that failed no key
// is made or erased any more (ErrFailed, and Failed is closed), and the process
// should end: what the file holds decides at the next start.
type PeopleFile struct {
	file *os.File
	sync func() error // replaced by tests that fail it
	torn tornTail

	ready readyKeys // keys set up for use; only keys in live, see load

	mu      sync.RWMutex
	live    map[uuid.UUID]uint32 // person to slot, for keys that are not erased
	flights map[uuid.UUID]*flight
	queue   []*flight // what the committer takes next
	failed  error     // set once, for ever
	closed  bool

	wake    chan struct{} // a token: the queue is not empty
	stopped chan struct{} // closed when the committer has ended
	broken  chan struct{} // closed when failed is set

	slots uint32 // in the file; the committer's alone
}

var _ People = (*PeopleFile)(nil)

// CreatePeople makes an empty file of people's keys. It refuses a path where
// there is something already: a second, empty file would make every text look
// erased.
func CreatePeople(path string) (*PeopleFile, error) {
	if err := durably.Create(path, appendHeader(nil, 0)); err != nil {
		return nil, fmt.Errorf("create people's keys: %w", err)
	}
	return OpenPeople(path)
}

// OpenPeople opens the file of people's keys for this process alone. What a crash
// left unfinished at the end, and nobody was told of, is cut (see TornTail). A
// missing file is fs.ErrNotExist: without it no text opens, so put it back, or
// make an empty one with CreatePeople where nothing was ever sealed. Anything
// else that is wrong is a *DamagedError.
func OpenPeople(path string) (*PeopleFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open people's keys: %w", err)
	}
	found, err := readPeople(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open people's keys: %w", err)
	}
	p := &PeopleFile{
		file:    file,
		sync:    func() error { return syncData(file) },
		torn:    found.torn,
		live:    found.live,
		slots:   found.slots,
		flights: map[uuid.UUID]*flight{},
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		broken:  make(chan struct{}),
	}
	go p.commit()
	return p, nil
}

// TornTail returns what opening cut from the file's end: nothing if length is 0.
func (p *PeopleFile) TornTail() (offset, length int64) { return p.torn.offset, p.torn.length }

// Failed is closed when keys can no longer be made or erased; Failure says why.
func (p *PeopleFile) Failed() <-chan struct{} { return p.broken }

// Failure is why keys can no longer be made or erased; nil while they can.
func (p *PeopleFile) Failure() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.failed
}

// Close waits for what is under way and closes the file. A second Close does
// nothing.
func (p *PeopleFile) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	if first {
		close(p.wake)
	}
	p.mu.Unlock()
	<-p.stopped
	if !first {
		return nil
	}
	return errors.Join(p.settle(), p.file.Close())
}

// settle marks every slot as acknowledged.
func (p *PeopleFile) settle() error {
	if _, err := p.file.WriteAt(appendHeader(nil, p.slots), 0); err != nil {
		return err
	}
	return p.sync()
}

// Seal implements People.
func (p *PeopleFile) Seal(ctx context.Context, person uuid.UUID, text []byte) ([]byte, error) {
	key, err := p.key(person)
	if errors.Is(err, ErrErased) {
		key, err = p.create(ctx, person)
	}
	if err != nil {
		return nil, fmt.Errorf("seal text: %w", err)
	}
	return sealBox(key.id, key.aead, person, text), nil
}

// Open implements People.
func (p *PeopleFile) Open(_ context.Context, person uuid.UUID, box []byte) ([]byte, error) {
	return openWith(person, box, func() (*readyKey, error) { return p.key(person) })
}

// Keys implements People.
func (p *PeopleFile) Keys(_ context.Context, person uuid.UUID) ([]KeyID, error) {
	key, err := p.key(person)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find keys of person %s: %w", person, err)
	}
	return []KeyID{key.id}, nil
}

// Erase implements People.
func (p *PeopleFile) Erase(ctx context.Context, person uuid.UUID) ([]KeyID, error) {
	return p.erase(ctx, person, func(KeyID) bool { return true })
}

// EraseKeys implements People.
func (p *PeopleFile) EraseKeys(ctx context.Context, person uuid.UUID, ids []KeyID) error {
	_, err := p.erase(ctx, person, func(id KeyID) bool { return slices.Contains(ids, id) })
	return err
}

// key returns the person's key, or ErrErased where there is none.
func (p *PeopleFile) key(person uuid.UUID) (*readyKey, error) {
	if key := p.ready.get(person); key != nil {
		return key, nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	return p.load(person)
}

// load sets a key up for use. The caller holds mu, so that no erasure comes
// between looking the key up and remembering it.
func (p *PeopleFile) load(person uuid.UUID) (*readyKey, error) {
	s, err := p.read(person)
	if err != nil {
		return nil, err
	}
	key := newReadyKey(&s)
	p.ready.put(person, key)
	return key, nil
}

// read reads a person's key. The caller holds mu.
func (p *PeopleFile) read(person uuid.UUID) (slot, error) {
	number, ok := p.live[person]
	if !ok {
		return slot{}, ErrErased
	}
	unit := make([]byte, unitLen)
	if _, err := p.file.ReadAt(unit, slotOffset(number)); err != nil {
		return slot{}, err
	}
	s, err := parseSlot(unit)
	if err == nil && (s.person != person || s.state != slotLive) {
		err = errors.New("it holds another key than at the start")
	}
	if err != nil {
		return slot{}, &DamagedError{p.file.Name(), slotOffset(number), err.Error()}
	}
	return s, nil
}

// String names the file.
func (p *PeopleFile) String() string { return "people's keys in " + p.file.Name() }

// Format prints String whatever the verb.
func (p *PeopleFile) Format(f fmt.State, _ rune) { io.WriteString(f, p.String()) }

// LogValue logs String.
func (p *PeopleFile) LogValue() slog.Value { return slog.StringValue(p.String()) }
