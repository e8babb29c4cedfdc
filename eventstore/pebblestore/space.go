package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// space answers whether there is room for appends. It asks the file system at
// most every spaceEvery, which the reserve must outlast. It belongs to the
// committer's goroutine.
type space struct {
	fs      vfs.FS
	dir     string
	reserve uint64
	pending func() uint64 // bytes in memory that still have to be written
	log     *slog.Logger

	asked time.Time
	err   error
}

const spaceEvery = 100 * time.Millisecond

// check returns an error that wraps ErrFull where the reserve is touched.
func (s *space) check() error {
	if now := time.Now(); now.Sub(s.asked) >= spaceEvery {
		s.asked = now
		s.ask()
	}
	return s.err
}

func (s *space) ask() {
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
	if need := s.reserve + s.pending(); usage.AvailBytes < need {
		s.err = fmt.Errorf("%w: %d bytes free in %s, %d are kept in reserve; make room, appending resumes by itself",
			eventstore.ErrFull, usage.AvailBytes, s.dir, need)
	}
	if (was == nil) != (s.err == nil) {
		s.log.Warn("space for appends", "dir", s.dir, "free", usage.AvailBytes, "reserve", s.reserve, "full", s.err != nil)
	}
}
