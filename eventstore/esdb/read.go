package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// readAhead is how many records are taken from the client before they are asked
// for.
const readAhead = 256

// readPatience bounds how long a read that has brought nothing yet is tried again.
const readPatience = time.Second

// A step is what a read brings: a record or its end.
type step struct {
	event *client.RecordedEvent
	end   bool
}

// A source opens a read at the cluster: next brings its steps.
type source func(ctx context.Context, c *client.Client) (next func() (step, error), stop func(), err error)

// mayRead refuses what a Store that is closed, or a context that is over, cannot
// read.
func (s *Store) mayRead(ctx context.Context) error {
	if s.isClosed() {
		return eventstore.ErrClosed
	}
	return ctx.Err()
}

// run yields what a source brings, once, without looking at it.
func (s *Store) run(ctx context.Context, open source) iter.Seq2[*client.RecordedEvent, error] {
	return func(yield func(*client.RecordedEvent, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.life, cancel)()
		steps, failed := make(chan *client.RecordedEvent, readAhead), make(chan error, 1)
		go func() {
			failed <- s.line.do(ctx, func(c *client.Client) error { return pump(ctx, c, open, steps) })
		}()
		for {
			var event *client.RecordedEvent
			select {
			case event = <-steps:
			case err := <-failed:
				for len(steps) > 0 { // what came before the end
					if !yield(<-steps, nil) {
						return
					}
				}
				if err != nil {
					yield(nil, s.named(err))
				}
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// named says why a read that was ended has ended.
func (s *Store) named(err error) error {
	if s.life.Err() != nil {
		return eventstore.ErrClosed
	}
	return err
}

// pump takes events from the client until the read ends or the context does.
func pump(ctx context.Context, c *client.Client, open source, steps chan<- *client.RecordedEvent) error {
	next, stop, err := open(leader(ctx), c)
	if err != nil {
		return cancelled(ctx, err)
	}
	defer stop()
	for {
		got, err := next()
		switch {
		case err != nil:
			return cancelled(ctx, err)
		case got.end:
			return nil
		case got.event == nil || isSystem(got.event):
			continue
		}
		select {
		case steps <- got.event:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancelled prefers the context's own word for its end.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// resuming yields the records of a read, and goes on after the last one where the
// cluster was gone in between.
func (s *Store) resuming(ctx context.Context, from func(last *eventstore.Record) source) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if err := s.mayRead(ctx); err != nil {
			yield(eventstore.Record{}, err)
			return
		}
		var last *eventstore.Record
		until := time.Now().Add(min(s.patience, readPatience))
		for {
			var failed error
			for event, err := range s.run(ctx, from(last)) {
				if failed = err; err != nil {
					break
				}
				record, unfinished, err := unseal(event)
				if err != nil {
					s.metrics.damaged.Inc()
					yield(eventstore.Record{}, err)
					return
				}
				if unfinished {
					s.unfinished.raise(record.Position)
				}
				s.noted(record.Position, record.RecordedAt)
				if !yield(record, nil) {
					return
				}
				last, until = &record, time.Now().Add(s.patience)
			}
			if failed == nil {
				return
			}
			if !passes(failed) || last == nil && errors.Is(failed, eventstore.ErrUnavailable) || s.again(ctx, until) != nil {
				yield(eventstore.Record{}, failure(failed))
				return
			}
		}
	}
}

// again waits until a read may be tried again.
func (s *Store) again(ctx context.Context, until time.Time) error {
	if time.Now().After(until) {
		return eventstore.ErrUnavailable
	}
	select {
	case <-time.After(restFirst):
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.line.waitFor(ctx, until)
}

// counted is a read that ends by itself.
func counted(read *client.ReadStream, err error) (func() (step, error), func(), error) {
	if err != nil {
		return nil, nil, err
	}
	next := func() (step, error) {
		event, err := read.Recv()
		if ended(err) {
			return step{end: true}, nil
		}
		if code, ok := codeOf(err); ok && code == client.ErrorCodeResourceNotFound {
			return step{end: true}, nil // there is no such stream
		}
		if err != nil {
			return step{}, err
		}
		return step{event: event.OriginalEvent()}, nil
	}
	return next, read.Close, nil
}

// ReadStream yields the records of one stream. A revision that is missing is a
// CorruptError: somebody has deleted or truncated the stream.
func (s *Store) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return s.readStream(ctx, stream, from, dir, all)
}

// readStream asks for so many records at most.
func (s *Store) readStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction, most uint64) iter.Seq2[eventstore.Record, error] {
	step, start := eventstore.Revision(1), max(from, 0)
	if dir == eventstore.Backwards {
		step, start = -1, from
	}
	if stream == "" || start < 0 {
		return s.nothing(ctx)
	}
	return func(yield func(eventstore.Record, error) bool) {
		f := following{stream: stream, due: start, step: step, known: dir == eventstore.Forwards}
		at := func(*eventstore.Record) source {
			if f.due < 0 {
				return empty
			}
			return streamFrom(stream, f.due, dir, most)
		}
		for {
			for r, err := range s.resuming(ctx, at) {
				if err == nil {
					err = s.seen(f.take(&r))
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
			if f.left == 0 || most != all {
				return
			}
			// An append is shown whole or not at all: the rest is on its way, or lost.
			if f.torn.IsZero() {
				f.torn = time.Now()
			}
			err := s.seen(f.end())
			if err == nil {
				err = s.again(ctx, time.Now().Add(readPatience))
			}
			if err != nil {
				yield(eventstore.Record{}, failure(err))
				return
			}
		}
	}
}

// seen counts damage that was met.
func (s *Store) seen(damage error) error {
	if damage != nil {
		s.metrics.damaged.Inc()
	}
	return damage
}

// A following is a stream that is being read, of which every revision has to be there,
// and every append whole.
type following struct {
	stream string
	due    eventstore.Revision
	known  bool // that it is due: a read backwards begins where the stream ends
	step   eventstore.Revision
	left   int // records of the append that is being read, forwards
	last   eventstore.Position
	torn   time.Time // when the stream ended there; zero while it has not
}

// take finds fault with a record that is not the one that is due.
func (f *following) take(r *eventstore.Record) error {
	switch {
	case f.known && r.Revision != f.due:
		return f.damaged(r.Position, "revision %d follows where %d is due", r.Revision, f.due)
	case f.left > 0 && r.Behind != f.left-1:
		return f.damaged(r.Position, "revision %d stands where %d more of an append are due", r.Revision, f.left)
	}
	if f.due, f.known, f.last, f.torn = r.Revision+f.step, true, r.Position, (time.Time{}); f.step > 0 {
		f.left = r.Behind
	}
	return nil
}

// end finds fault with a stream that has ended in the middle of an append for a while.
func (f *following) end() error {
	if time.Since(f.torn) < readPatience {
		return nil
	}
	return f.damaged(f.last, "it ends before revision %d, where %d more of an append are due", f.due, f.left)
}

func (f *following) damaged(at eventstore.Position, reason string, args ...any) error {
	return &eventstore.CorruptError{Position: at, Where: fmt.Sprintf("stream %s of the cluster", f.stream), Reason: fmt.Sprintf(reason, args...)}
}

func streamFrom(stream string, from eventstore.Revision, dir eventstore.Direction, most uint64) source {
	options := client.ReadStreamOptions{Direction: client.Forwards, From: client.Revision(uint64(from))}
	if dir == eventstore.Backwards {
		options.Direction = client.Backwards
		if from == eventstore.LastRevision {
			options.From = client.End{}
		}
	}
	return func(ctx context.Context, c *client.Client) (func() (step, error), func(), error) {
		return counted(c.ReadStream(ctx, stream, options, most))
	}
}

// empty is a read that has ended.
func empty(context.Context, *client.Client) (func() (step, error), func(), error) {
	return func() (step, error) { return step{end: true}, nil }, func() {}, nil
}

// nothing yields nothing, but for why not.
func (s *Store) nothing(ctx context.Context) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if err := s.mayRead(ctx); err != nil {
			yield(eventstore.Record{}, err)
		}
	}
}
