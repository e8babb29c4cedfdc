package vault

import (
	"crypto/cipher"
	"sync"

	"github.com/google/uuid"
)

// readyKey is a person's key set up for use.
type readyKey struct {
	id   KeyID
	aead cipher.AEAD
}

func newReadyKey(s *slot) *readyKey { return &readyKey{s.id, newAEAD(s.secret[:])} }

const (
	readyShards = 16
	// readyPerShard bounds a generation; both generations of all shards together
	// are 32,768 keys of about 1 KB each.
	readyPerShard = 1024
)

// readyKeys remembers the keys used lately. Two generations stand for an exact
// order of use: what is asked for moves to the young one, and when that is full
// the old one is forgotten whole. The zero value is empty.
type readyKeys struct {
	shards [readyShards]readyShard
}

type readyShard struct {
	mu         sync.Mutex
	young, old map[uuid.UUID]*readyKey
}

// shard is chosen by the last byte: keyed digests and random ids spread evenly.
func (r *readyKeys) shard(person uuid.UUID) *readyShard {
	return &r.shards[person[len(person)-1]%readyShards]
}

func (r *readyKeys) get(person uuid.UUID) *readyKey {
	s := r.shard(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.young[person]
	if key == nil {
		if key = s.old[person]; key != nil {
			s.keep(person, key)
		}
	}
	return key
}

func (r *readyKeys) put(person uuid.UUID, key *readyKey) {
	s := r.shard(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(person, key)
}

func (r *readyKeys) drop(person uuid.UUID) {
	s := r.shard(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.young, person)
	delete(s.old, person)
}

// keep adds to the young generation. The caller holds mu.
func (s *readyShard) keep(person uuid.UUID, key *readyKey) {
	if s.young == nil || len(s.young) >= readyPerShard {
		s.young, s.old = make(map[uuid.UUID]*readyKey, readyPerShard), s.young
	}
	s.young[person] = key
}
