package vault

import (
	"bytes"
	"fmt"
	"testing"
)

// A powerCut is the file as three batches in turn found and left it. The disk
// has what was synced, and of what came later whichever blocks it got to.
type powerCut struct {
	first, second, last []int // people whose keys the batches made
	boxes               map[int][]byte
	synced              []byte // the last but one is acknowledged, its number in the header is not
	written             []byte // with the last batch, which nobody was told of
}

// newPowerCut makes three batches; the last also erases person 0.
func newPowerCut(t *testing.T, first, second, last int) *powerCut {
	t.Helper()
	p, path := newPeople(t)
	c := &powerCut{first: many(0, first), second: many(first, second), last: many(first+second, last), boxes: map[int][]byte{}}
	var images [][]byte
	p.sync = func() error { images = append(images, readFile(t, path)); return nil }
	for _, people := range [][]int{c.first, c.second} {
		batch(t, p, people, nil)
		for _, n := range people {
			c.boxes[n] = seal(t, p, n, fmt.Sprint("text ", n))
		}
	}
	batch(t, p, c.last, c.boxes[0])
	if len(images) != 3 {
		t.Fatalf("%d syncs, want one for each of three batches", len(images))
	}
	c.synced, c.written = images[1], images[2]
	return c
}

func many(from, n int) (out []int) {
	for i := range n {
		out = append(out, from+i)
	}
	return out
}

// batch makes the keys of people, and erases person 0's of a box, in one batch.
func batch(t *testing.T, p *PeopleFile, people []int, erase []byte) {
	t.Helper()
	p.mu.Lock() // the committer waits for the whole batch
	var flights []*flight
	for _, n := range people {
		f, _, err := p.join(person(n))
		must(t, err)
		flights = append(flights, f)
	}
	if erase != nil {
		f, _, err := p.startErasing(person(0), func(id KeyID) bool { return id == KeyID(erase) })
		must(t, err)
		flights = append(flights, f)
	}
	p.mu.Unlock()
	for _, f := range flights {
		must(t, f.wait(t.Context()))
	}
}

// left is what is found after the cut: of the blocks, numbered from 0, those for
// which reached says so are as they were written, the others as they were synced
// or, where there was nothing yet, zero. Without tail the file ends where what
// was last written and reached it ends.
func (c *powerCut) left(block int, tail bool, reached func(int) bool) []byte {
	body := make([]byte, len(c.written))
	end := copy(body, c.synced)
	for from := 0; from < len(body); from += block {
		if to := min(from+block, len(body)); reached(from / block) {
			copy(body[from:to], c.written[from:to])
			end = max(end, to)
		}
	}
	if !tail {
		body = body[:end]
	}
	return body
}

func TestR41_AnyPartOfAnUnacknowledgedBatchIsCut(t *testing.T) {
	for name, at := range map[string]struct{ first, second, last, block int }{
		"pages":            {10, 40, 300, 4096},
		"sectors":          {2, 3, 46, 512},
		"one sector":       {1, 1, 4, 512},
		"from a new block": {3, 4, 30, 512},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPowerCut(t, at.first, at.second, at.last)
			blocks := (len(c.written) + at.block - 1) / at.block
			for subset := range 1 << blocks {
				for _, tail := range []bool{false, true} {
					c.survives(t, c.left(at.block, tail, func(n int) bool { return subset>>n&1 == 1 }))
				}
			}
		})
	}
}

// survives opens what is left: what was acknowledged is there, and whoever was in
// the last batch can begin again.
func (c *powerCut) survives(t *testing.T, body []byte) {
	t.Helper()
	path := privateFile(t, body)
	p, err := OpenPeople(path)
	must(t, err)
	p.sync = func() error { return nil }
	offset, length := p.TornTail()
	if length > 0 && (offset < int64(len(c.synced)) || offset+length != int64(len(body))) {
		t.Fatalf("cut %d bytes at %d, of %d acknowledged and %d found", length, offset, len(c.synced), len(body))
	}
	for range 2 {
		for n, box := range c.boxes {
			if n != 0 && open(t, p, n, box) != fmt.Sprint("text ", n) {
				t.Fatalf("the text of person %d is lost", n)
			}
		}
		for _, n := range c.last {
			open(t, p, n, seal(t, p, n, "again"))
		}
		if p = reopen(t, p, path); p.torn.length > 0 {
			t.Fatal("cut once more after closing in order")
		}
	}
	must(t, p.Close())
}

// One block of an acknowledged batch is gone, and the last batch is torn besides:
// its slots vouch for the batch before, whatever the header says.
func TestR42_AnAcknowledgedBatchIsNeverCutForATornOne(t *testing.T) {
	const block = 512
	c := newPowerCut(t, 6, 24, 40)
	lost := len(c.synced)/block - 1
	for from := len(c.synced) / block * block; from < len(c.written); from += block {
		body := c.left(block, true, func(n int) bool { return n == from/block })
		clear(body[lost*block : (lost+1)*block])
		wantDamage(t, body, int64(lost*block))
	}
}

// Killed after the sync and before anybody wrote again: the header knows.
func TestR42_TheLastAcknowledgedBatchIsNeverCut(t *testing.T) {
	p, path := newPeople(t)
	for n := range 3 {
		seal(t, p, n, "text")
	}
	body := readFile(t, path)
	wantDamage(t, append(bytes.Clone(body[:slotOffset(2)]), make([]byte, unitLen)...), slotOffset(2))
	wantDamage(t, body[:slotOffset(2)], slotOffset(2))
}

// A process that was killed leaves keys in memory that no sync has reached. They
// are served after the start, so they must be on the disk by then.
func TestR41_WhatIsFoundAtTheStartIsCounted(t *testing.T) {
	c := newPowerCut(t, 2, 2, 3)
	path := privateFile(t, c.written)
	p, err := OpenPeople(path)
	must(t, err)
	if header, err := parseHeader(readFile(t, path)[:unitLen]); err != nil || header != 7 {
		t.Errorf("the header counts %d keys, %v; want 7", header, err)
	}
	must(t, p.Close())
}

// A batch is bounded, so that a slot can say how many of it come before.
func TestR47_MoreFirstTextsThanABatchHolds(t *testing.T) {
	p, path := newPeople(t)
	batch(t, p, many(0, 2*maxBatch+1), nil)
	p = reopen(t, p, path)
	if len(p.live) != 2*maxBatch+1 {
		t.Errorf("%d keys after the restart, want %d", len(p.live), 2*maxBatch+1)
	}
}
