// Package pebblestore keeps records in two embedded Pebble databases: the log,
// one frame per append under the position of its first event, and the index
// from streams and revisions to frames.
//
// Beside what every eventstore.Store promises:
//
//   - An append is acknowledged, and its records are visible, only after the
//     log was synced; one sync serves all appends that waited for it (R41).
//   - The index is written after the log is durable and without syncing; what a
//     crash takes from it is made again from the log when the store is opened.
//   - Positions are consecutive, from 1 on, so that a missing frame is noticed.
//   - Damage anywhere in the files is reported or harmless, never a different
//     answer (R42): each frame carries a checksum of its bytes and its position.
//   - After a failed sync nothing is acknowledged any more and OnFatal is told.
//   - While less than the reserve is free, appends get ErrFull; reads go on.
//   - Two stores never have one folder open, in one process or in two (R46).
package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// ErrInUse says that another process, or another Store of this one, has the
// folder open.
var ErrInUse = errors.New("the folder is in use by another process")

// A Store is an eventstore.Store in one folder.
type Store struct {
	dir      string
	opts     Options
	log      *slog.Logger
	metrics  *metrics
	patience time.Duration

	lock    *pebble.Lock
	frames  *pebble.DB
	index   *pebble.DB
	queue   *queue
	space   *space  // the committer's
	witness witness // the finisher's
	done    chan struct{}

	opened atomic.Bool   // load has succeeded
	head   atomic.Uint64 // durable, indexed and visible
	lastAt int64         // of the newest record when the store was opened
	slack  int64         // µs; see Slack

	changes struct { // who waits for the head to move
		sync.Mutex
		moved chan struct{} // nil while nobody waits
	}
	open struct { // readers hold it for reading, Close for writing
		sync.RWMutex
		closed bool
	}
	closing   chan struct{} // closed when Close begins
	closeOnce sync.Once
	closeErr  error

	failed   chan struct{} // closed by the first failure
	failOnce sync.Once
	cause    atomic.Pointer[error]
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the store in a folder, which it makes if there is none. It returns
// ErrInUse where somebody has it open, and a *eventstore.CorruptError where
// files are damaged or acknowledged records are missing.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{
		dir: dir, opts: opts, log: opts.Logger, metrics: newMetrics(), patience: patienceWithDisk,
		queue:   newQueue(opts.MaxQueued),
		space:   &space{fs: opts.FS, dir: dir, reserve: opts.ReserveBytes, log: opts.Logger},
		done:    make(chan struct{}),
		closing: make(chan struct{}),
		failed:  make(chan struct{}),
	}
	loaded := make(chan error, 1)
	go func() { loaded <- s.load() }()
	select {
	case err = <-loaded:
	case <-s.failed: // and load hangs in the failed database
		return nil, fmt.Errorf("open store %s: %w", dir, s.failure())
	}
	if err != nil {
		_ = s.closeFiles()
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s.opened.Store(true)
	s.start()
	return s, nil
}

// load opens the files and brings them to agree.
func (s *Store) load() error {
	fresh, err := s.makeFolders()
	if err != nil {
		return err
	}
	if s.lock, err = pebble.LockDirectory(filepath.Join(s.dir, logFolder), s.opts.FS); err != nil {
		here := strings.Contains(err.Error(), "held by current process") // Pebble has no name for it
		if here || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
			return fmt.Errorf("%w: %w", ErrInUse, err)
		}
		return fmt.Errorf("lock folder: %w", err)
	}
	if fresh {
		err = noteSlack(s.opts.FS, s.dir, s.opts.Slack)
	}
	if err != nil {
		return err
	}
	if s.witness, err = openWitness(s.opts.FS, s.dir, fresh); err != nil {
		return err
	}
	clean := s.witness.mark == stopped
	cache := pebble.NewCache(s.opts.CacheBytes)
	defer cache.Unref()
	logOptions, err := s.openLog(cache, false)
	if err != nil {
		return err
	}
	if s.frames, err = openPebble(filepath.Join(s.dir, logFolder), logOptions); err != nil {
		return s.damaged("log", s.witness.noted(), err)
	}
	if err := s.findHead(); err != nil {
		return err
	}
	if err := s.openIndex(cache); err != nil {
		return err
	}
	if !clean {
		s.log.Info("the store was not closed the last time", "head", s.durable())
	}
	return s.witness.settle(s.durable(), running)
}

// openLog checks the log's files before Pebble opens, and changes, them.
func (s *Store) openLog(cache *pebble.Cache, readOnly bool) (o *pebble.Options, err error) {
	dir := filepath.Join(s.dir, logFolder)
	if s.slack, err = notedSlack(s.opts.FS, s.dir); err != nil {
		return nil, err
	}
	o = s.logOptions(cache)
	o.Lock, o.ReadOnly = s.lock, readOnly
	if s.witness.notepad == nil {
		if s.witness, err = openWitness(s.opts.FS, s.dir, false); err != nil {
			return nil, err
		}
	}
	if err := checkManifest(s.opts.FS, dir); err != nil {
		return nil, s.damaged("log", s.witness.noted(), err)
	}
	return o, s.checkTail(dir, o)
}

// openIndex opens the index and brings it to the log's head.
func (s *Store) openIndex(cache *pebble.Cache) (err error) {
	dir := filepath.Join(s.dir, indexFolder)
	if err := checkManifest(s.opts.FS, dir); err != nil {
		return s.damaged("index", 0, err)
	}
	if s.index, err = openPebble(dir, s.indexOptions(cache)); err != nil {
		return s.damaged("index", 0, err)
	}
	return s.catchUp()
}

// makeFolders says whether the store is new.
func (s *Store) makeFolders() (fresh bool, err error) {
	for _, folder := range []string{logFolder, indexFolder} {
		if err := s.opts.FS.MkdirAll(filepath.Join(s.dir, folder), 0o700); err != nil {
			return false, fmt.Errorf("make folder: %w", err)
		}
	}
	if err := errors.Join(syncDir(s.opts.FS, filepath.Dir(s.dir)), syncDir(s.opts.FS, s.dir)); err != nil {
		return false, err
	}
	desc, err := pebble.Peek(filepath.Join(s.dir, logFolder), s.opts.FS)
	if err != nil {
		return false, fmt.Errorf("look into folder: %w", err)
	}
	return !desc.Exists, nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// openPebble turns the panics with which Pebble meets some damage into errors.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", pebble.ErrCorruption, p)
		}
	}()
	if err := checkOptions(dir, o); err != nil {
		return nil, err
	}
	return pebble.Open(dir, o)
}

// findHead reads the log's last frame and compares it with the witness.
func (s *Store) findHead() error {
	it, err := s.frames.NewIter(nil)
	if err != nil {
		return s.damaged("log", 0, err)
	}
	var last frame
	if it.Last() {
		if last, err = readFrame(it); err == nil {
			s.lastAt = last.at
			s.head.Store(uint64(last.last()))
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return s.damaged("log", s.witness.noted(), err)
	}
	if head := s.durable(); head < s.witness.noted() {
		return &eventstore.CorruptError{Position: head, Where: "log in " + s.dir, Reason: fmt.Sprintf(
			"it ends at %d, but records up to %d were acknowledged; restore a backup", head, s.witness.noted())}
	}
	return nil
}

// start begins to take appends.
func (s *Store) start() {
	lastAt := s.lastAt
	if s.durable() == eventstore.Start {
		lastAt = math.MinInt64 / 2 // less a slack it is still less than any time
	}
	s.space.pending = func() uint64 { return s.frames.Metrics().MemTable.Size + s.index.Metrics().MemTable.Size }
	c := newCommitter(s, s.durable(), lastAt, s.opts.StreamHeads)
	finish := make(chan *group, 1)
	go c.run(finish)
	go func() {
		defer close(s.done)
		c.finishAll(finish)
	}()
	s.metrics.head.Set(float64(s.durable()))
}

// keepFree is how many bytes must stay free whatever can wait: half of the
// reserve, and what memory holds that still has to be written.
func (s *Store) keepFree() uint64 {
	if s.space == nil {
		return 0 // a copy that is read
	}
	return s.opts.ReserveBytes/2 + s.space.owed.Load()
}

func (s *Store) durable() eventstore.Position { return eventstore.Position(s.head.Load()) }
