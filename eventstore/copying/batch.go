package copying

import (
	"iter"

	"github.com/supportledger/supportledger/eventstore"
)

// A batch is records of one stream that follow one another in the log and were
// recorded at the same time. They go in one append.
type batch struct {
	eventstore.Append
	records []eventstore.Record
	bytes   int64
	last    eventstore.Position
}

// batches makes batches of a log.
func batches(records iter.Seq2[eventstore.Record, error]) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		var b batch
		for r, err := range records {
			if err != nil {
				if len(b.records) == 0 || yield(b, nil) {
					yield(batch{}, err)
				}
				return
			}
			if !b.takes(&r) {
				if len(b.records) > 0 && !yield(b, nil) {
					return
				}
				b = batch{Append: eventstore.Append{Stream: r.Stream, Expected: r.Revision - 1, At: r.RecordedAt, Copied: true}}
			}
			b.records, b.Events = append(b.records, r), append(b.Events, r.Event)
			b.bytes += sizeOf(&r)
			b.last = r.Position
		}
		if len(b.records) > 0 {
			yield(b, nil)
		}
	}
}

// unfinished yields all batches but the last, each of which says that more follows,
// and leaves the last one, if there is any, to its caller.
func unfinished(all iter.Seq2[batch, error], last *[]batch) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		var before *batch
		for b, err := range all {
			if before != nil && !yield(*before, nil) {
				return
			}
			if err != nil {
				yield(batch{}, err)
				return
			}
			b.Unfinished = true
			before = &b
		}
		if before != nil {
			before.Unfinished = false
			*last = []batch{*before}
		}
	}
}

// these yields batches.
func these(all []batch) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		for _, b := range all {
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (b *batch) takes(r *eventstore.Record) bool {
	return r.Stream == b.Stream && r.RecordedAt.Equal(b.At) && r.Revision == b.Expected+eventstore.Revision(len(b.Events))+1 &&
		len(b.Events) > 0 && len(b.Events) < mostEvents && b.bytes+sizeOf(r) <= mostBytes
}

func sizeOf(r *eventstore.Record) int64 { return int64(len(r.Data) + len(r.Meta)) }
