package audit

import (
	"hash/maphash"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// streams holds each stream's history against the laws, in bounded memory.
type streams struct {
	shares
	seed        maphash.Seed
	open        map[string]*streamCheck
	successions map[uuid.UUID]*succession // by successor
	weight      int64                     // bytes, by estimate
	limit       int64
	checkPair   PairCheck
}

// A PairCheck says whether a contract's stream is named by the pair that its
// registration holds (R2). It needs the installation's keys.
type PairCheck func(id uuid.UUID, e *contract.Registered) error

// What is kept of a stream, by estimate.
const (
	streamBytes     = 1600
	incidentBytes   = 400
	grantBytes      = 160
	successionBytes = 400
)

// streamCheck is one stream as far as it was read.
type streamCheck struct {
	next     eventstore.Revision
	contract *contractCheck // nil for other streams
	mails    *mailCheck     // nil for other streams
	reserved uint32         // the first number that is free, of a day
	last     eventstore.Record
	weight   int64
}

func newStreams(memory int64, pair PairCheck) *streams {
	return &streams{
		seed: maphash.MakeSeed(), limit: memory, checkPair: pair,
		shares: shares{pending: []share{{}}},
	}
}

// hash puts a contract and its mails into the same share.
func (s *streams) hash(stream string) uint64 {
	return maphash.String(s.seed, strings.TrimPrefix(stream, "mails-"))
}

// begin forgets the streams of the share before.
func (s *streams) begin() bool {
	s.open, s.successions, s.weight = make(map[string]*streamCheck), make(map[uuid.UUID]*succession), 0
	return s.next()
}

// wants says whether a record's stream is being looked at.
func (s *streams) wants(r *eventstore.Record) bool { return !s.idle && s.now.has(s.hash(r.Stream)) }

// check holds a record against its stream's laws.
func (s *streams) check(r *recorded) *wrong {
	c := s.open[r.Stream]
	if c == nil {
		c = s.add(r.Stream)
	}
	if r.Revision != c.next {
		return breaks(LawRevisions, "revision %d where %d comes next", r.Revision, c.next)
	}
	c.next++
	c.last = r.Record
	c.last.Data, c.last.Meta = nil, nil
	w := replaying(func() *wrong { return s.step(c, r) })
	s.weigh(c)
	for w == nil && s.weight > s.limit && s.divisible() {
		s.thin()
	}
	return w
}

// divisible says whether not all that is open has to be looked at together.
func (s *streams) divisible() bool {
	first, any := uint64(0), false
	for stream := range s.open {
		hash := s.hash(stream)
		if any && hash != first {
			return true
		}
		first, any = hash, true
	}
	return false
}

func (s *streams) add(stream string) *streamCheck {
	c := new(streamCheck)
	if id, ok := ledger.ContractOf(stream); ok {
		c.contract = &contractCheck{id: id, state: new(contract.State), incidents: make(map[contract.Number]*incidentCheck)}
	} else if id, ok := ledger.MailedContract(stream); ok {
		c.mails = &mailCheck{contract: id, last: make(map[uuid.UUID]mailStep)}
	}
	s.open[stream] = c
	return c
}

// step holds an event against the laws of its kind of stream.
func (s *streams) step(c *streamCheck, r *recorded) *wrong {
	switch {
	case c.mails != nil:
		return s.checkMail(c.mails, r)
	case c.contract == nil:
		return c.other(r)
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
	return c.contract.step(r, e)
}

// other holds the records of a stream that is no contract against its laws.
func (c *streamCheck) other(r *recorded) *wrong {
	switch e := r.Event.(type) {
	case *guessing.Refused:
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
	if c.contract != nil {
		weight += incidentBytes*int64(len(c.contract.incidents)) + grantBytes*int64(len(c.contract.state.Grants()))
	}
	s.weight += weight - c.weight
	c.weight = weight
}

// thin puts half of the streams off to another reading of the log.
func (s *streams) thin() {
	s.halve()
	for stream, c := range s.open {
		if !s.now.has(s.hash(stream)) {
			s.weight -= c.weight
			delete(s.open, stream)
		}
	}
	for id := range s.successions {
		if !s.now.has(s.hash(id.String())) {
			s.weight -= successionBytes
			delete(s.successions, id)
		}
	}
}

// end looks for what the records leave unsettled, the first of it, and counts
// the successors that are still to be registered. Where reading was cut short,
// the last record it saw may have been settled by the next one.
func (s *streams) end(cut bool, last eventstore.Position) (first *Finding, pending int64) {
	for _, c := range s.open {
		if c.contract == nil || cut && c.last.Position == last {
			continue
		}
		if w := c.contract.unsettled(); w != nil && (first == nil || c.last.Position < first.Position) {
			first = w.at(&c.last)
		}
	}
	for _, next := range s.successions {
		if !next.registered {
			pending++
		}
	}
	return first, pending
}
