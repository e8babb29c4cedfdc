package pebblestore

import (
	"hash/maphash"

	"github.com/supportledger/supportledger/eventstore"
)

// heads remembers the newest revisions of the streams that were used lately. It
// keeps at least the last size of them and at most twice as many: when one
// generation is full, it becomes the old one, and the old one is forgotten. It
// knows streams by 128 bits of a hash whose seeds are its own, which makes an
// entry small, and two streams with one hash as good as impossible.
type heads struct {
	size     int
	seeds    [2]maphash.Seed
	now, old map[streamHash]eventstore.Revision
}

type streamHash [2]uint64

func newHeads(size int) *heads {
	return &heads{
		size: size, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		now: map[streamHash]eventstore.Revision{},
	}
}

func (h *heads) hash(stream string) streamHash {
	return streamHash{maphash.String(h.seeds[0], stream), maphash.String(h.seeds[1], stream)}
}

func (h *heads) get(key streamHash) (eventstore.Revision, bool) {
	at, ok := h.now[key]
	if !ok {
		at, ok = h.old[key]
	}
	return at, ok
}

func (h *heads) put(key streamHash, at eventstore.Revision) {
	if len(h.now) >= h.size {
		if _, ok := h.now[key]; !ok {
			h.old, h.now = h.now, make(map[streamHash]eventstore.Revision, h.size/4)
		}
	}
	h.now[key] = at
}
