package site

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
)

// A feeding is a site's feed at work, and the NATS server that it goes to.
type feeding struct {
	feed   *notifications.Feed
	dial   notifications.Dial
	broker *broker.Broker // nil where the server is the operator's own, or was stopped
	stop   context.CancelFunc
	work   *errgroup.Group
}

// startFeed sets the feed to work.
func (s *Site) startFeed(ctx context.Context, store eventstore.Store) (*feeding, error) {
	f := &feeding{dial: notifications.Remote{URL: s.NATS}.Dial, work: new(errgroup.Group)}
	if s.NATS == "" {
		b, err := broker.Open(broker.Config{Dir: s.file("nats")})
		if err != nil {
			return nil, err
		}
		f.broker, f.dial = b, b.Dial
	}
	f.feed = notifications.New(notifications.Config{Store: store, Installation: s.keys.Installation(), Dial: f.dial})
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	f.work.Go(func() error { return f.feed.Run(work) })
	return f, nil
}

// stopNATS stops the server; the feed goes on trying.
func (f *feeding) stopNATS() error {
	b := f.broker
	f.broker = nil
	if b == nil {
		return nil
	}
	return b.Close()
}

func (f *feeding) close() error {
	f.stop()
	return errors.Join(f.work.Wait(), f.stopNATS())
}

// Publish publishes the site's log, all of which nobody has published before, and
// says how many messages that came to.
func (s *Site) Publish(ctx context.Context) (messages int64, err error) {
	store, err := s.OpenStore()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	head, err := store.Head(ctx)
	if err != nil {
		return 0, err
	}
	f, err := s.startFeed(ctx, store)
	if err != nil {
		return 0, err
	}
	err = f.feed.Await(ctx, head)
	return f.feed.Messages(), errors.Join(err, f.close())
}

// StopNATS stops the NATS server of a ledger that goes on.
func (r *Running) StopNATS() error { return r.feed.stopNATS() }

// A Hearing is what a subscriber of a running ledger has heard of incidents, and
// when.
type Hearing struct {
	At map[uint64]time.Time // the number of an incident → when it was heard of

	stop func() error
}

// Hear lets a subscriber listen to submissions from now on.
func (r *Running) Hear(ctx context.Context) (*Hearing, error) {
	nc, err := r.feed.dial(ctx)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	c, err := js.CreateConsumer(ctx, notifications.Stream, jetstream.ConsumerConfig{
		Durable: "bench", FilterSubject: "ledger.events.incident.submitted.>", DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy,
	})
	if err != nil {
		return nil, err
	}
	messages, err := c.Messages()
	if err != nil {
		return nil, err
	}
	h := &Hearing{At: map[uint64]time.Time{}}
	work := new(errgroup.Group)
	work.Go(func() error {
		for {
			m, err := messages.Next()
			if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			now := time.Now()
			n, err := load.Number(m.Data()[len(numberFirst):])
			if err != nil {
				return fmt.Errorf("message %s: %w", strconv.Quote(string(m.Data())), err)
			}
			h.At[n] = now
		}
	})
	h.stop = func() error {
		messages.Stop()
		err := work.Wait()
		nc.Close()
		return err
	}
	return h, nil
}

// Stop ends listening, when everything that is in the log has been published and
// had time to arrive.
func (r *Running) Stop(ctx context.Context, h *Hearing) error {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return err
	}
	if err := r.feed.feed.Await(ctx, head); err != nil {
		return err
	}
	select {
	case <-time.After(arrival):
	case <-ctx.Done():
	}
	return h.stop()
}

// arrival is how long the last messages may take.
const arrival = time.Second
