package pebblestore

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// Bounds of one group. A group is larger only where one append is.
const (
	groupAppends = 2048
	groupBytes   = 2 << 20
)

// A group is the appends that share one batch and one sync.
type group struct {
	requests []*request // all that get their answer with this group
	written  []*request // those of them that are in the batch
	frames   *pebble.Batch
	index    *pebble.Batch
	head     eventstore.Position
	lastAt   int64
	bytes    int
	began    time.Time
}

// A committer decides about appends, one after another, and writes groups of
// them. Its fields belong to its goroutine alone. They run ahead of what is
// durable; answers do not: they wait their turn in the finisher.
type committer struct {
	s      *Store
	heads  *heads
	head   eventstore.Position // of the last event written
	lastAt int64
	groups chan *group // to be reused
}

// newCommitter keeps more heads than can be in flight: a head that is not in the
// index yet must not be forgotten.
func newCommitter(s *Store, head eventstore.Position, lastAt int64, heads int) *committer {
	return &committer{s: s, heads: newHeads(max(heads, 8*groupAppends)), head: head, lastAt: lastAt, groups: make(chan *group, 4)}
}

// run takes what waits, group by group, until the queue is closed and empty.
// While the finisher waits for one sync, the next group is made.
func (c *committer) run(finish chan<- *group) {
	defer close(finish)
	for {
		list := c.s.queue.take()
		if list == nil {
			return
		}
		for len(list) > 0 {
			var g *group
			g, list = c.gather(list)
			c.write(g)
			finish <- g
		}
	}
}

// gather decides about requests from the front of the list until a group is full.
func (c *committer) gather(list []*request) (*group, []*request) {
	g := c.newGroup()
	for i, r := range list {
		if len(g.requests) >= groupAppends || (g.bytes > 0 && g.bytes+len(r.body) > groupBytes) {
			return g, list[i:]
		}
		if !r.state.CompareAndSwap(waiting, taken) {
			continue // its caller gave it up
		}
		g.requests = append(g.requests, r)
		if r.err = c.decide(r); r.err == nil {
			r.err = c.add(g, r)
		}
	}
	return g, nil
}

// decide checks an append against the state that the appends before it leave,
// and gives it its place.
func (c *committer) decide(r *request) error {
	if c.s.hasFailed() {
		return c.s.failure()
	}
	r.hash = c.heads.hash(r.stream)
	at, known := c.heads.get(r.hash)
	if !known {
		e, ok, err := c.s.newest(r.stream)
		if err != nil {
			return err
		}
		at = eventstore.NoStream
		if ok {
			at = e.last
		}
		c.heads.put(r.hash, at)
	}
	if at != r.expected {
		r.actual = at
		return errElsewhere
	}
	recorded := max(r.at, c.lastAt)
	if r.copied {
		if recorded = r.at; recorded < c.lastAt-c.s.slack {
			return tooFarBehind(c.lastAt-recorded, c.s.Slack())
		}
	}
	if recorded >= r.before {
		return eventstore.ErrTooLate
	}
	if err := c.s.space.check(len(r.body)); err != nil {
		return err
	}
	r.header = header{first: c.head + 1, revision: at + 1, count: r.count, at: recorded}
	return nil
}

// add puts a decided append into the group's batches.
func (c *committer) add(g *group, r *request) error {
	op := g.frames.SetDeferred(keySize, frameSize(r.body))
	putFrame(op.Key, op.Value, r.header, r.body, r.bodyCRC)
	if err := op.Finish(); err != nil {
		return fmt.Errorf("add frame to batch: %w", err)
	}
	if err := putEntry(g.index, r.stream, r.header); err != nil {
		return fmt.Errorf("add index entry to batch: %w", err)
	}
	c.heads.put(r.hash, r.header.lastRevision())
	c.head, c.lastAt = r.header.last(), max(c.lastAt, r.header.at)
	g.written = append(g.written, r)
	g.head, g.lastAt = c.head, c.lastAt
	g.bytes += len(r.body)
	return nil
}

// write hands the group's frames to the log, without waiting for the sync.
func (c *committer) write(g *group) {
	if len(g.written) == 0 {
		return
	}
	g.began = time.Now()
	if err := c.apply(g); err != nil {
		c.s.fail(fmt.Errorf("write log: %w", err))
	}
}

// apply turns Pebble's panic on a log file that failed before into an error.
func (c *committer) apply(g *group) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pebble: %v", p)
		}
	}()
	if c.s.opts.NoSync {
		return c.s.frames.Apply(g.frames, pebble.NoSync)
	}
	return c.s.frames.ApplyNoSyncWait(g.frames, pebble.Sync)
}

func (c *committer) newGroup() *group {
	var g *group
	select {
	case g = <-c.groups:
	default:
		g = &group{}
	}
	g.frames, g.index = c.s.frames.NewBatch(), c.s.index.NewBatch()
	return g
}

// finishAll waits for each group's sync, makes it visible, and answers.
func (c *committer) finishAll(groups <-chan *group) {
	for g := range groups {
		err := c.s.failureOrNil()
		if err == nil && len(g.written) > 0 {
			err = c.s.finish(g)
		}
		if err != nil {
			g.spoil(err)
		}
		for _, r := range g.requests {
			r.done <- struct{}{}
		}
		c.reuse(g, err == nil)
	}
}

// spoil says what a failure means for each append: unknown where it was written.
func (g *group) spoil(err error) {
	for _, r := range g.written {
		r.err = fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)
	}
	for _, r := range g.requests {
		if r.err == nil || errors.Is(r.err, errElsewhere) {
			r.err = err
		}
	}
}

func (c *committer) reuse(g *group, intact bool) {
	if intact { // else a batch may still be in the hands of the failed log
		_ = g.frames.Close()
		_ = g.index.Close()
	}
	clear(g.requests)
	clear(g.written)
	*g = group{requests: g.requests[:0], written: g.written[:0]}
	select {
	case c.groups <- g:
	default:
	}
}

// finish waits until the group is durable, then indexes and shows it.
func (s *Store) finish(g *group) error {
	if !s.opts.NoSync {
		if err := g.frames.SyncWait(); err != nil {
			s.fail(fmt.Errorf("sync log: %w", err))
			return s.failure()
		}
	}
	s.metrics.syncSeconds.Observe(time.Since(g.began).Seconds())
	if err := s.applyIndex(g); err != nil {
		s.fail(err)
		return s.failure()
	}
	s.publish(g.head)
	s.witness.note(g.head)
	s.metrics.wrote(g)
	return nil
}

func (s *Store) applyIndex(g *group) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write index: pebble: %v", p)
		}
	}()
	if err := putIndexed(g.index, g.head); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if err := s.index.Apply(g.index, pebble.NoSync); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}
