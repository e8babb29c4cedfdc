package postoffice

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/notifications"
)

// Names in JetStream. No subscriber can be called like the consumer.
const (
	consumer      = "supportledger_post_office"
	noticesStream = "LEDGER_NOTICES"
	noticesPrefix = "ledger.notices."
)

// mostWaiting bounds the letters that wait for another try. With more of them
// than this, new ones wait too: no server that is used takes letters then.
const mostWaiting = 100_000

// setupPatience bounds how long JetStream may take to be set up.
const setupPatience = 10 * time.Second

// A session works over one connection, until something is not as expected.
type session struct {
	*Office
	js     jetstream.JetStream
	events jetstream.Consumer
	wishes jetstream.Consumer // of the stream of notices
	desk   chan job

	mu    sync.Mutex
	taken map[jetstream.Msg]struct{} // that were not answered yet
}

// A job is a message, and what is called when it was dealt with.
type job struct {
	jetstream.Msg
	done func()
}

func (o *Office) session(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	s := &session{Office: o, js: js, desk: make(chan job), taken: make(map[jetstream.Msg]struct{})}
	if err := s.setUp(ctx); err != nil {
		return err
	}
	o.tellWorking()
	g, ctx := errgroup.WithContext(ctx)
	for range o.Mailer.AtOnce() {
		g.Go(func() error { return s.work(ctx) })
	}
	g.Go(func() error { return s.pull(ctx, s.events) })
	g.Go(func() error { return s.pull(ctx, s.wishes) })
	g.Go(func() error { return s.keep(ctx) })
	g.Go(func() error { return s.count(ctx) })
	g.Go(func() error { return s.lookAhead(ctx) })
	return g.Wait()
}

// setUp finds or makes the streams and consumers. The stream of events is the
// feed's to make.
func (s *session) setUp(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, setupPatience)
	defer cancel()
	// There is no filter: where subjects are many, JetStream takes a millisecond to
	// find each message by several, and most of what it would leave out is never
	// there.
	want := jetstream.ConsumerConfig{
		Durable: consumer, Description: "The post office of a supportledger", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: s.Patience.Taken, MaxDeliver: -1, MaxAckPending: mostWaiting,
	}
	if s.events, err = s.js.CreateOrUpdateConsumer(ctx, notifications.Stream, want); err != nil {
		return fmt.Errorf("read stream %s: %w", notifications.Stream, err)
	}
	// A notice stands in the stream once, until it was dealt with.
	if _, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: noticesStream, Subjects: []string{noticesPrefix + ">"}, Description: "Letters that no event brings about; made from the log again where it is lost",
		Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage, Replicas: s.Replicas,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1,
	}); err != nil {
		return fmt.Errorf("make stream %s: %w", noticesStream, err)
	}
	if s.wishes, err = s.js.CreateOrUpdateConsumer(ctx, noticesStream, want); err != nil {
		return fmt.Errorf("read stream %s: %w", noticesStream, err)
	}
	return nil
}

// Sizes of what is taken from JetStream at once.
const (
	armful      = 256
	smallArmful = 16 // while those who submit need the machine
	pullEvery   = 5 * time.Second
)

// pull takes messages to the desk, for ever.
func (s *session) pull(ctx context.Context, from jetstream.Consumer) error {
	p := newPace(s.Office)
	for {
		if err := p.Look(ctx); err != nil {
			return err
		}
		began := time.Now()
		waiting, cancel := context.WithTimeout(ctx, pullEvery)
		landed, err := s.carry(waiting, ctx, from, p)
		cancel()
		if err != nil {
			return err
		}
		if err := p.rest(ctx, began, landed); err != nil {
			return err
		}
	}
}

// carry takes some messages to the desk; the group is done when they were dealt
// with. Waiting ends when there is nothing. All of them are held as soon as they
// come, not when somebody is free for them: else JetStream would give those that
// wait long to somebody else.
func (s *session) carry(waiting, ctx context.Context, from jetstream.Consumer, p *pace) (*sync.WaitGroup, error) {
	landed := new(sync.WaitGroup)
	batch, err := from.Fetch(p.armful(), jetstream.FetchContext(waiting))
	if err != nil {
		return nil, fmt.Errorf("take messages: %w", err)
	}
	var handed sync.WaitGroup
	for m := range batch.Messages() {
		s.hold(m)
		p.saw(m)
		landed.Add(1)
		handed.Go(func() {
			select {
			case s.desk <- job{m, landed.Done}:
			case <-ctx.Done():
				landed.Done()
				s.answer(m, m.Nak) // the next one to come takes it at once
			}
		})
	}
	handed.Wait()
	if err := batch.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return nil, fmt.Errorf("take messages: %w", err)
	}
	return landed, ctx.Err()
}

// work deals with messages until the context ends. The one that it has begun with
// it finishes, unless that takes long.
func (s *session) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case j := <-s.desk:
			s.deal(ctx, j.Msg)
			j.done()
		}
	}
}

// hold keeps a message from being given to somebody else.
func (s *session) hold(m jetstream.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[m] = struct{}{}
}

// answer tells JetStream what became of a message. Where that does not arrive,
// the message comes again, and the log knows.
func (s *session) answer(m jetstream.Msg, how func() error) {
	s.mu.Lock()
	delete(s.taken, m)
	s.mu.Unlock()
	if err := how(); err != nil {
		s.log.Debug("JetStream was not told what became of a message", "error", err)
	}
}

// keep says of what was taken that it is worked on.
func (s *session) keep(ctx context.Context) error {
	tick := time.NewTicker(s.Patience.Taken / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		s.mu.Lock()
		all := make([]jetstream.Msg, 0, len(s.taken))
		for m := range s.taken {
			all = append(all, m)
		}
		s.mu.Unlock()
		for _, m := range all {
			if err := m.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
				return fmt.Errorf("keep messages: %w", err)
			}
		}
	}
}

// countEvery is how often JetStream is asked how much waits.
const countEvery = 2 * time.Second

// count asks JetStream how much there is to do; that it answers says that the
// consumers are still there.
func (s *session) count(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		lag, waiting := 0.0, 0.0
		for _, c := range []jetstream.Consumer{s.events, s.wishes} {
			info, err := c.Info(ctx)
			if err != nil {
				return fmt.Errorf("look at consumer %s: %w", consumer, err)
			}
			lag += float64(info.NumPending)
			waiting += float64(info.NumAckPending)
		}
		s.metrics.lag.Set(lag)
		s.metrics.waiting.Set(waiting)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
