package audit

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
)

// A stage holds the records of a log against some laws, in their order. The
// stages work side by side, each in a goroutine of its own; a record is decoded
// once for all of them, by whoever has time.
type stage interface {
	// begin prepares for a reading of the log, with as much memory. It says whether
	// there is anything that the stage has to see it for.
	begin(memory int64) bool
	// check returns the first thing that is wrong up to a record, nil where
	// nothing is. After that the stage sees no other record in this reading.
	check(r *checked) *found
}

// A checked record is on its way through the stages, which must not change it.
type checked struct {
	recorded          // without Meta and Event where it cannot be read, without Event where nobody asks
	wrong      *wrong // why it cannot be read
	hash       uint64 // of the stream's name
	contract   uuid.UUID
	ofContract bool  // the stream is a contract's, or an incident's without one
	ofMails    bool  // the stream holds the mails of one
	nth        int64 // of the reading, from 1 on
}

// Bounds of what is on its way at once: a few megabytes. Small batches are still
// in a processor's cache when the next stage looks at them.
const (
	batchRecords = 128
	batchesAhead = 16 // for each stage
)

type batch struct {
	records []checked
	ready   chan struct{} // closed once they are decoded
	users   atomic.Int32  // stages that have not done with it
}

// A relay brings the records of one reading to the stages.
type relay struct {
	filling *batch
	decode  chan *batch
	stages  []chan *batch
	spare   chan *batch
	stopped chan struct{} // closed by the first finding
	stop    sync.Once
	running sync.WaitGroup
	nth     int64 // records that were put, or passed by

	mu    sync.Mutex
	found *found // the first, once all stages have ended
}

// startRelay starts the stages. decode reads what a record says; it is called
// by several goroutines.
func startRelay(stages []stage, decode func(*checked)) *relay {
	r := &relay{decode: make(chan *batch, batchesAhead), spare: make(chan *batch, 2*batchesAhead), stopped: make(chan struct{})}
	for range runtime.GOMAXPROCS(0) {
		r.running.Go(func() {
			for b := range r.decode {
				for i := range b.records {
					decode(&b.records[i])
				}
				close(b.ready)
			}
		})
	}
	for _, s := range stages {
		in := make(chan *batch, batchesAhead)
		r.stages = append(r.stages, in)
		r.running.Go(func() { r.run(s, in) })
	}
	return r
}

// run lets a stage see what comes until it finds something, and lets the rest
// pass.
func (r *relay) run(s stage, in <-chan *batch) {
	ended := false
	for b := range in {
		<-b.ready
		for i := 0; i < len(b.records) && !ended; i++ {
			record := &b.records[i]
			f := s.check(record)
			if f != nil {
				r.keep(f)
			}
			ended = f != nil || record.wrong != nil
		}
		if b.users.Add(-1) == 0 {
			select {
			case r.spare <- b:
			default:
			}
		}
	}
}

// keep takes down a finding. Whatever was handed out by now will be seen by all
// stages, so that none misses an earlier one.
func (r *relay) keep(f *found) {
	r.mu.Lock()
	if f.sooner(r.found) {
		r.found = f
	}
	r.mu.Unlock()
	r.stop.Do(func() { close(r.stopped) })
}

// pass counts a record that no stage has to see. It says false once something was
// found.
func (r *relay) pass() (more bool) {
	r.nth++
	return r.going()
}

func (r *relay) going() bool {
	select {
	case <-r.stopped:
		return false
	default:
		return true
	}
}

// put hands out a record. It says false once something was found.
func (r *relay) put(record *eventstore.Record, hash uint64) (more bool) {
	b := r.filling
	if b == nil {
		b = r.empty()
		r.filling = b
	}
	r.nth++
	n := len(b.records)
	b.records = b.records[:n+1]
	b.records[n] = checked{recorded: recorded{Record: *record}, hash: hash, nth: r.nth}
	if len(b.records) < cap(b.records) {
		return true
	}
	r.flush()
	return r.going()
}

func (r *relay) empty() *batch {
	var b *batch
	select {
	case b = <-r.spare:
		b.records = b.records[:0]
	default:
		b = &batch{records: make([]checked, 0, batchRecords)}
	}
	b.ready = make(chan struct{})
	b.users.Store(int32(len(r.stages)))
	return b
}

// flush hands out what was put so far: to everybody, or they would not agree on
// how far the log was read.
func (r *relay) flush() {
	b := r.filling
	if b == nil {
		return
	}
	r.filling = nil
	r.decode <- b
	for _, in := range r.stages {
		in <- b
	}
}

// end waits for the stages and returns the first finding; nil where there is none.
func (r *relay) end() *found {
	r.flush()
	close(r.decode)
	for _, in := range r.stages {
		close(in)
	}
	r.running.Wait()
	return r.found
}
