package audit

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A table says of every key what a map says, also after some were dropped.
func TestKeysAreFoundAsInAMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for slots := fewestKeys; slots < 200; slots++ {
		table, want := newKeyTable(slots), map[[2]uint64]uint32{}
		for range 3 {
			for !table.full() {
				high, low, second := r.Uint64()<<r.IntN(64), uint32(r.Uint64N(4)+1), r.Uint32()
				slot, found := table.find(high, low)
				if _, ok := want[[2]uint64{high, uint64(low)}]; ok != found {
					t.Fatalf("of %d slots, key %x %d: found %t, want %t", slots, high, low, found, ok)
				}
				if !found {
					*slot, want[[2]uint64{high, uint64(low)}] = keySlot{high, low, second}, second
					table.n++
				}
			}
			half := share{r.Uint64() >> 1, r.Uint64() | 1<<63}
			table.keep(half)
			for key := range want {
				if !half.has(key[0]) {
					delete(want, key)
				}
			}
			if table.n != len(want) {
				t.Fatalf("of %d slots, %d are said to be used, want %d", slots, table.n, len(want))
			}
			for key, second := range want {
				if slot, found := table.find(key[0], uint32(key[1])); !found || slot.second != second {
					t.Fatalf("of %d slots, key %x is not found any more", slots, key)
				}
			}
		}
	}
}

// However little fits at a time, every key is in one share, and in no other, also
// where keys lie side by side. Keys that are spread, as hashes are, take few
// readings.
func TestSharesAreEverythingOnce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var spread, beside []uint64
	for i := range uint64(100) {
		spread, beside = append(spread, r.Uint64()), append(beside, 1<<40+i)
	}
	spread[0], spread[1] = everything.from, everything.last
	for _, fits := range []int{1, 3, 40, 100} {
		mustBeShared(t, beside, fits)
		if readings, most := mustBeShared(t, spread, fits), 4*len(spread)/fits; readings > most {
			t.Errorf("with %d at a time, in %d readings, more than %d", fits, readings, most)
		}
	}
}

// mustBeShared deals with keys share by share.
func mustBeShared(t *testing.T, keys []uint64, fits int) (readings int) {
	t.Helper()
	var s shares
	done := map[uint64]int{}
	for ; s.next(int64(fits)); readings++ {
		var now []uint64
		for _, key := range keys {
			if !s.now.has(key) {
				continue
			}
			for now = append(now, key); len(now) > fits; {
				s.thin()
				now = slices.DeleteFunc(now, func(key uint64) bool { return !s.now.has(key) })
			}
		}
		for _, key := range now {
			done[key]++
		}
		if ahead := s.ahead.Load(); (ahead == 0) == s.left() {
			t.Fatalf("%d readings are ahead; left: %t", ahead, s.left())
		}
	}
	for _, key := range keys {
		if done[key] != 1 {
			t.Errorf("with %d at a time, key %x was in %d shares", fits, key, done[key])
		}
	}
	return readings
}
