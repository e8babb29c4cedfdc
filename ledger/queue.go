package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// Bounds of one append, and of the tries to make it.
const (
	maxBatch = 1024 // commands
	maxTries = 32
)

// A command is one wish, or one look, that waits for its turn on a stream.
type command struct {
	ctx   context.Context
	meta  Meta
	keyed bool             // a repeat may exist
	wish  contract.Command // nil: only look, or record what is due
	// look, if not nil, sees the state after the wish was decided. What it finds
	// counts only once done is closed without an error.
	look func(s *contract.State, at time.Time)

	done chan struct{}
	err  error
	outcome
}

// outcome is what became of a command that was not refused.
type outcome struct {
	commandRef
	replayed bool
	changed  bool
	events   []contract.Event // none for a repeat: they are read from the log
	at       time.Time
}

// commandRef says where a command is recorded.
type commandRef struct {
	fingerprint [16]byte
	first       int64               // revision
	position    eventstore.Position // of the last
	recorded    int64               // µs since 1970
	events      int32               // one after another
}

func (r *commandRef) last() int64 { return r.first + int64(r.events) - 1 }

func (r *commandRef) recordedAt() time.Time { return time.UnixMicro(r.recorded).UTC() }

// over says whether a repeat is not recognised any more at a time.
func (r *commandRef) over(at time.Time) bool { return at.Sub(r.recordedAt()) > RememberFor }

// queue is one stream: the commands that wait for it, and its state.
type queue struct {
	id     uuid.UUID
	name   string
	weight int64 // guarded by its cache shard

	mu      sync.Mutex
	waiting []*command
	running bool

	// Owned by the goroutine that runs the queue.
	state    *contract.State // nil: to be read
	stale    bool            // there is more to be read
	commands map[uuid.UUID]commandRef
	order    []uuid.UUID // of commands, oldest first
	lastAt   time.Time   // recorded time of the last record
	lastPos  eventstore.Position
}

// add lets a command wait, and says whether the queue has to be started.
func (q *queue) add(c *command) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	start = !q.running
	q.running = true
	return start
}

// idle says whether nobody runs the queue.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.running
}

// take returns the commands that wait, at least one and at most maxBatch.
func (q *queue) take() []*command {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil // even an empty rest would keep the batch in memory
	}
	return batch
}

// more says whether commands wait; where none do, the queue stops.
func (q *queue) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = len(q.waiting) > 0
	return q.running
}

// execute lets a command take its turn on a stream and waits for the outcome.
// Whoever finds the queue idle works for it, and stays until its own command is
// decided and recorded, whatever becomes of its context.
func (l *Ledger) execute(stream uuid.UUID, c *command) error {
	c.done = make(chan struct{})
	if q, start := l.streams.enqueue(stream, c); start {
		l.run(q, true)
		return c.err
	}
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// run works through a queue until nobody waits. A caller, whose command is in
// the first batch, is not kept longer: another goroutine goes on.
func (l *Ledger) run(q *queue, caller bool) {
	for {
		batch := q.take()
		l.serveSafely(q, batch)
		for _, c := range batch {
			close(c.done)
		}
		weight := q.size()
		if !q.more() { // from here on the queue may be run by somebody else
			l.streams.reweigh(q, weight)
			return
		}
		if caller {
			go l.run(q, false)
			return
		}
	}
}

// serveSafely serves a batch. A panic is a mistake in this program. It costs the
// batch its answers; were it to end the goroutine, which may be a request's own,
// everybody who asks the contract for something would wait for ever.
func (l *Ledger) serveSafely(q *queue, batch []*command) {
	defer func() {
		if broken := recover(); broken != nil {
			q.state = nil
			failAll(batch, fmt.Errorf("decide on contract %s: panic: %v", q.name, broken))
			l.log.Error("deciding panicked", "contract", q.name, "panic", broken, "stack", string(debug.Stack()))
		}
	}()
	l.serve(q, batch)
}

// size estimates the memory that the queue takes, in bytes.
func (q *queue) size() int64 {
	if q.state == nil {
		return baseWeight
	}
	return baseWeight + q.state.Weight() + int64(len(q.commands))*commandWeight
}

const (
	baseWeight    = 512 // bytes of an empty queue
	commandWeight = 120 // bytes of a remembered command
)

// serve decides a batch and records it. It gives every command its outcome or
// its error.
func (l *Ledger) serve(q *queue, batch []*command) {
	// Callers come and go; what they asked together has to be finished.
	ctx := context.WithoutCancel(batch[0].ctx)
	for try := range maxTries {
		pause(try)
		if err := l.load(ctx, q); err != nil {
			failAll(batch, fmt.Errorf("read contract %s: %w", q.name, err))
			return
		}
		p, err := l.plan(ctx, q, batch)
		if err == nil {
			err = l.settle(ctx, q, p)
			l.plans.Put(p) // no store keeps what it was asked to append
		}
		if err == nil {
			return
		}
		var conflict *eventstore.ConflictError
		switch {
		case errors.Is(err, errStale):
			q.stale = true
			continue
		case errors.As(err, &conflict):
			l.metrics.conflicts.Inc()
		case errors.Is(err, eventstore.ErrInvalid) && len(batch) > 1: // too much for one append
			q.state = nil
			l.serve(q, batch[:len(batch)/2])
			l.serve(q, batch[len(batch)/2:])
			return
		case errors.Is(err, eventstore.ErrTooLate), errors.Is(err, eventstore.ErrUnknown):
			// Decide again: later now, or finding by its id what was recorded.
		default:
			q.state = nil
			failAll(batch, fmt.Errorf("record on contract %s: %w", q.name, err))
			return
		}
		q.state = nil // what the plan has evolved did not happen
	}
	failAll(batch, ErrBusy)
}

// errStale says that another node has recorded something since the state was read.
var errStale = errors.New("the state is not the newest")

// settle makes a plan's answers true: by recording what it decided, at the
// revision it was decided at; or, where it has nothing to record, by making sure
// that nobody else has recorded anything.
func (l *Ledger) settle(ctx context.Context, q *queue, p *plan) error {
	if len(p.events) > 0 {
		return l.record(ctx, q, p)
	}
	for _, err := range l.store.ReadStream(ctx, q.name, eventstore.Revision(p.from), eventstore.Forwards) {
		if err == nil {
			err = errStale
		}
		return err
	}
	return nil
}

// pause lets others go first, the longer the more often it was in vain.
func pause(try int) {
	if try > 0 {
		time.Sleep(rand.N(time.Millisecond << min(try, 6)))
	}
}

func failAll(batch []*command, err error) {
	for _, c := range batch {
		c.err, c.outcome = err, outcome{}
	}
}

// load brings the state up to what is recorded, if it is not in memory.
func (l *Ledger) load(ctx context.Context, q *queue) error {
	if q.state != nil && !q.stale {
		return nil
	}
	if q.state == nil {
		q.state, q.commands, q.order = new(contract.State), make(map[uuid.UUID]commandRef), nil
		q.lastAt, q.lastPos = time.Time{}, eventstore.Start
	}
	q.stale = false
	forget := l.Now().Add(-RememberFor)
	for r, err := range l.store.ReadStream(ctx, q.name, eventstore.Revision(q.state.Version()), eventstore.Forwards) {
		if err == nil {
			err = q.replay(r, forget)
		}
		if err != nil {
			q.state = nil
			return err
		}
	}
	return nil
}

// replay adds a record to the state.
func (q *queue) replay(r eventstore.Record, forget time.Time) error {
	if err := contract.Replay(q.state, r.Type, r.Data); err != nil {
		return fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
	}
	q.lastAt, q.lastPos = r.RecordedAt, r.Position
	if r.RecordedAt.Before(forget) {
		return nil
	}
	meta, err := ReadMeta(r.Meta)
	if err != nil {
		return err
	}
	ref, seen := q.commands[meta.Command]
	if !seen {
		ref.first, ref.fingerprint = int64(r.Revision), meta.Fingerprint
		q.order = append(q.order, meta.Command)
	}
	ref.events, ref.position, ref.recorded = int32(int64(r.Revision)-ref.first+1), r.Position, r.RecordedAt.UnixMicro()
	q.commands[meta.Command] = ref
	return nil
}

// forget drops what is not needed any more as of a time.
func (q *queue) forget(at time.Time) {
	q.state.Forget(at)
	for len(q.order) > 0 {
		oldest := q.commands[q.order[0]]
		if !oldest.over(at) {
			return
		}
		delete(q.commands, q.order[0])
		q.order = q.order[1:]
	}
}

// refuseReused is the answer to another body under a key that was used.
func refuseReused() *domain.Refusal {
	return domain.Refuse("idempotency-key-reused", "use a new Idempotency-Key for a new request",
		"this Idempotency-Key was used before with another body")
}
