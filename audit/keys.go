package audit

import "math/bits"

// A keyTable remembers keys by 96 bits of their hashes, each with a second, in
// memory that is set aside at once and used again: there are many, and a map of
// them takes three times as much, and makes garbage as it grows.
type keyTable struct {
	slots []keySlot
	n     int
}

// A keySlot is empty where it is zero.
type keySlot struct {
	high   uint64
	low    uint32
	second uint32 // since 1970, until 2106
}

const slotBytes = 16

func newKeyTable(slots int) *keyTable { return &keyTable{slots: make([]keySlot, slots)} }

func (t *keyTable) clear() {
	clear(t.slots)
	t.n = 0
}

// full says whether there is no room for another key.
func (t *keyTable) full() bool { return t.n >= len(t.slots)-len(t.slots)/8 }

// home is where a key is looked for first. Shares go by the value of high, so
// that its bits are mixed here.
func (t *keyTable) home(high uint64) int {
	at, _ := bits.Mul64(high*0x9e3779b97f4a7c15, uint64(len(t.slots)))
	return int(at)
}

// find returns a key's slot, or the empty one where it belongs.
func (t *keyTable) find(high uint64, low uint32) (slot *keySlot, found bool) {
	for at := t.home(high); ; at = t.after(at) {
		s := &t.slots[at]
		if s.high == high && s.low == low {
			return s, *s != keySlot{}
		}
		if *s == (keySlot{}) {
			return s, false
		}
	}
}

func (t *keyTable) after(at int) int {
	if at++; at < len(t.slots) {
		return at
	}
	return 0
}

// keep drops every key whose hash is not in a share.
func (t *keyTable) keep(s share) {
	start := 0 // an empty slot: no run of keys goes past it
	for t.slots[start] != (keySlot{}) {
		start++
	}
	t.n = 0
	for i, at := 0, start; i < len(t.slots); i, at = i+1, t.after(at) {
		slot := t.slots[at]
		if slot == (keySlot{}) {
			continue
		}
		t.slots[at] = keySlot{}
		if s.has(slot.high) {
			to, _ := t.find(slot.high, slot.low) // not after where it was
			*to = slot
			t.n++
		}
	}
}
