package audit

import (
	"sync/atomic"
)

// A share is a part of all keys, chosen by their hashes. What would not fit into
// memory at once is done share by share, with one more reading of the log each.
// The zero share is everything.
type share struct{ mask, value uint64 }

func (s share) has(hash uint64) bool { return hash&s.mask == s.value }

// split keeps one half of the share and returns the other.
func (s *share) split() share {
	bit := s.mask + 1
	other := share{s.mask | bit, s.value | bit}
	s.mask |= bit
	return other
}

// shares are what is to be done, and what is being done now.
type shares struct {
	now     share
	pending []share
	idle    bool         // nothing is being done
	ahead   atomic.Int64 // len(pending), for whoever reports progress
}

// next begins with a share that is still to be done, if there is one.
func (s *shares) next() bool {
	if len(s.pending) == 0 {
		s.idle = true
		return false
	}
	s.now, s.pending = s.pending[0], s.pending[1:]
	s.ahead.Store(int64(len(s.pending)))
	return true
}

// halve puts half of the present share off.
func (s *shares) halve() {
	s.pending = append(s.pending, s.now.split())
	s.ahead.Store(int64(len(s.pending)))
}
