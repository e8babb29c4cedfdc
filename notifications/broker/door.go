package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A door passes subscribers' wishes on to JetStream, if they are about their own
// consumers, and those are pulled and within what the subscriber may read.
type door struct {
	gate *gate
	nc   *nats.Conn
	js   jetstream.JetStream

	one    sync.Mutex                      // wish or sweep at a time: what was allowed before a change is there when it is swept
	places map[string]*[maxFleeting]string // by subscriber: the fleeting consumers that have them
	turn   int                             // which place was looked at last
	heard  map[string]bool                 // subscribers that are listened to; of the goroutine that sweeps
}

// What is wished, in the subject at which it arrives.
const (
	wishCreate = "create"
	wishInfo   = "info"
	wishDelete = "delete"
	wishStream = "stream"
)

// Bounds of what a subscriber may make the server keep and do for its consumer.
const (
	maxWishBytes = 32 << 10
	maxFilters   = 100              // compared in pairs
	maxUnacked   = 10_000           // messages
	maxPulls     = 512              // that wait for messages
	minAckWait   = time.Second      // all that wait are looked through
	maxWishes    = 256              // of one subscriber that wait for an answer
	maxWaiting   = 4 << 20          // bytes of those
	maxPullWait  = 90 * time.Second // the server forgets after two minutes where an answer goes, and a message would be lost
)

// doorPatience bounds how long JetStream may take.
const doorPatience = 5 * time.Second

// openDoor makes a door. It answers the wishes of those who were let in by sweep,
// until the connection is closed.
func openDoor(g *gate, nc *nats.Conn) (*door, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(doorPatience))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &door{gate: g, nc: nc, js: js, places: map[string]*[maxFleeting]string{}, heard: map[string]bool{}}, nil
}

// listen hears a subscriber's wishes. Those of each wait for themselves, so that one
// who wishes without end keeps others waiting by a turn now and then, and no more;
// what waits beyond the bounds is dropped.
func (d *door) listen(ctx context.Context, name string) error {
	if d.heard[name] {
		return nil
	}
	s, err := d.nc.Subscribe(doorPrefix+name+".>", d.answer)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := errors.Join(s.SetPendingLimits(maxWishes, maxWaiting), d.nc.FlushWithContext(ctx)); err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), s.Unsubscribe())
	}
	d.heard[name] = true
	return nil
}

// answer is for one wish. The account that it came from is in its subject, where
// the import has put it, with what is wished; the consumer's name follows, as the
// client sent it.
func (d *door) answer(m *nats.Msg) {
	words := strings.SplitN(strings.TrimPrefix(m.Subject, doorPrefix), ".", 4)
	name, wish, consumer := words[0], words[1], ""
	if len(words) > 2 {
		consumer = words[2]
	}
	body, err := d.grant(name, wish, consumer, m.Data)
	if err != nil {
		d.gate.log.Warn("a subscriber was refused something", "subscriber", name, "what", wish, "reason", err)
		body = refusal(wish, err)
	}
	if err := m.Respond(body); err != nil {
		d.gate.log.Warn("a subscriber was not answered", "subscriber", name, "error", err)
	}
}

// grant does what a subscriber wishes, if it may, and returns JetStream's answer.
func (d *door) grant(name, wish, consumer string, body []byte) ([]byte, error) {
	d.one.Lock()
	defer d.one.Unlock()
	user, ok := d.gate.user(name)
	if !ok {
		return nil, errors.New("you are no subscriber any more")
	}
	switch wish {
	case wishCreate:
		return d.create(&user, consumer, body)
	case wishStream:
		return d.show()
	}
	if !user.owns(consumer) {
		return nil, fmt.Errorf("consumer %s is not yours", consumer)
	}
	if wish == wishInfo {
		return d.request(apiInfo+consumer, nil)
	}
	answer, err := d.request(apiDelete+consumer, nil)
	if err == nil {
		d.vacate(name, consumer)
	}
	return answer, err
}

// create checks a wish for a consumer and passes it on.
func (d *door) create(user *User, sentTo string, wish []byte) ([]byte, error) {
	if len(wish) > maxWishBytes {
		return nil, fmt.Errorf("the request has %d bytes, and may have %d", len(wish), maxWishBytes)
	}
	var r server.CreateConsumerRequest
	if err := json.Unmarshal(wish, &r); err != nil {
		return nil, fmt.Errorf("the request is no JSON of a consumer: %w", err)
	}
	if err := user.mayHave(&r, sentTo); err != nil {
		return nil, err
	}
	if r.Config.Name != user.Name {
		var err error
		if r.Config.Name, err = d.place(user.Name, sentTo); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return d.request(apiCreate+"."+r.Config.Name, body)
}

// request asks JetStream.
func (d *door) request(subject string, body []byte) ([]byte, error) {
	answer, err := d.nc.Request(subject, body, doorPatience)
	if err != nil {
		return nil, fmt.Errorf("JetStream does not answer: %w", err)
	}
	return answer.Data, nil
}

// mayHave refuses what a subscriber may not have, and says what it may. What it
// lets through has the subscriber's name, or is fleeting.
func (u *User) mayHave(r *server.CreateConsumerRequest, sentTo string) error {
	c := &r.Config
	if c.Durable != "" && c.Durable != u.Name {
		return fmt.Errorf("a durable consumer must be called %s, not %s", u.Name, c.Durable)
	}
	if c.Name != "" && c.Name != sentTo {
		return fmt.Errorf("the consumer is called %s, and the request was sent for %q", c.Name, sentTo)
	}
	if c.Durable != "" || sentTo == u.Name {
		c.Name = u.Name
	}
	if r.Stream != streamName {
		return fmt.Errorf("stream_name must be %s", streamName)
	}
	if c.DeliverSubject != "" || c.DeliverGroup != "" || c.Heartbeat != 0 || c.FlowControl || c.Direct || c.Sourcing {
		return errors.New("consumers that push are not served: leave out deliver_subject and pull")
	}
	if c.AckPolicy == server.AckFlowControl {
		return errors.New("ack_policy must be explicit, all or none")
	}
	if err := bound(c); err != nil {
		return err
	}
	if c.Name != u.Name {
		if err := u.mayForget(c); err != nil {
			return err
		}
	}
	return u.mayRead(slices.Concat(c.FilterSubjects, filled(c.FilterSubject)))
}

// bound refuses what would cost others too much, and sets the bounds that were
// left out.
func bound(c *server.ConsumerConfig) error {
	hasty := func(wait time.Duration) bool { return wait != 0 && wait < minAckWait }
	switch {
	case c.MaxAckPending < 0 || c.MaxAckPending > maxUnacked:
		return fmt.Errorf("max_ack_pending must be 1 to %d", maxUnacked)
	case c.MaxWaiting < 0 || c.MaxWaiting > maxPulls:
		return fmt.Errorf("max_waiting must be 1 to %d", maxPulls)
	case hasty(c.AckWait) || slices.ContainsFunc(c.BackOff, hasty):
		return fmt.Errorf("ack_wait and backoff must be at least %v", minAckWait)
	case c.MaxRequestExpires < 0 || c.MaxRequestExpires > maxPullWait:
		return fmt.Errorf("max_expires must be at most %v", maxPullWait)
	case len(c.FilterSubjects) > maxFilters:
		return fmt.Errorf("filter_subjects may have %d entries, and has %d", maxFilters, len(c.FilterSubjects))
	}
	if c.MaxRequestExpires == 0 {
		c.MaxRequestExpires = maxPullWait
	}
	return nil
}

// mayRead refuses filters that let through what a subscriber may not read.
func (u *User) mayRead(filters []string) error {
	if len(filters) == 0 {
		return fmt.Errorf("filter_subject is missing: name what to read, within %s", strings.Join(u.Subjects, " "))
	}
	for _, f := range filters {
		within := func(allowed string) bool { return server.SubjectMatchesFilter(f, allowed) }
		if !server.IsValidSubject(f) || !slices.ContainsFunc(u.Subjects, within) {
			return fmt.Errorf("filter_subject %q is not within %s", f, strings.Join(u.Subjects, " "))
		}
	}
	return nil
}

func filled(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// sweep removes the consumers that read more than their subscribers may now, of
// those that wait for it, and lets these in.
func (d *door) sweep(ctx context.Context) error {
	for _, u := range d.gate.waiting() {
		if err := d.listen(ctx, u.Name); err != nil {
			return fmt.Errorf("let in subscriber %s: %w", u.Name, err)
		}
		if err := d.sweepOne(ctx, u); err != nil {
			return fmt.Errorf("look at the consumers of subscriber %s: %w", u.Name, err)
		}
		d.gate.swept(u)
	}
	return nil
}

func (d *door) sweepOne(ctx context.Context, u User) error {
	d.one.Lock()
	defer d.one.Unlock()
	for _, consumer := range append(d.fleeting(u.Name), u.Name) {
		c, err := d.js.Consumer(ctx, streamName, consumer)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		config := c.CachedInfo().Config
		if u.mayRead(slices.Concat(config.FilterSubjects, filled(config.FilterSubject))) == nil {
			continue
		}
		d.gate.log.Warn("a consumer of a subscriber reads more than it may now, and is removed", "subscriber", u.Name, "consumer", consumer)
		if err := d.js.DeleteConsumer(ctx, streamName, consumer); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// gone says of an error that there is no such consumer.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound)
}
