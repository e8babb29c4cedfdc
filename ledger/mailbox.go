package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
)

// mailboxes decide and record what becomes of mails, as queues do for contracts.
type mailboxes struct{ ledger *Ledger }

// mailboxesBytes is the room for the states of mails.
const mailboxesBytes = 32 << 20

// A mailCommand is one wish, or one look, that waits for its turn.
type mailCommand struct {
	turn
	meta  Meta
	keyed bool         // a repeat may exist
	wish  mail.Command // nil: only look
	// look, if not nil, sees the state after the wish was decided. What it finds
	// counts only once done is closed without an error.
	look func(*mail.State)

	receipt Receipt
	place   eventstore.Revision // of its event, if it has one
	wrote   int                 // how many of the append's events there are up to its last
}

// A mailbox is the mails of one contract: the commands that wait, and the state.
type mailbox struct {
	line[*mailCommand]
	name string // of the stream

	// Owned by the goroutine that works for it.
	state    *mail.State              // nil: to be read
	commands map[uuid.UUID]mailRepeat // those under an Idempotency-Key
	unplaced []uuid.UUID              // of those, whose append is being read
	last     eventstore.Position      // of the last record
	lastAt   time.Time                // its recorded time
}

// A mailRepeat says where a command under an Idempotency-Key is recorded.
type mailRepeat struct {
	position    eventstore.Position
	place       eventstore.Revision
	fingerprint [16]byte
	at          time.Time
	wrote       int // in the append that is being made; 0 once it was
}

func openMailbox(contract uuid.UUID) *mailbox {
	b := &mailbox{name: MailsOf(contract)}
	b.id = contract
	return b
}

func (b *mailbox) drop() { b.state = nil }

const (
	mailboxWeight = 512 // bytes of an empty mailbox
	repeatWeight  = 96  // bytes of a remembered command
)

func (b *mailbox) size() int64 {
	if b.state == nil {
		return mailboxWeight
	}
	return mailboxWeight + b.state.Weight() + repeatWeight*int64(len(b.commands))
}

// serve records as many of a batch as fit into one append. It gives each of those its
// outcome or its error, and returns the rest.
func (m mailboxes) serve(b *mailbox, batch []*mailCommand) (rest []*mailCommand) {
	most := len(batch)
	err := m.record(b, batch)
	for ; errors.Is(err, eventstore.ErrInvalid) && most > 1; err = m.record(b, batch[:most]) {
		most /= 2 // too much for one append
	}
	if err != nil {
		b.state = nil
		if !errors.Is(err, eventstore.ErrInvalid) {
			most = len(batch) // nothing about one of them
		}
		failAll(batch[:most], fmt.Errorf("record mails of %s: %w", b.id, err))
	}
	return batch[most:]
}

// record decides a batch and records it. It gives every command its outcome.
func (m mailboxes) record(b *mailbox, batch []*mailCommand) error {
	// Callers come and go; what they asked together has to be finished.
	ctx := context.WithoutCancel(batch[0].ctx)
	for try := range maxTries {
		pause(try)
		if err := b.catchUp(ctx, m.ledger.store); err != nil {
			return err
		}
		err := m.decide(ctx, b, batch)
		if err == nil {
			return nil
		}
		b.state = nil // what was evolved did not happen
		if conflict := new(*eventstore.ConflictError); errors.As(err, conflict) {
			m.ledger.metrics.conflicts.Inc()
		} else if !errors.Is(err, eventstore.ErrUnknown) {
			return err
		}
	}
	return ErrBusy
}

// catchUp reads what was recorded since, here or on another node.
func (b *mailbox) catchUp(ctx context.Context, store eventstore.Store) error {
	if b.state == nil {
		b.state, b.commands, b.unplaced = new(mail.State), make(map[uuid.UUID]mailRepeat), nil
		b.last, b.lastAt = eventstore.Start, time.Time{}
	}
	for r, err := range store.ReadStream(ctx, b.name, eventstore.Revision(b.state.Version()), eventstore.Forwards) {
		if err != nil {
			return err
		}
		if err := b.replay(&r); err != nil {
			return fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
	}
	return nil
}

func (b *mailbox) replay(r *eventstore.Record) error {
	if err := mail.Replay(b.state, r.Type, r.Data); err != nil {
		return err
	}
	b.last, b.lastAt = r.Position, r.RecordedAt
	meta, err := ReadMeta(r.Meta)
	if err != nil {
		return err
	}
	if meta.Fingerprint != ([16]byte{}) {
		b.commands[meta.Command] = mailRepeat{position: r.Position, place: r.Revision, fingerprint: meta.Fingerprint, at: r.RecordedAt}
		if r.Behind > 0 {
			b.unplaced = append(b.unplaced, meta.Command)
		}
	}
	if r.Behind > 0 {
		return nil
	}
	for _, command := range b.unplaced {
		repeat := b.commands[command]
		repeat.position = r.Position
		b.commands[command] = repeat
	}
	b.unplaced = b.unplaced[:0]
	return nil
}

// decide decides the commands one after another, and records what follows.
func (m mailboxes) decide(ctx context.Context, b *mailbox, batch []*mailCommand) error {
	p := mailPlan{from: b.state.Version(), at: m.ledger.Now(), attempt: rand.Uint64()}
	if p.at.Before(b.lastAt) {
		p.at = b.lastAt
	}
	for _, c := range batch {
		c.err, c.receipt, c.wrote = c.ctx.Err(), Receipt{Position: b.last}, 0
		if c.err != nil {
			continue // nobody waits for it any more
		}
		if c.wish != nil && !b.repeated(c, p.at) {
			if err := p.decide(b, c); err != nil {
				return err
			}
		}
		if c.err == nil && c.look != nil {
			c.looks(func() { c.look(b.state) })
		}
	}
	if len(p.events) == 0 {
		return nil
	}
	appended, err := m.ledger.append(ctx, eventstore.Append{
		Stream: b.name, Expected: eventstore.Revision(p.from - 1), Events: p.events, At: p.at,
	}, nil)
	if err != nil {
		return err
	}
	b.last, b.lastAt = appended.Position, appended.RecordedAt
	b.settle(batch, appended)
	return nil
}

// A mailPlan is what a batch comes to.
type mailPlan struct {
	from    int64 // revision of the first event
	at      time.Time
	attempt uint64 // random
	events  []eventstore.Event
}

// decide asks the domain and adds what follows.
func (p *mailPlan) decide(b *mailbox, c *mailCommand) error {
	decided, err := mail.Decide(b.state, c.wish)
	if c.err = err; len(decided) == 0 {
		return nil
	}
	for _, e := range decided {
		data, err := mail.Encode(e)
		if err != nil {
			return err
		}
		p.events = append(p.events, eventstore.Event{
			ID: eventID(c.meta.Command, p.attempt, len(p.events)), Type: e.Name(), Data: data, Meta: c.meta.append(nil),
		})
	}
	mail.Evolve(b.state, decided...)
	c.receipt.Changed, c.wrote = true, len(p.events)
	c.place = eventstore.Revision(b.state.Version() - 1)
	if c.keyed {
		b.commands[c.meta.Command] = mailRepeat{place: c.place, fingerprint: c.meta.Fingerprint, at: p.at, wrote: c.wrote}
	}
	return nil
}

// repeated answers a command that was decided before under the same key.
func (b *mailbox) repeated(c *mailCommand, at time.Time) bool {
	before, ok := b.commands[c.meta.Command]
	if !ok || !c.keyed || at.Sub(before.at) > RememberFor {
		return false
	}
	if before.fingerprint != c.meta.Fingerprint {
		c.err = refuseReused()
		return true
	}
	c.receipt = Receipt{Position: before.position, Changed: true, Replayed: true}
	c.place, c.wrote = before.place, before.wrote
	return true
}

// settle tells the commands where in the append they stand; those whose wish held
// already, that it did so after all of it.
func (b *mailbox) settle(batch []*mailCommand, appended eventstore.Appended) {
	for _, c := range batch {
		switch {
		case c.wrote > 0:
			c.receipt.Position = appended.PlaceOf(c.place)
			if c.keyed {
				b.commands[c.meta.Command] = mailRepeat{position: c.receipt.Position, place: c.place, fingerprint: c.meta.Fingerprint, at: b.lastAt}
			}
		case !c.receipt.Replayed:
			c.receipt.Position = b.last
		}
	}
}
