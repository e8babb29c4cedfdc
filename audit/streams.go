package audit

import (
	"hash/maphash"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// streams holds each stream's history against the laws, in bounded memory. There
// are several, each for some of the streams, so that all processors are of use.
type streams struct {
	shares
	seed        maphash.Seed
	part, parts uint64
	open        map[string]*streamCheck
	successions map[uuid.UUID]*succession // by successor
	seen        int64                     // the number of the last record
	stopped     bool                      // nothing after it is looked at
	weight      int64                     // bytes, by estimate
	limit       int64
	checkPair   PairCheck
	checkFile   FileCheck
}

// A PairCheck says whether a contract's stream is named by the pair that its
// registration holds (R2). It needs the installation's keys.
type PairCheck func(id uuid.UUID, e *contract.Registered) error

// What is kept of a stream, by estimate.
const (
	streamBytes     = 2100
	incidentBytes   = 400
	grantBytes      = 160
	successionBytes = 400
)

// streamCheck is one stream as far as it was read.
type streamCheck struct {
	next     eventstore.Revision
	contract *contractCheck    // nil for other streams
	mails    *mailCheck        // nil for other streams
	aside    aside             // nil for other streams
	reserved uint32            // the first number that is free, of a day
	last     eventstore.Record // without its content
	nth      int64             // of the last one
	weight   int64
}

func newStreams(seed maphash.Seed, part, parts int, v *Verifier) *streams {
	return &streams{seed: seed, part: uint64(part), parts: uint64(parts), checkPair: v.Pair, checkFile: v.File}
}

// hashOf puts a contract and its mails into the same share.
func hashOf(seed maphash.Seed, stream string) uint64 {
	return maphash.String(seed, strings.TrimPrefix(stream, "mails-"))
}

// begin forgets the streams of the share before.
func (s *streams) begin(memory int64) bool {
	s.open, s.successions, s.weight, s.seen, s.stopped = make(map[string]*streamCheck), make(map[uuid.UUID]*succession), 0, 0, false
	s.limit = memory / int64(s.parts)
	return s.next(s.limit)
}

// wants says whether the stream with a hash is being looked at. Shares go by the
// upper bits of the hash, parts by the lower ones.
func (s *streams) wants(hash uint64) bool { return !s.idle && s.mine(hash) && s.now.has(hash) }

func (s *streams) mine(hash uint64) bool { return hash&math.MaxUint32%s.parts == s.part }

// check holds a record against its stream's laws.
func (s *streams) check(r *checked) *found {
	if s.stopped = r.wrong != nil; s.idle || s.stopped {
		return nil
	}
	f := s.look(r)
	s.stopped = f != nil
	return f
}

func (s *streams) look(r *checked) *found {
	s.seen = r.nth
	s.noteSuccession(r)
	if !s.wants(r.hash) {
		return nil
	}
	c := s.open[r.Stream]
	if c == nil {
		c = s.add(r)
	}
	w := replaying(func() *wrong { return s.step(c, r) })
	if w != nil && w.before {
		return w.at(&c.last, c.nth, streamsStage)
	}
	if w != nil {
		c.nth = r.nth
		return w.at(&r.Record, r.nth, streamsStage)
	}
	c.nth, c.last = r.nth, eventstore.Record{Position: r.Position, Stream: r.Stream, Revision: r.Revision, RecordedAt: r.RecordedAt, Event: eventstore.Event{Type: r.Type}}
	s.weigh(c)
	for s.weight > s.limit && s.divisible() {
		s.shed()
	}
	return nil
}

// divisible says whether not all that is open has to be looked at together.
func (s *streams) divisible() bool {
	first, any := uint64(0), false
	for stream := range s.open {
		hash := hashOf(s.seed, stream)
		if any && hash != first {
			return true
		}
		first, any = hash, true
	}
	return false
}

func (s *streams) add(r *checked) *streamCheck {
	c := new(streamCheck)
	if r.ofContract {
		c.contract = &contractCheck{id: r.contract, state: new(contract.State), incidents: make(map[contract.Number]*incidentCheck), files: s.checkFile}
	} else if r.ofMails {
		c.mails = &mailCheck{contract: r.contract, last: make(map[uuid.UUID]mailStep)}
	} else {
		c.aside = asideOf(r.Stream)
	}
	s.open[r.Stream] = c
	return c
}

// step holds an event against the laws of its kind of stream.
func (s *streams) step(c *streamCheck, r *checked) *wrong {
	if r.Revision != c.next {
		return breaks(LawRevisions, "revision %d where %d comes next", r.Revision, c.next)
	}
	if r.RecordedAt.Before(c.last.RecordedAt) {
		return breaks(LawTime, "recorded at %s, after %s in the same stream", stamp(r.RecordedAt), stamp(c.last.RecordedAt))
	}
	c.next++
	switch {
	case c.mails != nil:
		return s.checkMail(c.mails, &r.recorded)
	case c.aside != nil:
		return c.aside.step(&r.recorded, r.Event)
	case c.contract == nil:
		return c.other(&r.recorded)
	}
	if r.nth != c.nth+1 { // another append
		if w := c.contract.unsettled(); w != nil {
			return w
		}
	}
	e, ok := r.Event.(contract.Event)
	if !ok {
		return breaks(LawStream, "%s stands in a contract's stream", r.Type)
	}
	if registered, ok := e.(*contract.Registered); ok {
		c.contract.succeeds = s.successions[c.contract.id]
		if next := c.contract.succeeds; next != nil {
			next.registered = true
		}
		if s.checkPair != nil {
			if err := s.checkPair(c.contract.id, registered); err != nil {
				return breaks(LawPair, "%v", err)
			}
		}
	}
	return c.contract.step(&r.recorded, e)
}

// other holds the records of a stream that is no contract against its laws.
func (c *streamCheck) other(r *recorded) *wrong {
	switch e := r.Event.(type) {
	case *guessing.Refused:
		return inStream(r, e, "guesses")
	case *guessing.Located:
		return inStream(r, e, "guesses")
	case *person.Erased:
		return inStream(r, e, "person-"+e.Person.String())
	case *ledger.MailsSwitchedOn:
		if r.Revision > 0 {
			return breaks(LawMail, "mails are switched on, and were before")
		}
		return inStream(r, e, "mails")
	case *ledger.NumbersReserved:
		if w := inStream(r, e, "numbers-"+e.Day); w != nil {
			return w
		}
		if e.From != c.reserved || e.To <= e.From {
			return breaks(LawNumber, "numbers %d to %d are reserved where %d is the next one that is free", e.From, e.To, c.reserved)
		}
		c.reserved = e.To
		return nil
	}
	return breaks(LawStream, "%s stands in a stream that is no contract's", r.Type)
}

func inStream(r *recorded, e domain.Event, stream string) *wrong {
	if r.Stream != stream {
		return breaks(LawStream, "%s belongs into stream %s", e.Name(), stream)
	}
	return nil
}

// weigh brings the estimate of memory up to date.
func (s *streams) weigh(c *streamCheck) {
	weight := int64(streamBytes)
	if c.mails != nil {
		weight += mailBytes * int64(len(c.mails.last))
	}
	if c.aside != nil {
		weight += c.aside.bytes()
	}
	if c.contract != nil {
		weight += incidentBytes*int64(len(c.contract.incidents)+len(c.contract.advisories)) + grantBytes*int64(len(c.contract.state.Grants()))
	}
	s.weight += weight - c.weight
	c.weight = weight
}

// shed puts some of the streams off to another reading of the log.
func (s *streams) shed() {
	s.thin()
	for stream, c := range s.open {
		if !s.now.has(hashOf(s.seed, stream)) {
			s.weight -= c.weight
			delete(s.open, stream)
		}
	}
	for id := range s.successions {
		if !s.now.has(hashOf(s.seed, id.String())) {
			s.weight -= successionBytes
			delete(s.successions, id)
		}
	}
}

// end looks for what the records leave unsettled, the first of it, and counts
// the successors that are still to be registered. Unless all of the log was seen,
// the next record may settle what the last one leaves.
func (s *streams) end(all bool) (first *found, pending int64) {
	for _, c := range s.open {
		if c.contract == nil || !all && c.nth == s.seen || first != nil && first.nth < c.nth {
			continue
		}
		if w := c.contract.unsettled(); w != nil {
			first = w.at(&c.last, c.nth, streamsStage)
		}
	}
	for _, next := range s.successions {
		if !next.registered {
			pending++
		}
	}
	return first, pending
}
