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
// told apart by 96 bits of two hashes with random seeds: that two of 20 million
// look alike has odds of 1 in 10^14.
type distinct struct {
	shares
	seeds   [2]maphash.Seed
	keys    *keyTable // with the seconds in which they were recorded; nil while idle
	records int64     // that are to come, by estimate until they were counted

	command uuid.UUID // of the record before
	stream  string    // of the record before
}

// Bounds of how many keys there is room for.
const (
	fewestKeys    = 16
	keysPerRecord = 2       // its id, and its command or what is in it
	fewestRecords = 1 << 16 // for which there is room, if memory allows, however few are expected
)

func newDistinct(records int64) *distinct {
	return &distinct{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, records: records}
}

// begin forgets the keys of the share before.
func (d *distinct) begin(memory int64) bool {
	d.command, d.stream = uuid.Nil, ""
	slots := int(max(fewestKeys, min(memory/slotBytes, keysPerRecord*max(d.records, fewestRecords))))
	if !d.next(int64(slots) * slotBytes) {
		d.keys = nil
		return false
	}
	if d.keys == nil || len(d.keys.slots) != slots {
		d.keys = newKeyTable(slots)
	} else {
		d.keys.clear()
	}
	return true
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
func (d *distinct) sum(kind byte, key []byte) (high uint64, low uint32) {
	var buf [64]byte
	k := append(append(buf[:0], kind), key...)
	return maphash.Bytes(d.seeds[0], k), uint32(maphash.Bytes(d.seeds[1], k)) | 1 // 0 is for empty slots
}

// lacks says that a key of a kind was not noted so far; false where its share is
// not being looked at.
func (d *distinct) lacks(kind byte, key []byte) bool {
	high, low := d.sum(kind, key)
	if d.idle || !d.now.has(high) {
		return false
	}
	_, seen := d.keys.find(high, low)
	return !seen
}

// again notes a key of a kind. It returns when the key was noted before; ok is
// false where it was not, or where its share is not being looked at.
func (d *distinct) again(kind byte, key []byte, at time.Time) (before time.Time, ok bool) {
	high, low := d.sum(kind, key)
	if d.idle || !d.now.has(high) {
		return time.Time{}, false
	}
	slot, seen := d.keys.find(high, low)
	if seen {
		return time.Unix(int64(slot.second), 0).UTC(), true
	}
	*slot = keySlot{high, low, uint32(at.Unix())}
	for d.keys.n++; d.keys.full(); {
		d.thin()
		d.keys.keep(d.now)
	}
	return time.Time{}, false
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
