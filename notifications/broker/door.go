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

// A door passes subscribers' wishes for a consumer on to JetStream, if they are
// for their own, pulled, and within what they may read.
type door struct {
	gate *gate
	nc   *nats.Conn
	one  sync.Mutex // wish or sweep at a time: what was allowed before a change is there when it is swept
}

// Bounds of what a subscriber may make the server keep and do for its consumer.
const (
	maxWishBytes = 32 << 10
	maxFilters   = 100              // compared in pairs
	maxUnacked   = 10_000           // messages
	maxPulls     = 512              // that wait for messages
	minAckWait   = time.Second      // all that wait are looked through
	maxPullWait  = 90 * time.Second // the server forgets after two minutes where an answer goes, and a message would be lost
)

// doorPatience bounds how long JetStream may take.
const doorPatience = 5 * time.Second

// openDoor answers wishes until the connection is closed.
func openDoor(g *gate, nc *nats.Conn) (*door, error) {
	d := &door{gate: g, nc: nc}
	for _, subject := range []string{doorPrefix + "*", doorPrefix + "*.>"} {
		if _, err := nc.Subscribe(subject, d.answer); err != nil {
			return nil, fmt.Errorf("listen to subscribers: %w", err)
		}
	}
	return d, nil
}

// answer is for one wish. The account that it came from is in its subject, where
// the import has put it.
func (d *door) answer(m *nats.Msg) {
	name, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, doorPrefix), ".")
	body, err := d.ask(name, m.Data)
	if err != nil {
		d.gate.log.Warn("a subscriber was refused a consumer", "subscriber", name, "reason", err)
		body = refusal(err)
	}
	if err := m.Respond(body); err != nil {
		d.gate.log.Warn("a subscriber was not answered", "subscriber", name, "error", err)
	}
}

// ask checks a wish and passes it on.
func (d *door) ask(name string, wish []byte) ([]byte, error) {
	d.one.Lock()
	defer d.one.Unlock()
	user, ok := d.gate.user(name)
	if !ok {
		return nil, errors.New("you are no subscriber any more")
	}
	if len(wish) > maxWishBytes {
		return nil, fmt.Errorf("the request has %d bytes, and may have %d", len(wish), maxWishBytes)
	}
	var r server.CreateConsumerRequest
	if err := json.Unmarshal(wish, &r); err != nil {
		return nil, fmt.Errorf("the request is no JSON of a consumer: %w", err)
	}
	if err := user.mayHave(&r); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	answer, err := d.nc.Request(apiCreate+name, body, doorPatience)
	if err != nil {
		return nil, fmt.Errorf("JetStream does not answer: %w", err)
	}
	return answer.Data, nil
}

// mayHave refuses what a subscriber may not have, and says what it may.
func (u *User) mayHave(r *server.CreateConsumerRequest) error {
	c := &r.Config
	for _, name := range []string{c.Name, c.Durable} {
		if name != "" && name != u.Name {
			return fmt.Errorf("the consumer must be called %s, not %s", u.Name, name)
		}
	}
	c.Name = u.Name
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

// refusal is an answer in JetStream's own form.
func refusal(err error) []byte {
	body, jsonErr := json.Marshal(server.JSApiConsumerCreateResponse{ApiResponse: server.ApiResponse{
		Type: server.JSApiConsumerCreateResponseType, Error: &server.ApiError{Code: 403, Description: err.Error()},
	}})
	if jsonErr != nil {
		return nil // two strings and a number
	}
	return body
}

// sweep removes the consumers that read more than their subscribers may now, of
// those that wait for it, and lets these in.
func (d *door) sweep(ctx context.Context) error {
	js, err := jetstream.New(d.nc)
	if err != nil {
		return err
	}
	for _, u := range d.gate.waiting() {
		if err := d.sweepOne(ctx, js, u); err != nil {
			return fmt.Errorf("look at the consumer of subscriber %s: %w", u.Name, err)
		}
		d.gate.swept(u)
	}
	return nil
}

func (d *door) sweepOne(ctx context.Context, js jetstream.JetStream, u User) error {
	d.one.Lock()
	defer d.one.Unlock()
	c, err := js.Consumer(ctx, streamName, u.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	config := c.CachedInfo().Config
	if u.mayRead(slices.Concat(config.FilterSubjects, filled(config.FilterSubject))) == nil {
		return nil
	}
	d.gate.log.Warn("the consumer of a subscriber reads more than it may now, and is removed", "subscriber", u.Name)
	err = js.DeleteConsumer(ctx, streamName, u.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	return err
}
