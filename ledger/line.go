package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/google/uuid"
)

// maxBatch is how many commands ride in one append at most.
const maxBatch = 1024

// A turn is what every command has while it waits for its stream.
type turn struct {
	ctx  context.Context
	done chan struct{} // closed once the command has its outcome or err
	err  error

	mu   sync.Mutex // held while a look is under way
	left bool       // nobody waits for the command any more
}

func (t *turn) itsTurn() *turn { return t }

// looks lets a look write to what is its caller's, if he still waits for it.
func (t *turn) looks(look func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.left {
		look()
	}
}

// leave is for a caller who does not wait any longer: no look writes to what is his
// when it has returned.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = true
}

// A line is the commands that wait for one stream.
type line[C waiter] struct {
	id     uuid.UUID
	weight int64 // guarded by its cache shard

	mu      sync.Mutex
	waiting []C
	running bool
}

func (q *line[C]) itsLine() *line[C] { return q }

// add lets a command wait, and says whether the line has to be started.
func (q *line[C]) add(c C) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	start = !q.running
	q.running = true
	return start
}

// idle says whether nobody works for the line.
func (q *line[C]) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.running
}

// take returns the commands that wait, at least one and at most maxBatch.
func (q *line[C]) take() []C {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil // even an empty rest would keep the batch in memory
	}
	return batch
}

// more says whether commands wait; where none do, the line stops.
func (q *line[C]) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = len(q.waiting) > 0
	return q.running
}

// waiter is a command.
type waiter interface{ itsTurn() *turn }

// streamOf is a pointer to a stream.
type streamOf[C waiter] interface {
	comparable
	stream[C]
}

// stream has its line of commands and its state in memory. Only whoever works for
// the line touches the state.
type stream[C waiter] interface {
	itsLine() *line[C]
	// size estimates the memory that the state takes, in bytes.
	size() int64
	// drop forgets the state: it is to be read again.
	drop()
}

var (
	_ stream[*command]     = (*queue)(nil)
	_ stream[*mailCommand] = (*mailbox)(nil)
)

// streams serve the commands for all streams of one kind: those for one stream
// one after another, in batches, those for different streams side by side.
type streams[C waiter, Q streamOf[C]] struct {
	cache *cache[C, Q]
	// serve decides as many of a batch as fit into one append, and records them. It
	// gives each of those its outcome or its error, and returns the rest.
	serve func(q Q, batch []C) (rest []C)
	log   *slog.Logger
}

// execute lets a command take its turn on a stream and waits for the outcome.
// Whoever finds the line idle works for it, and stays until its own command is
// decided and recorded, whatever becomes of its context. The command does not look
// any more once execute has returned.
func (s *streams[C, Q]) execute(ctx context.Context, stream uuid.UUID, c C) error {
	t := c.itsTurn()
	t.ctx, t.done = ctx, make(chan struct{})
	if q, start := s.cache.enqueue(stream, c); start {
		s.run(q, true)
		return t.err
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		t.leave()
		return ctx.Err()
	}
}

// run works through a line until nobody waits. A caller, whose command is in the
// first batch, is not kept longer: another goroutine goes on.
func (s *streams[C, Q]) run(q Q, caller bool) {
	for {
		for batch := q.itsLine().take(); len(batch) > 0; {
			rest := s.serveSafely(q, batch)
			for _, c := range batch[:len(batch)-len(rest)] {
				close(c.itsTurn().done)
			}
			batch = rest
		}
		weight := q.size()
		if !q.itsLine().more() { // from here on somebody else may work for the line
			s.cache.reweigh(q, weight)
			return
		}
		if caller {
			go s.run(q, false)
			return
		}
	}
}

// serveSafely serves as many of a batch as serve does, and returns the rest. A panic
// is a mistake in this program. It costs the batch its answers; were it to end the
// goroutine, which may be a request's own, everybody who asks the stream for something
// would wait for ever.
func (s *streams[C, Q]) serveSafely(q Q, batch []C) (rest []C) {
	defer func() {
		if broken := recover(); broken != nil {
			q.drop()
			id := q.itsLine().id
			failAll(batch, fmt.Errorf("decide on contract %s: panic: %v", id, broken))
			s.log.Error("deciding panicked", "contract", id, "panic", broken, "stack", string(debug.Stack()))
		}
	}()
	return s.serve(q, batch)
}

func failAll[C waiter](batch []C, err error) {
	for _, c := range batch {
		c.itsTurn().err = err
	}
}
