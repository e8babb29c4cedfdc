package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ordered is an ordered consumer of a client's own, as its library makes it.
func (r *rig) ordered(c *client, filters ...string) jetstream.Consumer {
	r.t.Helper()
	o, err := c.js.OrderedConsumer(r.soon(), "LEDGER", jetstream.OrderedConsumerConfig{FilterSubjects: filters})
	must(r.t, err)
	return o
}

// next reads n messages.
func (r *rig) next(from jetstream.MessagesContext, n int) (subjects []string) {
	r.t.Helper()
	for range n {
		m, err := from.Next(jetstream.NextContext(r.soon()))
		must(r.t, err)
		subjects = append(subjects, m.Subject())
	}
	return subjects
}

func submitted(from, to int) (subjects []string) {
	for n := from; n < to; n++ {
		subjects = append(subjects, fmt.Sprint("ledger.events.incident.submitted.", n))
	}
	return subjects
}

// An ordered consumer reads what its subscriber may read, in order, and goes on
// where it stood when the server has forgotten it.
func TestR38_AnOrderedConsumerReadsWhatItMay(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	stream, err := ani.js.Stream(r.soon(), "LEDGER")
	must(t, err)
	o, err := stream.OrderedConsumer(r.soon(), jetstream.OrderedConsumerConfig{FilterSubjects: []string{"ledger.events.incident.>"}})
	must(t, err)
	messages, err := o.Messages()
	must(t, err)
	defer messages.Stop()
	if got := r.next(messages, 30); !slices.Equal(got, submitted(0, 30)) {
		t.Fatalf("ani got %v", got)
	}
	for _, name := range r.consumers() {
		must(t, r.own.DeleteConsumer(r.soon(), "LEDGER", name))
	}
	for n := 30; n < 40; n++ {
		_, err := r.own.Publish(r.soon(), fmt.Sprint("ledger.events.incident.submitted.", n), []byte("{}"))
		must(t, err)
		_, err = r.own.Publish(r.soon(), fmt.Sprint("ledger.events.contract.registered.", n), []byte("{}"))
		must(t, err)
	}
	if got := r.next(messages, 10); !slices.Equal(got, submitted(30, 40)) {
		t.Fatalf("ani goes on with %v", got)
	}
	if got := r.consumers(); len(got) != 1 || !strings.HasPrefix(got[0], "subscriber_ani_") {
		t.Errorf("there are consumers %v", got)
	}
}

// Beside its durable consumer a subscriber may have four more, and each reads for
// itself.
func TestASubscriberHasPlacesForSoMany(t *testing.T) {
	r := newRig(t)
	ani, budi := r.connect("ani"), r.connect("budi")
	_, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	fleeting := jetstream.ConsumerConfig{FilterSubject: "ledger.events.incident.>", AckPolicy: jetstream.AckNonePolicy}
	var all []jetstream.Consumer
	for range 4 {
		c, err := ani.js.CreateConsumer(r.soon(), "LEDGER", fleeting)
		must(t, err)
		all = append(all, c)
	}
	if _, err := ani.js.CreateConsumer(r.soon(), "LEDGER", fleeting); err == nil || !strings.Contains(err.Error(), "you have 4 consumers that are not durable") {
		t.Errorf("a fifth: %v", err)
	}
	r.ordered(budi, "ledger.events.contract.>")
	batch, err := all[1].Fetch(30)
	must(t, err)
	n := 0
	for range batch.Messages() {
		n++
	}
	if n != 30 || r.info(all[2]).NumPending != 30 {
		t.Errorf("%d messages from one, %d wait for another", n, r.info(all[2]).NumPending)
	}
	must(t, ani.js.DeleteConsumer(r.soon(), "LEDGER", all[1].CachedInfo().Name))
	again, err := ani.js.CreateConsumer(r.soon(), "LEDGER", fleeting)
	must(t, err)
	if info := r.info(again); !info.Config.MemoryStorage || info.Config.MaxRequestExpires == 0 {
		t.Errorf("it is kept as %+v", info.Config)
	}
}

// What a consumer that is not durable may not be is refused with a sentence.
func TestR38_AFleetingConsumerIsRefusedWhatItMayNot(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	own := func(change func(*jetstream.ConsumerConfig)) jetstream.ConsumerConfig {
		c := jetstream.ConsumerConfig{Name: "x", FilterSubject: "ledger.events.incident.>", AckPolicy: jetstream.AckNonePolicy}
		change(&c)
		return c
	}
	for name, want := range map[string]struct {
		wish jetstream.ConsumerConfig
		says string
	}{
		"another's events":     {own(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "ledger.events.contract.>" }), "is not within ledger.events.incident.>"},
		"all events":           {own(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "" }), "filter_subject is missing"},
		"another's durable":    {own(func(c *jetstream.ConsumerConfig) { c.Name, c.Durable = "", "budi" }), "a durable consumer must be called ani, not budi"},
		"acknowledgements":     {own(func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckExplicitPolicy }), "make it durable and call it ani"},
		"kept for a day":       {own(func(c *jetstream.ConsumerConfig) { c.InactiveThreshold = 24 * 3600e9 }), "inactive_threshold must be at most 5m0s"},
		"pulls that are lost":  {own(func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = 3600e9 }), "max_expires must be"},
		"more than may wait":   {own(func(c *jetstream.ConsumerConfig) { c.MaxWaiting = 513 }), "max_waiting must be"},
		"a place of another's": {own(func(c *jetstream.ConsumerConfig) { c.Durable, c.Name = "subscriber_budi_1", "" }), "a durable consumer must be called ani"},
	} {
		if _, err := ani.js.CreateConsumer(r.soon(), "LEDGER", want.wish); err == nil || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names := r.consumers(); len(names) != 0 {
		t.Errorf("there are consumers %v", names)
	}
	for name, filters := range map[string][]string{"is not within": {"ledger.events.contract.>"}, "filter_subject is missing": nil} {
		_, err := ani.js.OrderedConsumer(r.soon(), "LEDGER", jetstream.OrderedConsumerConfig{FilterSubjects: filters})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("ordered, %v: %v", filters, err)
		}
	}
	old, err := ani.JetStream()
	must(t, err)
	_, err = old.SubscribeSync("ledger.events.incident.>", nats.OrderedConsumer(), nats.BindStream("LEDGER"))
	if err == nil || !strings.Contains(err.Error(), "push are not served") {
		t.Errorf("an ordered consumer of the older kind: %v", err)
	}
}

// A subscriber is shown where the stream begins and ends, and nothing of what
// others read or of what is in it.
func TestR38_ASubscriberSeesWhereTheStreamEnds(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	r.ordered(r.connect("budi"), "ledger.events.contract.>")
	stream, err := ani.js.Stream(r.soon(), "LEDGER")
	must(t, err)
	info, err := stream.Info(r.soon(), jetstream.WithSubjectFilter(">"), jetstream.WithDeletedDetails(true))
	must(t, err)
	if s := info.State; s.Msgs != 90 || s.FirstSeq != 1 || s.LastSeq != 90 || info.Config.Name != "LEDGER" {
		t.Errorf("ani sees %+v", info)
	}
	if s := info.State; len(s.Subjects) > 0 || s.NumSubjects != 0 || s.Consumers != 0 || s.Bytes != 0 || info.Cluster != nil {
		t.Errorf("ani sees too much: %+v", info)
	}
	must(t, r.own.DeleteStream(r.soon(), "LEDGER"))
	if _, err := ani.js.Stream(r.soon(), "LEDGER"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a stream that is not there: %v", err)
	}
}

// Who may read less from now on loses the consumers that read more.
func TestR38_AFleetingConsumerOfWhoMayReadLessIsRemoved(t *testing.T) {
	r := newRig(t)
	r.add("citra", "ledger.events.>")
	citra := r.connect("citra")
	r.ordered(citra, "ledger.events.contract.>")
	r.ordered(citra, "ledger.events.incident.>")
	r.remove("citra")
	r.until("citra is shown out", func() bool { return citra.IsClosed() })
	r.add("citra", "ledger.events.incident.>")
	r.connect("citra")
	names := r.consumers()
	if len(names) != 1 {
		t.Fatalf("there are consumers %v", names)
	}
	left, err := r.own.Consumer(context.Background(), "LEDGER", names[0])
	must(t, err)
	if f := left.CachedInfo().Config.FilterSubject; f != "ledger.events.incident.>" {
		t.Errorf("what is left reads %s", f)
	}
}
