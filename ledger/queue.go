package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// maxTries bounds the tries to make one append.
const maxTries = 32

// A command is one wish, or one look, that waits for its turn on a contract.
type command struct {
	turn
	meta  Meta
	keyed bool             // a repeat may exist
	wish  contract.Command // nil: only look, or record what is due
	// look, if not nil, sees the state after the wish was decided. What it finds
	// counts only once done is closed without an error.
	look func(s *contract.State, at time.Time)

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
	position    eventstore.Position // that is told of the last
	recorded    int64               // µs since 1970
	events      int32               // one after another
}

func (r *commandRef) last() int64 { return r.first + int64(r.events) - 1 }

func (r *commandRef) recordedAt() time.Time { return time.UnixMicro(r.recorded).UTC() }

// over says whether a repeat is not recognised any more at a time.
func (r *commandRef) over(at time.Time) bool { return at.Sub(r.recordedAt()) > RememberFor }

// queue is a contract's stream, or that of an incident without one: the commands
// that wait for it, and its state.
type queue struct {
	line[*command]
	name string

	// Owned by the goroutine that works for it.
	state    *contract.State // nil: to be read
	stale    bool            // there is more to be read
	commands map[uuid.UUID]commandRef
	order    []uuid.UUID // of commands, oldest first
	unplaced []uuid.UUID // of commands whose append is being read, once for each record
	lastAt   time.Time   // recorded time of the last record
	lastPos  eventstore.Position
}

func openQueue(id uuid.UUID) *queue {
	q := &queue{name: id.String()}
	q.id = id
	return q
}

func (q *queue) drop() { q.state = nil }

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

// serve decides as many of a batch as fit into one append, and records them. It gives
// each of those its outcome or its error, and returns the rest.
func (l *Ledger) serve(q *queue, batch []*command) (rest []*command) {
	// Callers come and go; what they asked together has to be finished.
	ctx := context.WithoutCancel(batch[0].ctx)
	most := len(batch)
	for try := range maxTries {
		pause(try)
		if err := l.load(ctx, q); err != nil {
			failAll(batch, fmt.Errorf("read contract %s: %w", q.name, err))
			return nil
		}
		p, err := l.plan(ctx, q, batch[:most])
		if err == nil {
			most, rest = p.decided, batch[p.decided:]
			err = l.settle(ctx, q, p)
			l.plans.Put(p) // no store keeps what it was asked to append
		}
		if err == nil {
			return rest
		}
		var conflict *eventstore.ConflictError
		switch {
		case errors.Is(err, errStale):
			q.stale = true
			continue
		case errors.As(err, &conflict):
			l.metrics.conflicts.Inc()
		case errors.Is(err, eventstore.ErrInvalid) && most > 1: // too much for one append
			most /= 2
		case errors.Is(err, eventstore.ErrInvalid): // one alone is
			q.state = nil
			failAll(batch[:1], fmt.Errorf("record on contract %s: %w", q.name, err))
			return batch[1:]
		case errors.Is(err, eventstore.ErrTooLate), errors.Is(err, eventstore.ErrUnknown):
			// Decide again: later now, or finding by its id what was recorded.
		default:
			q.state = nil
			failAll(batch, fmt.Errorf("record on contract %s: %w", q.name, err))
			return nil
		}
		q.state = nil // what the plan has evolved did not happen
	}
	failAll(batch, ErrBusy)
	return nil
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

// load brings the state up to what is recorded, if it is not in memory.
func (l *Ledger) load(ctx context.Context, q *queue) error {
	if q.state != nil && !q.stale {
		return nil
	}
	if q.state == nil {
		q.state, q.commands, q.order, q.unplaced = new(contract.State), make(map[uuid.UUID]commandRef), nil, nil
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
	if r.Behind > 0 {
		q.unplaced = append(q.unplaced, meta.Command)
	} else if len(q.unplaced) > 0 {
		q.place(r.Position)
	}
	return nil
}

// place says of the commands whose append has been read what was told of where they
// stand.
func (q *queue) place(at eventstore.Position) {
	for _, command := range q.unplaced {
		ref := q.commands[command]
		ref.position = at
		q.commands[command] = ref
	}
	q.unplaced = q.unplaced[:0]
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
