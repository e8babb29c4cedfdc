package audit

import (
	"math"
	"sync/atomic"
)

// A share is a part of all keys, chosen by their hashes: those from one to the
// last, both included. What would not fit into memory at once is done share by
// share, with one more reading of the log each.
type share struct{ from, last uint64 }

var everything = share{0, math.MaxUint64}

func (s share) has(hash uint64) bool { return hash-s.from <= s.last-s.from }

// shares are what is being done, and what is to be done after it. Only the one
// who does it changes them.
type shares struct {
	now     share
	rest    share // that is still to be done, unless done
	done    bool  // nothing is, after now
	idle    bool  // nothing is being done
	begun   bool
	limited float64               // bytes that now was kept within
	shown   atomic.Pointer[share] // now, for others; nil while idle
	ahead   atomic.Int64          // readings after this one, by estimate, for whoever reports progress
}

// left says whether something is still to be done after what is being done.
func (s *shares) left() bool { return !s.begun || !s.done }

// next begins with as much of what is still to be done as is likely to fit into
// memory, by what did before; all of it at first. It says false if there is none.
func (s *shares) next(memory int64) bool {
	switch before := s.now.last - s.now.from; {
	case !s.begun:
		s.begun, s.done, s.now = true, true, everything
	case s.done:
		s.idle = true
		s.shown.Store(nil)
		return false
	default:
		// A half more than fitted: what is too much is cut off.
		width := 1.5 * (float64(before) + 1) * float64(memory) / s.limited
		s.now, s.done = s.rest, true
		if width < float64(s.now.last-s.now.from) {
			s.cut(uint64(width))
		}
	}
	s.limited = float64(memory)
	s.publish()
	return true
}

// thin puts an eighth of the present share off to another reading.
func (s *shares) thin() {
	width := s.now.last - s.now.from
	s.cut(width - width/8 - 1)
	s.publish()
}

// cut ends the present share after a width. What is cut off comes before what was
// put off already.
func (s *shares) cut(width uint64) {
	last := s.now.from + width
	if s.done {
		s.rest.last = s.now.last
	}
	s.rest.from, s.now.last, s.done = last+1, last, false
}

// publish tells others what has changed.
func (s *shares) publish() {
	now := s.now
	s.shown.Store(&now)
	ahead := uint64(0)
	if !s.done {
		ahead = 1 + (s.rest.last-s.rest.from)/max(1, now.last-now.from)
	}
	s.ahead.Store(int64(ahead))
}

// wanted says whether a hash is in what is being done, to others.
func (s *shares) wanted(hash uint64) bool {
	now := s.shown.Load()
	return now != nil && now.has(hash)
}
