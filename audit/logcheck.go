package audit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// logCheck reads a log, as often as memory demands, and keeps the first record
// that is wrong.
type logCheck struct {
	store   eventstore.Store
	report  func(done, total int64)
	head    eventstore.Position
	first   *found // of what is wrong
	pending int64  // successors that are still to be registered
	memory  int64  // for what is kept while reading

	order    *order
	distinct *distinct
	streams  []*streams
	stages   []stage // those of these that the present reading is for
	seed     maphash.Seed

	readings int64 // that were begun
}

func newLogCheck(v *Verifier, head eventstore.Position) *logCheck {
	c := &logCheck{
		store: v.Store, report: v.reporter("log"), head: head, memory: v.Memory,
		order: &order{slack: eventstore.Slack(v.Store)}, distinct: newDistinct(int64(eventstore.Between(v.Store, eventstore.Start, head))), seed: maphash.MakeSeed(),
	}
	if c.memory == 0 {
		c.memory = DefaultVerifyMemory
	}
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		c.streams = append(c.streams, newStreams(c.seed, part, parts, v))
	}
	return c
}

// run reads the log until everything about it is known.
func (c *logCheck) run(ctx context.Context) error {
	for c.begin() {
		if err := c.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// result is what it comes to.
func (c *logCheck) result() Result {
	if c.first != nil {
		return Result{Head: c.head, Finding: c.first.Finding}
	}
	r := c.order.result
	r.Head, r.Pending, r.Digest = c.head, c.pending, c.order.digest()
	return r
}

// begin begins with one more reading, if anybody has to see one. Those who do
// share the memory.
func (c *logCheck) begin() (needed bool) {
	streams, memory := false, c.memory
	for _, s := range c.streams {
		streams = streams || s.left()
	}
	if streams && c.distinct.left() {
		memory /= 2
	}
	if c.order.counted {
		c.distinct.records = c.order.result.Records
	}
	c.stages = c.stages[:0]
	join := func(s stage) {
		if s.begin(memory) {
			c.stages = append(c.stages, s)
		}
	}
	join(c.order)
	join(c.distinct)
	for _, s := range c.streams {
		join(s)
	}
	if len(c.stages) == 0 {
		return false
	}
	c.readings++
	return true
}

// keep keeps the first one of two findings. What comes after it is of no interest
// any more.
func (c *logCheck) keep(f *found) {
	if f != nil && f.sooner(c.first) {
		c.first = f
	}
}

// read is one reading of the log. How much the stages have seen of it when one of
// them finds something is a matter of chance; what they find first is not: it
// depends on what comes before it and on the record after it, which all see.
func (c *logCheck) read(ctx context.Context) error {
	r := startRelay(c.stages, c.decoder())
	whole, err := c.feed(ctx, r)
	c.keep(r.end())
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	for _, s := range c.streams {
		if !s.stopped {
			s.seen = r.nth // what was passed by was none of its own
		}
		f, pending := s.end(whole && s.seen == r.nth)
		c.keep(f)
		c.pending += pending
	}
	if c.order.counted = true; c.first == nil {
		c.tell(c.head)
	}
	return nil
}

// reportEvery is after how many records progress is told.
const reportEvery = 8192

// feed hands out the log's records up to the head, or to the first one that is
// known to be wrong. It says whether these were all.
func (c *logCheck) feed(ctx context.Context, r *relay) (whole bool, err error) {
	every := !c.order.counted || !c.distinct.idle
	for record, err := range c.store.ReadAll(ctx, eventstore.Start) {
		corrupt := new(eventstore.CorruptError)
		if errors.As(err, &corrupt) {
			damage := &Finding{Position: corrupt.Position, Law: LawChecksum, Found: corrupt.Error()}
			c.keep(&found{Finding: damage, nth: r.nth, stage: damageStage})
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if record.Position > c.head {
			break
		}
		if c.first != nil && r.nth == c.first.nth || !c.hand(r, &record, every) {
			return false, nil
		}
		if r.nth%reportEvery == 0 {
			c.tell(record.Position)
		}
	}
	return true, nil
}

// hand hands out a record, or passes it by where nobody has to see it.
func (c *logCheck) hand(r *relay, record *eventstore.Record, every bool) (more bool) {
	hash := hashOf(c.seed, record.Stream)
	if every || succeeds(record.Type) || c.wanted(hash) {
		return r.put(record, hash)
	}
	return r.pass()
}

// wanted says whether a stream is being looked at, by its hash.
func (c *logCheck) wanted(hash uint64) bool {
	return slices.ContainsFunc(c.streams, func(s *streams) bool { return s.mine(hash) && s.wanted(hash) })
}

// tell reports progress, over the readings that are known to be needed.
func (c *logCheck) tell(p eventstore.Position) {
	ahead := c.distinct.ahead.Load()
	for _, s := range c.streams {
		ahead = max(ahead, s.ahead.Load())
	}
	c.report(int64(c.head)*(c.readings-1)+int64(p), int64(c.head)*(c.readings+ahead))
}

// decoder returns what reads a record's metadata, its event if a stage wants it,
// and what else they all would have to find out. It may be called by several
// goroutines: while the stages work, shares only become smaller.
func (c *logCheck) decoder() func(*checked) {
	first, distinct := !c.order.counted, !c.distinct.idle
	return func(r *checked) {
		if r.contract, r.ofContract = ledger.ContractOf(r.Stream); !r.ofContract {
			r.contract, r.ofMails = ledger.MailedContract(r.Stream)
		}
		var err error
		if r.Meta, err = ledger.ReadMeta(r.Record.Meta); err != nil {
			r.wrong = breaks(LawMetadata, "%v", err)
			return
		}
		if !first && !(distinct && (slices.Contains(numbered[:], r.Type) || mail.Knows(r.Type))) && !succeeds(r.Type) && !c.wanted(r.hash) {
			return
		}
		if r.Event, err = ledger.DecodeEvent(r.Type, r.Data); err != nil {
			r.wrong = breaks(LawDecodes, "%v", err)
			return
		}
		detach(r.Event)
	}
}

// numbered are the types of events that give a number.
var numbered = [...]string{
	(*contract.IncidentSubmitted)(nil).Name(), (*contract.AdvisoryOpened)(nil).Name(), (*programcase.Opened)(nil).Name(),
}
