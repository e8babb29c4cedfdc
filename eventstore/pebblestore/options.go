package pebblestore

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options are what a store can be told. The zero value is good for production.
type Options struct {
	// Logger gets what an operator should know; default: slog.Default().
	Logger *slog.Logger
	// OnFatal is told, once, that the store can no longer append: a sync failed,
	// or the databases did. The process should exit; what the log holds decides
	// at the restart. It may be called from any goroutine.
	OnFatal func(error)
	// ReserveBytes of free space are not touched by appends: they get ErrFull
	// instead. Default 64 MiB.
	ReserveBytes uint64
	// CacheBytes is the size of the block cache of both databases; default 128 MiB.
	CacheBytes int64
	// LogMemBytes and IndexMemBytes are the sizes of one memtable; up to
	// memTables of each exist. Default 32 MiB each.
	LogMemBytes, IndexMemBytes uint64
	// StreamHeads is how many streams' revisions are kept at hand at least; up to
	// twice as many are, of about 40 bytes. Default 524,288.
	StreamHeads int
	// MaxQueued appends wait; later ones wait to wait. Default 8,192.
	MaxQueued int
	// Slack, of a store that is made by this Open, is by how much the recorded times
	// of appends that are copied into it may run backwards. A store keeps its own.
	Slack time.Duration
	// NoSync acknowledges without syncing. It loses acknowledged records in a
	// power cut and is for the control of the experiment that shows this.
	NoSync bool
	// FS is the file system under the databases, for tests; default: the real one.
	FS vfs.FS
}

const (
	memTables    = 4
	logFolder    = "log"
	indexFolder  = "index"
	formatPebble = pebble.FormatValueSeparation // has checksums in the tables' footers
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	defaultTo(&o.ReserveBytes, 64<<20)
	defaultTo(&o.CacheBytes, 128<<20)
	defaultTo(&o.LogMemBytes, 32<<20)
	defaultTo(&o.IndexMemBytes, 32<<20)
	defaultTo(&o.StreamHeads, 512<<10)
	defaultTo(&o.MaxQueued, 8<<10)
	return o
}

func defaultTo[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// patienceWithDisk is how long an append waits for its outcome after its
// context ended.
const patienceWithDisk = 10 * time.Second

// logOptions suit values that arrive in order of their keys and never change:
// tables hardly overlap and mostly move down without being rewritten. The frames
// of a contract lie far apart, and each costs a block to read: blocks are as small
// as reading all of them bears.
func (s *Store) logOptions(cache *pebble.Cache) *pebble.Options {
	o := s.commonOptions(cache, "log")
	o.MemTableSize = s.opts.LogMemBytes
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
		o.Levels[i].IndexBlockSize = 64 << 10
	}
	return o
}

// indexOptions suit small entries in random order, looked up by prefix. The
// index has no write-ahead log: what a crash takes from it, the log gives back.
func (s *Store) indexOptions(cache *pebble.Cache) *pebble.Options {
	o := s.commonOptions(cache, "index")
	o.Comparer = indexComparer()
	o.MemTableSize = s.opts.IndexMemBytes
	o.DisableWAL = true
	for i := range o.Levels {
		o.Levels[i].BlockSize = 8 << 10
		o.Levels[i].IndexBlockSize = 64 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	return o
}

func (s *Store) commonOptions(cache *pebble.Cache, part string) *pebble.Options {
	logger := pebbleLogger{s.log.With("database", part), s.fail, &s.opened}
	o := &pebble.Options{
		Cache:                       cache,
		FS:                          guardFS{s.opts.FS, s.keepFree},
		FormatMajorVersion:          formatPebble,
		MemTableStopWritesThreshold: memTables,
		MaxOpenFiles:                1000,
		Logger:                      logger,
		EventListener:               logger.listener(),
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               256 << 20,
	}
	o.TargetFileSizes[0] = 8 << 20
	o.Experimental.EnableColumnarBlocks = func() bool { return true }
	return o
}
