package esdbwire

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/supportledger/supportledger/eventstore"
)

// liveBuffer is how many new records at once a real server hands to a live
// subscriber; one that has more to read has fallen behind, and is told again when
// it has caught up.
const liveBuffer = 32

// subscribeAll follows $all after a position.
func (r *reading) subscribeAll(ctx context.Context) error {
	if r.filter != nil && r.filter.interval == 0 {
		return invalidArgument("checkpoint_interval_multiplier must be above 0")
	}
	if err := r.standsAt(ctx, codes.InvalidArgument, "Trying to read from an invalid position."); err != nil {
		return err
	}
	after := eventstore.Position(r.from.at)
	if r.from.end {
		var err error
		if after, err = r.s.config.Store.Head(ctx); err != nil {
			return err
		}
	}
	if err := r.out.Send(confirmation()); err != nil {
		return err
	}
	f := &following{reading: r, at: after, checkpointed: after}
	for {
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		if err := r.s.config.Store.Wait(ctx, f.at); err != nil {
			return err
		}
	}
}

// A following is a subscription to $all on its way.
type following struct {
	*reading
	at           eventstore.Position // every record up to it was looked at
	checkpointed eventstore.Position // what the client was told last
	live         bool
	looked       int // at records since the last checkpoint was due
	paged        int // of the page that is being read
}

// catchUp reads to the end of the log. What it finds there while live are the
// new records; too many of them, and the subscriber has fallen behind.
func (f *following) catchUp(ctx context.Context) error {
	news := 0
	for record, err := range f.s.config.Store.ReadAll(ctx, f.at) {
		if err != nil {
			return err
		}
		if news++; f.live && news > liveBuffer {
			f.live, f.looked, f.paged = false, 0, 0
			if err := f.checkpoint(); err != nil {
				return err
			}
		}
		if err := f.look(record); err != nil {
			return err
		}
	}
	if f.live {
		return nil
	}
	if err := f.checkpoint(); err != nil {
		return err
	}
	f.live, f.looked = true, 0
	return f.out.Send(caughtUp())
}

// look takes one record. While live a checkpoint is due after every interval,
// while catching up only at the end of a page.
func (f *following) look(record eventstore.Record) error {
	if err := f.send(record); err != nil {
		return err
	}
	f.at = record.Position
	if f.filter == nil {
		return nil
	}
	f.looked++
	if !f.live {
		if f.paged++; f.paged < f.filter.window {
			return nil
		}
		f.paged = 0
	}
	if f.looked < f.filter.interval {
		return nil
	}
	f.looked %= f.filter.interval
	return f.checkpoint()
}

// checkpoint tells a filtered subscription how far it is; never the same twice,
// and never less.
func (f *following) checkpoint() error {
	if f.filter == nil || f.at <= f.checkpointed {
		return nil
	}
	f.checkpointed = f.at
	return f.out.Send(checkpoint(f.at))
}

// subscribeStream follows one stream after a revision. One that is not there yet
// may come.
func (r *reading) subscribeStream(ctx context.Context) error {
	store := r.s.config.Store
	next := eventstore.Revision(0)
	switch {
	case r.from.end:
		last, err := r.s.lastRevision(ctx, r.stream)
		if err != nil {
			return err
		}
		next = last + 1
	case !r.from.start:
		next = min(r.from.revision(), eventstore.LastRevision-1) + 1
	}
	if err := r.out.Send(confirmation()); err != nil {
		return err
	}
	for live := false; ; {
		head, err := store.Head(ctx)
		if err != nil {
			return err
		}
		news := 0
		for record, err := range store.ReadStream(ctx, r.stream, next, eventstore.Forwards) {
			if err != nil {
				return err
			}
			if err := r.send(record); err != nil {
				return err
			}
			next = record.Revision + 1
			if news++; news > liveBuffer {
				live = false
			}
		}
		if !live {
			if err := r.out.Send(caughtUp()); err != nil {
				return err
			}
			live = true
		}
		if err := store.Wait(ctx, head); err != nil {
			return err
		}
	}
}
