package ledger

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// A plan is what a batch of commands comes to: the events of one append, and
// which of them belong to whom.
type plan struct {
	at      time.Time
	attempt uint64 // random
	from    int64  // revision of the first event
	events  []eventstore.Event
	buffer  []byte     // holds their bytes
	wrote   []*command // those with events of their own, or that repeat one of them
	held    []*command // those whose wish held already
	decided int        // how many of the batch
	size    int        // of the events, as the greediest store counts
	before  time.Time
}

// enough is the size of a plan that lets the rest of a batch wait for the next one. A
// cluster takes 1 MiB in one append unless it is told otherwise, and of an append
// that is refused for its size the state has to be read again.
const enough = 768 << 10

// reset makes a plan that was used before empty.
func (p *plan) reset(at time.Time, from int64) {
	clear(p.events)
	clear(p.wrote)
	clear(p.held)
	*p = plan{at: at, attempt: rand.Uint64(), from: from, events: p.events[:0], buffer: p.buffer[:0], wrote: p.wrote[:0], held: p.held[:0]}
}

// plan decides the batch against the state, which it evolves. Its errors are
// about the ledger, not about a command.
func (l *Ledger) plan(ctx context.Context, q *queue, batch []*command) (*plan, error) {
	p := l.plans.Get().(*plan)
	p.reset(l.Now(), q.state.Version())
	if p.at.Before(q.lastAt) {
		p.at = q.lastAt
	}
	q.forget(p.at)
	if err := l.planDue(ctx, q, p); err != nil {
		return nil, err
	}
	p.before = q.state.NextDue()
	for ; p.decided < len(batch) && p.size < enough; p.decided++ {
		c := batch[p.decided]
		c.err, c.outcome = nil, outcome{}
		if err := l.planOne(ctx, q, p, c); err != nil {
			return nil, err
		}
	}
	// What a command has made due already, such as the end of a term that was
	// over before it was recorded, is recorded by the next.
	if next := q.state.NextDue(); next.After(p.at) && (p.before.IsZero() || next.Before(p.before)) {
		p.before = next
	}
	return p, nil
}

// planDue records first what time has brought about (R5).
func (l *Ledger) planDue(ctx context.Context, q *queue, p *plan) error {
	var inherited []uuid.UUID
	if predecessor, start, ok := q.state.Inherits(p.at); ok {
		var err error
		if inherited, err = l.linkedBefore(ctx, predecessor, start); err != nil {
			return err
		}
	}
	due := contract.Due(q.state, p.at, inherited)
	if len(due) == 0 {
		return nil
	}
	meta := Meta{By: Actor{Role: System}, Catalog: l.digest}
	meta.Command = dueCommand(q.id, p.from)
	return p.add(q.state, due, &meta)
}

// dueCommand names what became due on a stream at a revision: whoever records
// it, it is the same.
func dueCommand(stream uuid.UUID, revision int64) uuid.UUID {
	return eventID(stream, uint64(revision), 0)
}

// planOne decides one command.
func (l *Ledger) planOne(ctx context.Context, q *queue, p *plan, c *command) error {
	if c.ctx.Err() != nil {
		c.err = c.ctx.Err() // nobody waits for it any more
		return nil
	}
	c.at = p.at
	if ref, ok := q.commands[c.meta.Command]; ok && c.keyed && !ref.over(p.at) {
		if ref.fingerprint != c.meta.Fingerprint {
			c.err = refuseReused()
			return nil
		}
		c.commandRef, c.replayed = ref, true
		if ref.last() >= p.from {
			p.wrote = append(p.wrote, c)
		}
	} else if c.wish != nil {
		if err := l.decide(ctx, q, p, c); err != nil {
			return err
		}
	}
	if c.err == nil && c.look != nil {
		c.looks(func() { c.look(q.state, p.at) })
	}
	return nil
}

// decide asks the domain and adds what follows to the plan.
func (l *Ledger) decide(ctx context.Context, q *queue, p *plan, c *command) error {
	m := contract.Moment{At: p.at, Catalog: l.catalog, Zone: l.zones.find}
	numbered := takesNumber(c.wish)
	if numbered {
		n, err := l.numbers.take(ctx, p.at)
		if _, exhausted := err.(*domain.Refusal); exhausted {
			c.err = err
			return nil
		}
		if err != nil {
			return err
		}
		m.Number = n
	}
	events, err := contract.Decide(q.state, m, c.wish)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		c.err = err
		if numbered {
			l.numbers.giveBack(p.at, m.Number)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(events) == 0 {
		c.position = q.lastPos
		p.held = append(p.held, c)
		return nil
	}
	c.commandRef = commandRef{
		first: q.state.Version(), events: int32(len(events)),
		fingerprint: c.meta.Fingerprint, recorded: p.at.UnixMicro(),
	}
	c.events, c.changed = events, true
	p.wrote = append(p.wrote, c)
	if c.keyed {
		q.commands[c.meta.Command] = c.commandRef
		q.order = append(q.order, c.meta.Command)
	}
	return p.add(q.state, events, &c.meta)
}

// takesNumber says whether a wish is for something that people know by a number.
func takesNumber(wish contract.Command) bool {
	switch wish.(type) {
	case *contract.Submit, *contract.Buy, *contract.OpenAdvisory:
		return true
	}
	return false
}

// add puts a command's events into the plan and evolves the state by them.
func (p *plan) add(s *contract.State, events []contract.Event, meta *Meta) error {
	begin := len(p.buffer)
	p.buffer = meta.append(p.buffer)
	encoded := p.buffer[begin:len(p.buffer):len(p.buffer)]
	for i, e := range events {
		begin = len(p.buffer)
		var err error
		if p.buffer, err = contract.Append(p.buffer, e); err != nil {
			return err
		}
		data := p.buffer[begin:len(p.buffer):len(p.buffer)]
		p.size += len(data) + 2*(len(e.Name())+len(encoded)) // in a cluster metadata is text, with more of it
		p.events = append(p.events, eventstore.Event{ID: eventID(meta.Command, p.attempt, i), Type: e.Name(), Data: data, Meta: encoded})
	}
	contract.Evolve(s, events...)
	return nil
}

// eventID derives an event's id from its command and from the attempt to record
// it: an append that is sent again is recognised, one that was decided anew,
// here or on another node, is not taken for the other.
func eventID(command uuid.UUID, attempt uint64, index int) uuid.UUID {
	var named [len(command) + 12]byte
	copy(named[:], command[:])
	binary.BigEndian.PutUint64(named[len(command):], attempt)
	binary.BigEndian.PutUint32(named[len(command)+8:], uint32(index))
	digest := sha1.Sum(named[:]) // RFC 9562 asks for SHA-1 in version 5; nothing rests on its strength
	id := uuid.UUID(digest[:len(command)])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

// record appends the plan and tells the commands where it stands.
func (l *Ledger) record(ctx context.Context, q *queue, p *plan) error {
	appended, err := l.append(ctx, eventstore.Append{
		Stream: q.name, Expected: eventstore.Revision(p.from) - 1, Events: p.events, At: p.at, Before: p.before,
	}, p.wrote)
	if errors.Is(err, eventstore.ErrTooLate) {
		// Others may have recorded a later time than this one was decided at.
		if err := l.clock.look(ctx, l.store); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	for _, c := range p.wrote {
		c.position, c.recorded = appended.PlaceOf(eventstore.Revision(c.last())), appended.RecordedAt.UnixMicro()
		if ref, ok := q.commands[c.meta.Command]; ok {
			ref.position, ref.recorded = c.position, c.recorded
			q.commands[c.meta.Command] = ref
		}
	}
	for _, c := range p.held {
		c.position = appended.Position
	}
	q.lastAt, q.lastPos = appended.RecordedAt, appended.Position
	l.clock.saw(appended.RecordedAt)
	l.metrics.batch.Observe(float64(len(p.wrote)))
	return nil
}
