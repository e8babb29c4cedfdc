package ledger

import (
	"container/list"
	"sync"

	"github.com/google/uuid"
)

// cache keeps streams of one kind, and with them their states, least recently
// used out first. A stream at work is never put out.
type cache[C waiter, Q streamOf[C]] struct {
	make   func(uuid.UUID) Q // a stream whose state is to be read
	shards []shard[C, Q]     // they spread the lock
}

type shard[C waiter, Q streamOf[C]] struct {
	mu     sync.Mutex
	byID   map[uuid.UUID]*list.Element // of Q
	recent *list.List                  // newest in front
	weight int64
	limit  int64
}

func newCache[C waiter, Q streamOf[C]](bytes int64, shards int, open func(uuid.UUID) Q) *cache[C, Q] {
	c := &cache[C, Q]{make: open, shards: make([]shard[C, Q], shards)}
	for i := range c.shards {
		c.shards[i] = shard[C, Q]{byID: make(map[uuid.UUID]*list.Element), recent: list.New(), limit: bytes / int64(shards)}
	}
	return c
}

func (c *cache[C, Q]) shard(id uuid.UUID) *shard[C, Q] { return &c.shards[int(id[15])%len(c.shards)] }

// enqueue lets a command wait for its stream, and says whether the caller has to
// start it.
func (c *cache[C, Q]) enqueue(id uuid.UUID, cmd C) (q Q, start bool) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.byID[id]; ok {
		s.recent.MoveToFront(at)
		q = at.Value.(Q)
	} else {
		q = c.make(id)
		q.itsLine().weight = q.size()
		s.byID[id] = s.recent.PushFront(q)
		s.weight += q.itsLine().weight
		s.evict(q)
	}
	return q, q.itsLine().add(cmd)
}

// reweigh notes how big a stream's state has become.
func (c *cache[C, Q]) reweigh(q Q, weight int64) {
	s, l := c.shard(q.itsLine().id), q.itsLine()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.byID[l.id]; !ok || at.Value.(Q) != q {
		return // it was put out since
	}
	s.weight += weight - l.weight
	l.weight = weight
	s.evict(q)
}

// evict makes room, but not by putting out keep.
func (s *shard[C, Q]) evict(keep Q) {
	for at := s.recent.Back(); at != nil && s.weight > s.limit; {
		q, before := at.Value.(Q), at.Prev()
		if q != keep && q.itsLine().idle() {
			s.recent.Remove(at)
			delete(s.byID, q.itsLine().id)
			s.weight -= q.itsLine().weight
		}
		at = before
	}
}
