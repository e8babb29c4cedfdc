package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// logCheck reads a log, as often as memory demands, and keeps the first record
// that is wrong.
type logCheck struct {
	store   eventstore.Store
	report  func(done, total int64)
	head    eventstore.Position
	until   eventstore.Position // the last record that is still of interest
	finding *Finding
	result  Result

	streams  *streams
	distinct *distinct

	readings int  // that were begun
	first    bool // this is the first reading
	sum      hash.Hash
	buf      []byte
	position eventstore.Position // of the record before
	time     time.Time           // of the record before
	command  uuid.UUID           // of the record before
	stream   string              // of the record before
}

func newLogCheck(v *Verifier, head eventstore.Position) *logCheck {
	memory := v.Memory
	if memory == 0 {
		memory = DefaultVerifyMemory
	}
	return &logCheck{
		store: v.Store, report: v.reporter("log"), head: head, until: head, sum: sha256.New(),
		streams: newStreams(memory/2, v.Pair), distinct: newDistinct(memory / 2),
	}
}

// run reads the log until everything about it is known.
func (c *logCheck) run(ctx context.Context) error {
	for c.first = true; ; c.first = false {
		a, b := c.streams.begin(), c.distinct.begin()
		if !a && !b {
			break
		}
		c.readings++
		if err := c.read(ctx); err != nil {
			return err
		}
		found, pending := c.streams.end(c.until < c.head, c.position)
		c.keep(found)
		c.result.Pending += pending
	}
	c.result.Head = c.head
	if c.finding == nil {
		c.result.Digest = c.digest()
	}
	return nil
}

// keep keeps the earlier one of two findings. What comes after it is of no
// interest any more.
func (c *logCheck) keep(f *Finding) {
	if f == nil || c.finding != nil && c.finding.Position <= f.Position {
		return
	}
	c.finding = f
	if f.Position > 0 && f.Position-1 < c.until {
		c.until = f.Position - 1
	}
}

// reportEvery is after how many records progress is told.
const reportEvery = 8192

// read is one reading of the log.
func (c *logCheck) read(ctx context.Context) error {
	c.position, c.time, c.command, c.stream = eventstore.Start, time.Unix(math.MinInt32, 0), uuid.Nil, ""
	n := int64(0)
	for r, err := range c.store.ReadAll(ctx, eventstore.Start) {
		corrupt := new(eventstore.CorruptError)
		if errors.As(err, &corrupt) {
			c.keep(&Finding{Position: corrupt.Position, Law: LawChecksum, Found: corrupt.Error()})
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		if r.Position > c.until {
			return nil
		}
		if w := c.check(&r); w != nil {
			c.keep(w.at(&r))
			return nil
		}
		if n++; n%reportEvery == 0 {
			c.tell(r.Position)
		}
	}
	c.tell(c.head)
	return nil
}

// tell reports progress, over the readings that are known to be needed.
func (c *logCheck) tell(p eventstore.Position) {
	ahead := max(len(c.streams.pending), len(c.distinct.pending))
	total := int64(c.head) * int64(c.readings+ahead)
	c.report(int64(c.head)*int64(c.readings-1)+int64(p), total)
}

// check holds one record against the laws.
func (c *logCheck) check(r *eventstore.Record) *wrong {
	if c.first {
		if w := c.checkOrder(r); w != nil {
			return w
		}
		c.digestRecord(r)
	}
	rec, w := c.decode(r)
	if w != nil {
		return w
	}
	if w := c.checkDistinct(rec); w != nil {
		return w
	}
	if c.first {
		c.count(rec)
	}
	c.position, c.time, c.command, c.stream = r.Position, r.RecordedAt, rec.Meta.Command, r.Stream
	if !c.streams.idle {
		if w := c.streams.noteSuccession(r); w != nil {
			return w
		}
	}
	if c.streams.wants(r) {
		return c.streams.check(rec)
	}
	return nil
}

func (c *logCheck) checkOrder(r *eventstore.Record) *wrong {
	switch {
	case r.Position <= c.position:
		return breaks(LawPositions, "position %v after %v", r.Position, c.position)
	case r.RecordedAt.Before(c.time):
		return breaks(LawTime, "recorded at %s, after %s", stamp(r.RecordedAt), stamp(c.time))
	case r.ID == uuid.Nil:
		return breaks(LawEventID, "the event has none")
	}
	return nil
}

// decode reads what is needed of a record: all of it the first time, and later
// what the share at hand asks for.
func (c *logCheck) decode(r *eventstore.Record) (*recorded, *wrong) {
	meta, err := ledger.ReadMeta(r.Meta)
	if err != nil {
		return nil, breaks(LawMetadata, "%v", err)
	}
	if !c.first && !c.streams.wants(r) && (c.distinct.idle || r.Type != submitted && !mail.Knows(r.Type)) {
		return &recorded{Record: *r, Meta: meta}, nil
	}
	rec, err := ledger.Decode(*r)
	if err != nil {
		return nil, breaks(LawDecodes, "%v", err)
	}
	return &rec, nil
}

var submitted = (*contract.IncidentSubmitted)(nil).Name()

// checkDistinct holds that ids, numbers and commands occur once.
func (c *logCheck) checkDistinct(r *recorded) *wrong {
	if before, again := c.distinct.again(eventKey, r.ID[:], r.RecordedAt); again {
		return breaks(LawEventID, "event id %s was recorded before, at %s", r.ID, stamp(before))
	}
	if e, ok := r.Event.(*contract.IncidentSubmitted); ok {
		if before, again := c.distinct.again(numberKey, numberBytes(uint64(e.Number)), r.RecordedAt); again {
			return breaks(LawNumber, "number %v was given before, at %s", e.Number, stamp(before))
		}
	}
	if w := c.checkCause(r); w != nil {
		return w
	}
	return c.checkCommand(r)
}

// checkCommand holds that a command's records stand together, and that it was
// recorded once: of mails, one that came under a key.
func (c *logCheck) checkCommand(r *recorded) *wrong {
	if r.Stream == c.stream && r.Meta.Command == c.command {
		return nil
	}
	kind := commandKey
	id, ok := ledger.ContractOf(r.Stream)
	if !ok && r.Meta.Fingerprint != ([16]byte{}) {
		kind = mailCommandKey
		id, ok = ledger.MailedContract(r.Stream)
	}
	if !ok {
		return nil
	}
	before, again := c.distinct.again(kind, append(id[:], r.Meta.Command[:]...), r.RecordedAt)
	if again && r.RecordedAt.Sub(before) < ledger.RememberFor { // later, a key may be used again
		return breaks(LawCommand, "command %s was recorded before, at %s, and others came in between", r.Meta.Command, stamp(before))
	}
	return nil
}

func (c *logCheck) count(r *recorded) {
	c.result.Records++
	if r.Revision == 0 {
		c.result.Streams++
	}
	switch r.Event.(type) {
	case *contract.Registered:
		c.result.Contracts++
	case *contract.IncidentSubmitted:
		c.result.Incidents++
	}
}

// digestRecord adds a record to the log's digest: every part of it with its
// length, in this order.
func (c *logCheck) digestRecord(r *eventstore.Record) {
	b := binary.BigEndian.AppendUint64(c.buf[:0], uint64(r.Position))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Revision))
	b = binary.BigEndian.AppendUint64(b, uint64(r.RecordedAt.UnixMicro()))
	b = append(b, r.ID[:]...)
	for _, part := range [...]string{r.Stream, r.Type} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	for _, part := range [...][]byte{r.Data, r.Meta} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	c.sum.Write(b)
	c.buf = b
}
