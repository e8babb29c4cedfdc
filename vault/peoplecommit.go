package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"syscall"

	"github.com/google/uuid"
)

// flight is a change of one person's key that is on its way to the disk. There
// is at most one per person, so no crash can leave a person with two keys.
type flight struct {
	slot   slot   // as it shall lie in the file
	number uint32 // where; the committer chooses it for a new key
	key    *readyKey
	done   chan struct{} // closed when err is final
	err    error
}

func (f *flight) creates() bool { return f.slot.state == slotLive }

// create returns the person's key, made durable by this caller or by another
// that came first.
func (p *PeopleFile) create(ctx context.Context, person uuid.UUID) (*readyKey, error) {
	for {
		p.mu.Lock()
		f, key, err := p.join(person)
		p.mu.Unlock()
		if key != nil || err != nil {
			return key, err
		}
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if f.creates() {
			return f.key, nil
		}
	}
}

// join returns the person's key if there is one by now, else the flight to wait
// for: an erasure under way, or the making of the key. The caller holds mu.
func (p *PeopleFile) join(person uuid.UUID) (*flight, *readyKey, error) {
	if err := p.refusal(); err != nil {
		return nil, nil, err
	}
	if f := p.flights[person]; f != nil {
		return f, nil, nil
	}
	if _, there := p.live[person]; there {
		key, err := p.load(person)
		return nil, key, err
	}
	s := slot{person: person, state: slotLive}
	rand.Read(s.id[:]) // never fails: the runtime stops the process first
	rand.Read(s.secret[:])
	f := &flight{slot: s, key: newReadyKey(&s)}
	p.take(f)
	return f, nil, nil
}

// erase destroys the person's key if which says so, and returns its id.
func (p *PeopleFile) erase(ctx context.Context, person uuid.UUID, which func(KeyID) bool) ([]KeyID, error) {
	for {
		p.mu.Lock()
		f, mine, err := p.startErasing(person, which)
		p.mu.Unlock()
		if err == nil && f == nil {
			return nil, nil
		}
		if err == nil {
			err = f.wait(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("erase keys of person %s: %w", person, err)
		}
		if mine {
			return []KeyID{f.slot.id}, nil
		}
	}
}

// startErasing returns the erasing flight, another's to wait for first, or none
// where there is nothing to erase. From here on the key serves nobody. The caller
// holds mu.
func (p *PeopleFile) startErasing(person uuid.UUID, which func(KeyID) bool) (f *flight, mine bool, err error) {
	if err := p.refusal(); err != nil {
		return nil, false, err
	}
	if f := p.flights[person]; f != nil {
		return f, false, nil
	}
	number, there := p.live[person]
	if !there {
		return nil, false, nil
	}
	key, err := p.load(person)
	if err != nil || !which(key.id) {
		return nil, false, err
	}
	delete(p.live, person)
	p.ready.drop(person)
	f = &flight{slot: slot{person: person, id: key.id, state: slotErased}, number: number}
	p.take(f)
	return f, true, nil
}

// take hands a flight to the committer. The caller holds mu.
func (p *PeopleFile) take(f *flight) {
	f.done = make(chan struct{})
	p.flights[f.slot.person] = f
	p.queue = append(p.queue, f)
	select {
	case p.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (p *PeopleFile) refusal() error {
	if p.closed {
		return ErrClosed
	}
	return p.failed
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxBatch bounds a batch: slot.before must hold its size.
const maxBatch = 1 << 12

// commit writes what is waiting, in batches with one sync each, until Close.
func (p *PeopleFile) commit() {
	defer close(p.stopped)
	for open := true; open; {
		_, open = <-p.wake
		for batch, failed := p.next(); len(batch) > 0; batch, failed = p.next() {
			if failed == nil {
				failed = p.write(batch)
			}
			p.land(batch, failed)
		}
	}
}

// next returns what waits, at most maxBatch, and why nothing is written any more.
func (p *PeopleFile) next() (batch []*flight, failed error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.queue), maxBatch)
	batch, p.queue = p.queue[:n:n], p.queue[n:]
	return batch, p.failed
}

// write puts a batch into the file durably, and then counts it in the header, for
// the sync of the next one: the header is never ahead of what is durable.
func (p *PeopleFile) write(batch []*flight) error {
	next, err := p.place(batch)
	if err == nil {
		err = p.sync()
	}
	if err == nil {
		_, err = p.file.WriteAt(appendHeader(nil, next), 0)
	}
	if err == nil {
		p.slots = next
		return nil
	}
	kind := ErrFailed
	if errors.Is(err, ErrFull) {
		kind = ErrFull
	}
	return fmt.Errorf("%w: write people's keys: file %s: %w", kind, p.file.Name(), err)
}

// place writes without syncing and returns how many slots the file then has. Only
// the new slots need room, so they come first: where there is none, the file is
// as it was, and the error is ErrFull.
func (p *PeopleFile) place(batch []*flight) (slots uint32, err error) {
	var fresh []byte
	slots = p.slots
	for _, f := range batch {
		if f.creates() {
			f.number, f.slot.before = slots, slots-p.slots
			fresh = f.slot.append(fresh)
			slots++
		}
	}
	if _, err := p.file.WriteAt(fresh, slotOffset(p.slots)); errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		if err := p.file.Truncate(slotOffset(p.slots)); err != nil {
			return 0, err
		}
		return 0, ErrFull
	} else if err != nil {
		return 0, err
	}
	for _, f := range batch {
		if f.creates() {
			continue
		}
		if _, err := p.file.WriteAt(f.slot.append(nil), slotOffset(f.number)); err != nil {
			return 0, err
		}
	}
	return slots, nil
}

// land tells everybody who waits for the batch how it went.
func (p *PeopleFile) land(batch []*flight, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := errors.Is(err, ErrFull)
	if err != nil && !full && p.failed == nil {
		p.failed = err
		close(p.broken)
	}
	for _, f := range batch {
		delete(p.flights, f.slot.person)
		switch {
		case f.creates() && err == nil:
			p.live[f.slot.person] = f.number
			p.ready.put(f.slot.person, f.key)
		case !f.creates() && full:
			p.live[f.slot.person] = f.number // it was not erased
		}
		f.err = err
		close(f.done)
	}
}
