package ledger

import (
	"container/list"
	"sync"

	"github.com/google/uuid"
)

// cacheShards spreads the lock over contracts.
const cacheShards = 64

// cache keeps the queues of streams, and with them their states, least recently
// used out first. A queue at work is never put out.
type cache struct {
	shards [cacheShards]shard
}

type shard struct {
	mu     sync.Mutex
	byID   map[uuid.UUID]*list.Element // of *queue
	recent *list.List                  // newest in front
	weight int64
	limit  int64
}

func newCache(bytes int64) *cache {
	c := new(cache)
	for i := range c.shards {
		c.shards[i] = shard{byID: make(map[uuid.UUID]*list.Element), recent: list.New(), limit: bytes / cacheShards}
	}
	return c
}

// enqueue hands a command to its stream's queue, and says whether the caller has
// to start it.
func (c *cache) enqueue(id uuid.UUID, cmd *command) (q *queue, start bool) {
	s := &c.shards[id[15]%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.byID[id]; ok {
		s.recent.MoveToFront(at)
		q = at.Value.(*queue)
	} else {
		q = &queue{id: id, name: id.String(), weight: baseWeight}
		s.byID[id] = s.recent.PushFront(q)
		s.weight += baseWeight
		s.evict(q)
	}
	return q, q.add(cmd)
}

// reweigh notes how big a queue's state has become.
func (c *cache) reweigh(q *queue, weight int64) {
	s := &c.shards[q.id[15]%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.byID[q.id]; !ok || at.Value.(*queue) != q {
		return // it was put out since
	}
	s.weight += weight - q.weight
	q.weight = weight
	s.evict(q)
}

// evict makes room, but not by putting out keep.
func (s *shard) evict(keep *queue) {
	for at := s.recent.Back(); at != nil && s.weight > s.limit; {
		q, before := at.Value.(*queue), at.Prev()
		if q != keep && q.idle() {
			s.recent.Remove(at)
			delete(s.byID, q.id)
			s.weight -= q.weight
		}
		at = before
	}
}
