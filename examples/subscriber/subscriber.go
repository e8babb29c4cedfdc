package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/examples/subscriber/gapcheck"
)

const (
	batchSize = 500             // messages between two savings of the state
	batchWait = 2 * time.Second // that a batch waits to become full
	restFirst = 200 * time.Millisecond
	restMost  = 30 * time.Second
)

// A subscriber follows the feed and keeps track of where it is.
type subscriber struct {
	config
	out, told io.Writer // events; what people should know
	js        jetstream.JetStream
	state     state
	saved     uint64 // the sequence in the state's file
}

// errBroken says that what came does not continue what came before, so that the
// consumer has to be made anew.
var errBroken = errors.New("deliveries were lost on the way")

// run follows the feed until the context ends, or the feed tells of another past.
func (s *subscriber) run(ctx context.Context) (err error) {
	if s.state, err = load(s.config.state); err != nil {
		return err
	}
	if s.state.Sequence > 0 && !slices.Equal(s.state.Subjects, s.subjects) {
		return fmt.Errorf("file %s remembers what was read of %s, and --subjects is %s: name another file", s.config.state,
			strings.Join(s.state.Subjects, ","), strings.Join(s.subjects, ","))
	}
	s.state.Subjects, s.state.Scope, s.saved = s.subjects, gapcheck.ScopeOf(s.subjects), s.state.Sequence
	connection, err := s.connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	if s.js, err = jetstream.New(connection); err != nil {
		return err
	}
	s.say("%d streams are known, up to sequence %d; %s", len(s.state.Streams), s.state.Sequence, promises[s.state.Scope])
	for rest := restFirst; ctx.Err() == nil; rest = min(2*rest, restMost) {
		before := s.state.Sequence
		err := s.follow(ctx)
		if replaced := new(gapcheck.ReplacedError); errors.As(err, &replaced) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		if s.state.Sequence > before {
			rest = restFirst
		}
		s.say("%v; once more in %v", err, rest)
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
	}
	s.say("stopped: %d streams, up to sequence %d", len(s.state.Streams), s.state.Sequence)
	return s.keep()
}

// promises are what the subscriber can know.
var promises = map[gapcheck.Scope]string{
	gapcheck.Everything:   "nothing can be missed unnoticed, by ordinals and revisions",
	gapcheck.WholeStreams: "nothing of these streams can be missed unnoticed, by their revisions",
	gapcheck.SomeEvents:   "some types are left out, so that revisions have gaps and tell nothing",
}

func (s *subscriber) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("supportledger example subscriber"), nats.UserInfo(s.user, s.password),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // else this program has closed it
				s.say("the connection is lost: %v", err)
			}
		}),
		nats.ReconnectErrHandler(s.sayOnce()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.say("%v", err) }),
	}
	if s.ca != "" {
		options = append(options, nats.RootCAs(s.ca))
	}
	connection, err := nats.Connect(s.url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return connection, nil
}

// sayOnce says why there is no connection, and not again before that changes.
func (s *subscriber) sayOnce() nats.ConnErrHandler {
	said := ""
	return func(_ *nats.Conn, err error) {
		if err.Error() != said {
			said = err.Error()
			s.say("not connected to %s as %s: %v; trying on", s.url, s.user, err)
		}
	}
}

// follow makes the consumer anew, after what the state knows, and reads until
// something is not as it should be. Acknowledgements are of no use: what matters
// is what the state says, and messages that are sent again after later ones would
// come out of order.
func (s *subscriber) follow(ctx context.Context) error {
	consumer, err := s.begin(ctx)
	if err != nil {
		return err
	}
	p := progress{behind: true}
	for ctx.Err() == nil {
		if err := errors.Join(s.readBatch(ctx, consumer, &p), s.keep()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// progress is how far a consumer has come.
type progress struct {
	delivered uint64
	behind    bool // more lies there than was read
}

// readBatch reads what comes within a while.
func (s *subscriber) readBatch(ctx context.Context, consumer jetstream.Consumer, p *progress) error {
	waiting, cancel := context.WithTimeout(ctx, batchWait)
	defer cancel()
	batch, err := consumer.Fetch(batchSize, jetstream.FetchContext(waiting))
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	before := p.delivered
	for m := range batch.Messages() {
		at, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		if p.delivered++; at.Sequence.Consumer != p.delivered {
			return errBroken
		}
		if err := s.take(m, at.Sequence.Stream); err != nil {
			return err
		}
		if p.behind && at.NumPending == 0 {
			s.say("in step with the feed: %d streams, up to position %s", len(s.state.Streams), m.Headers().Get("ce-position"))
		}
		p.behind = at.NumPending > 0
	}
	if err := batch.Error(); err != nil && waiting.Err() == nil && !errors.Is(err, nats.ErrTimeout) {
		return fmt.Errorf("fetch: %w", err)
	}
	if p.delivered > before || ctx.Err() != nil {
		return nil
	}
	return p.compare(ctx, consumer)
}

// compare asks the server what it has delivered: a delivery that was lost on the
// way, and that no other follows, is noticed by nothing else.
func (p *progress) compare(ctx context.Context, consumer jetstream.Consumer) error {
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask for the consumer: %w", err)
	}
	if info.Delivered.Consumer != p.delivered {
		return errBroken
	}
	return nil
}

// begin makes the consumer: after the newest message that was taken, if it still
// is where it was, and else from the first one on, of which the state knows what
// was taken. The feed may have been made anew with other sequences.
func (s *subscriber) begin(ctx context.Context) (jetstream.Consumer, error) {
	if s.state.Sequence > 0 {
		consumer, err := s.consumerFrom(ctx, s.state.Sequence)
		if err != nil {
			return nil, err
		}
		if consumer.CachedInfo().NumPending > 0 {
			first, err := consumer.Next(jetstream.FetchMaxWait(batchWait))
			if err != nil {
				return nil, fmt.Errorf("look for the last message: %w", err)
			}
			if at, err := first.Metadata(); err == nil && at.Sequence.Stream == s.state.Sequence && first.Headers().Get("ce-id") == s.state.ID {
				return s.consumerFrom(ctx, s.state.Sequence+1)
			}
		}
		s.say("the feed no longer has message %d as it was: reading it again from its beginning", s.state.Sequence)
	}
	return s.consumerFrom(ctx, 1)
}

// consumerFrom makes the durable consumer, whose name the server prescribes, so
// that it delivers from a sequence on.
func (s *subscriber) consumerFrom(ctx context.Context, sequence uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.js.DeleteConsumer(ctx, s.stream, s.consumer); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("remove the former consumer: %w", err)
	}
	c := jetstream.ConsumerConfig{
		Durable: s.consumer, AckPolicy: jetstream.AckNonePolicy,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: sequence,
	}
	if c.FilterSubjects = s.subjects; len(s.subjects) == 1 {
		c.FilterSubject, c.FilterSubjects = s.subjects[0], nil
	}
	consumer, err := s.js.CreateConsumer(ctx, s.stream, c)
	if err != nil {
		return nil, fmt.Errorf("make the consumer: %w", err)
	}
	return consumer, nil
}

// take takes a message: the example's business with an event is to print it.
func (s *subscriber) take(m jetstream.Msg, sequence uint64) error {
	get := m.Headers().Get
	e, err := gapcheck.Read(get)
	if err != nil {
		return err
	}
	isNew, err := s.state.Take(e)
	if err != nil {
		return err
	}
	if isNew {
		if _, err := fmt.Fprintf(s.out, "%s %s %s@%d %s\n", get("ce-position"), get("ce-type"), e.Stream, e.Revision, m.Data()); err != nil {
			return err
		}
	}
	s.state.Sequence, s.state.ID = sequence, e.ID
	return nil
}

// keep saves the state if it has changed.
func (s *subscriber) keep() error {
	if s.saved == s.state.Sequence {
		return nil
	}
	s.saved = s.state.Sequence
	return s.state.save(s.config.state)
}

func (s *subscriber) say(format string, args ...any) {
	fmt.Fprintf(s.told, "subscriber: "+format+"\n", args...)
}
