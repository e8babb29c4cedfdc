package audit

import (
	"encoding/binary"
	"hash/maphash"
	"time"
)

// distinct finds keys that occur twice in a log, in bounded memory. Keys are
// told apart by 128 bits of two hashes with random seeds: that two of 10 million
// look alike has odds of 1 in 10^24.
type distinct struct {
	shares
	seeds [2]maphash.Seed
	seen  map[[2]uint64]int64 // the key, and the second in which it was recorded
	limit int                 // keys at a time
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
	d.seen = make(map[[2]uint64]int64)
	return d.next()
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
)

func numberBytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
