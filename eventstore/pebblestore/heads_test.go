package pebblestore

import (
	"strconv"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

func TestHeadsKeepTheLastOnesAndForgetOldOnes(t *testing.T) {
	const size = 100
	h := newHeads(size)
	for i := range 1000 {
		h.put(h.hash(strconv.Itoa(i)), eventstore.Revision(i))
		h.put(h.hash("always"), eventstore.Revision(i))
		for back := range min(i+1, size-1) {
			if at, ok := h.get(h.hash(strconv.Itoa(i - back))); !ok || at != eventstore.Revision(i-back) {
				t.Fatalf("after %d: stream %d is at %d, %t", i, i-back, at, ok)
			}
		}
		if at, ok := h.get(h.hash("always")); !ok || at != eventstore.Revision(i) {
			t.Fatalf("after %d: the stream of every append is at %d, %t", i, at, ok)
		}
		if kept := len(h.now) + len(h.old); kept > 2*size {
			t.Fatalf("%d heads are kept, at most %d should be", kept, 2*size)
		}
	}
	if _, ok := h.get(h.hash("0")); ok {
		t.Error("the oldest was not forgotten")
	}
}
