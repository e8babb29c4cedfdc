package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// space answers whether there is room for appends. It asks the file system every
// spaceEvery, and when so much was appended since that a part of the reserve may
// be gone. It belongs to the committer's goroutine.
type space struct {
	fs      vfs.FS
	dir     string
	reserve uint64
	pending func() uint64 // bytes in memory that still have to be written
	owed    atomic.Uint64 // what pending was when it was asked last; compactions read it
	log     *slog.Logger

	asked time.Time
	since uint64 // bytes appended since
	err   error
}

const (
	spaceEvery = 100 * time.Millisecond
	spacePart  = 8 // of the reserve
)

// check returns an error that wraps ErrFull where an append of some bytes would
// touch the reserve.
func (s *space) check(bytes int) error {
	s.since += uint64(bytes)
	if now := time.Now(); now.Sub(s.asked) >= spaceEvery || s.since > s.reserve/spacePart {
		s.asked, s.since = now, 0
		s.ask(uint64(bytes))
	}
	return s.err
}

func (s *space) ask(bytes uint64) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return // a file system in memory
	}
	if err != nil {
		s.log.Warn("cannot ask for free space", "dir", s.dir, "error", err)
		return
	}
	was := s.err
	s.err = nil
	s.owed.Store(s.pending())
	// An append is written twice: to the write-ahead file, and to a table.
	if need := s.reserve + s.owed.Load() + 2*bytes; usage.AvailBytes < need {
		s.err = fmt.Errorf("%w: %d bytes free in %s, %d are kept in reserve; make room, appending resumes by itself",
			eventstore.ErrFull, usage.AvailBytes, s.dir, need)
	}
	if (was == nil) != (s.err == nil) {
		s.log.Warn("space for appends", "dir", s.dir, "free", usage.AvailBytes, "reserve", s.reserve, "full", s.err != nil)
	}
}
