package audit

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/ledger"
)

// distinct finds keys that occur twice in a log, in bounded memory. Keys are
// told apart by 128 bits of two hashes with random seeds: that two of 10 million
// look alike has odds of 1 in 10^24.
type distinct struct {
	shares
	seeds [2]maphash.Seed
	seen  map[[2]uint64]int64 // the key, and the second in which it was recorded
	limit int                 // keys at a time

	command uuid.UUID // of the record before
	stream  string    // of the record before
}

const distinctBytes = 40 // of memory per key

func newDistinct(memory int64) *distinct {
	return &distinct{
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		limit:  max(int(memory/distinctBytes), 16),
		shares: shares{pending: []share{{}}},
	}
}

// begin forgets the keys of the share before.
func (d *distinct) begin() bool {
	d.seen, d.command, d.stream = make(map[[2]uint64]int64), uuid.Nil, ""
	return d.next()
}

// check holds that ids, numbers, commands and successors occur once.
func (d *distinct) check(r *checked) *found {
	if d.idle || r.wrong != nil {
		return nil
	}
	if w := d.once(r); w != nil {
		return w.at(&r.Record, r.nth, distinctStage)
	}
	return nil
}

func (d *distinct) once(r *checked) *wrong {
	if before, again := d.again(eventKey, r.ID[:], r.RecordedAt); again {
		return breaks(LawEventID, "event id %s was recorded before, at %s", r.ID, stamp(before))
	}
	var w *wrong
	switch e := r.Event.(type) {
	case *contract.IncidentSubmitted:
		w = d.number(r, e.Number)
	case *contract.AdvisoryOpened:
		w = d.number(r, e.Number)
	case *programcase.Opened:
		w = d.number(r, e.Number)
	case *contract.Renewed:
		w = d.successor(r, e.Successor)
	case *contract.Reissued:
		w = d.successor(r, e.Successor)
	case *mail.Sent:
		w = d.cause(e.Cause)
	case *mail.GivenUp:
		w = d.cause(e.Cause)
	case *mail.Requested:
		w = d.cause(e.Cause)
	}
	if w != nil {
		return w
	}
	return d.checkCommand(r)
}

// number holds that nothing else was given a number.
func (d *distinct) number(r *checked, n contract.Number) *wrong {
	if before, again := d.again(numberKey, numberBytes(uint64(n)), r.RecordedAt); again {
		return breaks(LawNumber, "number %v was given before, at %s", n, stamp(before))
	}
	return nil
}

// successor holds that nobody else has named a contract as the successor.
func (d *distinct) successor(r *checked, id uuid.UUID) *wrong {
	if before, again := d.again(successorKey, id[:], r.RecordedAt); again {
		return breaks(LawRenewal, "contract %s was named as a successor before, at %s", id, stamp(before))
	}
	return nil
}

// cause holds that what has caused a mail was recorded before it.
func (d *distinct) cause(id uuid.UUID) *wrong {
	if id != uuid.Nil && d.lacks(eventKey, id[:]) {
		return breaks(LawMailCause, "no event %s was recorded before", id)
	}
	return nil
}

// checkCommand holds that a command's records stand together, and that it was
// recorded once: of mails, one that came under a key.
func (d *distinct) checkCommand(r *checked) *wrong {
	same := r.Stream == d.stream && r.Meta.Command == d.command
	d.stream, d.command = r.Stream, r.Meta.Command
	var key [32]byte
	copy(key[:], r.contract[:])
	copy(key[16:], r.Meta.Command[:])
	kind := commandKey
	switch {
	case same:
		return nil
	case r.ofMails && r.Meta.Fingerprint != [16]byte{}:
		kind = mailCommandKey
	case !r.ofContract:
		return nil
	}
	before, again := d.again(kind, key[:], r.RecordedAt)
	if again && r.RecordedAt.Sub(before) < ledger.RememberFor { // later, a key may be used again
		return breaks(LawCommand, "command %s was recorded before, at %s, and others came in between", r.Meta.Command, stamp(before))
	}
	return nil
}

// sum is what a key of a kind is told apart by.
func (d *distinct) sum(kind byte, key []byte) [2]uint64 {
	var buf [64]byte
	k := append(append(buf[:0], kind), key...)
	return [2]uint64{maphash.Bytes(d.seeds[0], k), maphash.Bytes(d.seeds[1], k)}
}

// lacks says that a key of a kind was not noted so far; false where its share is
// not being looked at.
func (d *distinct) lacks(kind byte, key []byte) bool {
	sum := d.sum(kind, key)
	if d.idle || !d.now.has(sum[0]) {
		return false
	}
	_, seen := d.seen[sum]
	return !seen
}

// again notes a key of a kind. It returns when the key was noted before; ok is
// false where it was not, or where its share is not being looked at.
func (d *distinct) again(kind byte, key []byte, at time.Time) (before time.Time, ok bool) {
	sum := d.sum(kind, key)
	if d.idle || !d.now.has(sum[0]) {
		return time.Time{}, false
	}
	if second, seen := d.seen[sum]; seen {
		return time.Unix(second, 0).UTC(), true
	}
	d.seen[sum] = at.Unix()
	for len(d.seen) > d.limit {
		d.thin()
	}
	return time.Time{}, false
}

// thin puts half of the keys off to another reading.
func (d *distinct) thin() {
	d.halve()
	kept := make(map[[2]uint64]int64, d.limit/2)
	for sum, second := range d.seen {
		if d.now.has(sum[0]) {
			kept[sum] = second
		}
	}
	d.seen = kept
}

// The kinds of keys that occur once.
const (
	eventKey byte = iota
	numberKey
	commandKey
	mailCommandKey
	successorKey
)

func numberBytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
