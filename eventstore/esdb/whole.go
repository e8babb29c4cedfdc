package esdb

import (
	"sync/atomic"

	"github.com/supportledger/supportledger/eventstore"
)

// A log that is copied here is a part of another one until its last append. Whoever
// copies is killed now and then, and the part would look like a log: a ledger would
// serve it and decide on it. So what is copied before the end says in its metadata
// that more follows, and a log whose newest record says so is refused. The last
// append does not say it, and is made when all of the others were compared. Nothing
// has to be taken back then, which a log would not allow.

// ErrUnfinished says that the cluster holds a part of a log, into which a copy was
// not finished. It wraps ErrUnavailable: what was asked for was not done, and may be
// asked for again when all of it is there.
var ErrUnfinished error = unfinishedError{}

type unfinishedError struct{}

func (unfinishedError) Error() string {
	return "the cluster holds a part of a log only: a copy into it was not finished. Run copy again, which goes on where it was stopped, or empty the cluster"
}

func (unfinishedError) Unwrap() error { return eventstore.ErrUnavailable }

// whole refuses a log of which only a part is there, by the newest record that is
// known.
func (s *Store) whole() error {
	if at := s.unfinished.load(); s.finishing || at == eventstore.Start || at < s.head.load() {
		return nil
	}
	return ErrUnfinished
}

// A highest is the highest position that it was told.
type highest struct{ at atomic.Uint64 }

func (h *highest) load() eventstore.Position { return eventstore.Position(h.at.Load()) }

func (h *highest) raise(p eventstore.Position) {
	for known := h.at.Load(); known < uint64(p); known = h.at.Load() {
		if h.at.CompareAndSwap(known, uint64(p)) {
			return
		}
	}
}
