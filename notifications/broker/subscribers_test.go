package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/notifications/broker"
)

// What a subscriber may do, it does with any NATS client.
func TestR38_ASubscriberReadsWhatItMay(t *testing.T) {
	r := newRig(t)
	ani, budi := r.connect("ani"), r.connect("budi")
	c, err := ani.js.CreateOrUpdateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	if got := r.pull(c, 20); len(got) != 20 || !strings.HasPrefix(got[0], "ledger.events.incident.submitted.") {
		t.Fatalf("ani got %v", got)
	}
	r.until("the acknowledgements", func() bool { return r.info(c).NumAckPending == 0 })
	again, err := r.connect("ani").js.Consumer(r.soon(), "LEDGER", "ani")
	must(t, err)
	if got := r.pull(again, 20); len(got) != 10 || got[0] != "ledger.events.incident.submitted.20" {
		t.Fatalf("ani goes on with %v", got)
	}
	both, err := budi.js.CreateConsumer(r.soon(), "LEDGER", consumer("budi", "ledger.events.contract.>", "ledger.events.grant.added.>"))
	must(t, err)
	if got := r.pull(both, 100); len(got) != 60 {
		t.Fatalf("budi got %d", len(got))
	}
	must(t, ani.js.DeleteConsumer(r.soon(), "LEDGER", "ani"))
	if _, err := ani.js.Consumer(r.soon(), "LEDGER", "ani"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("after deleting it: %v", err)
	}
	acked, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.*.7"))
	must(t, err)
	m, err := acked.Next()
	must(t, err)
	must(t, m.DoubleAck(r.soon()))
}

func (r *rig) info(c jetstream.Consumer) *jetstream.ConsumerInfo {
	r.t.Helper()
	info, err := c.Info(r.soon())
	must(r.t, err)
	return info
}

// A wish for a consumer that is not one's own is refused with a sentence.
func TestR38_ASubscriberIsRefusedConsumersThatAreNotItsOwn(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	own := func(change func(*jetstream.ConsumerConfig)) jetstream.ConsumerConfig {
		c := consumer("ani", "ledger.events.incident.>")
		change(&c)
		return c
	}
	for name, want := range map[string]struct {
		wish jetstream.ConsumerConfig
		says string
	}{
		"another's events":       {consumer("ani", "ledger.events.contract.>"), `filter_subject "ledger.events.contract.>" is not within ledger.events.incident.>`},
		"all events":             {consumer("ani", "ledger.events.>"), "is not within"},
		"everything":             {consumer("ani", ">"), "is not within"},
		"any noun":               {consumer("ani", "ledger.events.*.>"), "is not within"},
		"one of two too far":     {consumer("ani", "ledger.events.incident.closed.>", "ledger.events.contract.>"), "is not within"},
		"no filter":              {own(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "" }), "filter_subject is missing"},
		"without bound":          {own(func(c *jetstream.ConsumerConfig) { c.MaxAckPending = -1 }), "max_ack_pending must be"},
		"more than may wait":     {own(func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 10_001 }), "max_ack_pending must be"},
		"many pulls":             {own(func(c *jetstream.ConsumerConfig) { c.MaxWaiting = 513 }), "max_waiting must be"},
		"no time to acknowledge": {own(func(c *jetstream.ConsumerConfig) { c.AckWait = time.Millisecond }), "ack_wait and backoff must be"},
		"no time to try again":   {own(func(c *jetstream.ConsumerConfig) { c.BackOff, c.MaxDeliver = []time.Duration{1}, 2 }), "ack_wait and backoff must be"},
		"pulls that are lost":    {own(func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = time.Hour }), "max_expires must be"},
		"many filters":           {consumer("ani", manyFilters(101)...), "filter_subjects may have 100 entries, and has 101"},
		"long":                   {own(func(c *jetstream.ConsumerConfig) { c.Description = strings.Repeat("x", 40_000) }), "the request has"},
	} {
		_, err := ani.js.CreateConsumer(r.soon(), "LEDGER", want.wish)
		if err == nil || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	push := own(func(c *jetstream.ConsumerConfig) { c.DeliverSubject = "$JS.API.STREAM.PURGE.LEDGER" })
	if _, err := ani.js.CreatePushConsumer(r.soon(), "LEDGER", push); err == nil || !strings.Contains(err.Error(), "push are not served") {
		t.Errorf("push: %v", err)
	}
	for name, body := range map[string]string{
		"another stream": `{"stream_name": "NOTICES", "config": {"filter_subject": "ledger.events.incident.>", "ack_policy": "explicit"}}`,
		"another name":   `{"stream_name": "LEDGER", "config": {"name": "budi", "filter_subject": "ledger.events.incident.>", "ack_policy": "explicit"}}`,
		"another one":    `{"stream_name": "LEDGER", "config": {"durable_name": "budi", "filter_subject": "ledger.events.incident.>", "ack_policy": "explicit"}}`,
		"no JSON":        `{`,
	} {
		answer, err := ani.Request("$JS.API.CONSUMER.CREATE.LEDGER.ani.ledger.events.incident.>", []byte(body), tooLong)
		must(t, err)
		if !refused(answer.Data) {
			t.Errorf("%s: %s", name, answer.Data)
		}
	}
	if names := r.consumers(); len(names) != 0 {
		t.Errorf("there are consumers %v", names)
	}
}

func manyFilters(n int) (filters []string) {
	for i := range n {
		filters = append(filters, fmt.Sprint("ledger.events.incident.*.", i))
	}
	return filters
}

// A pull that waits for longer than the way back of its answer is known would lose
// a message: it is refused.
func TestR38_APullThatWaitsTooLongIsRefused(t *testing.T) {
	r := newRig(t)
	c, err := r.connect("ani").js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	r.pull(c, 30)
	batch, err := c.Fetch(1, jetstream.FetchMaxWait(2*time.Minute))
	must(t, err)
	if m := <-batch.Messages(); m != nil || batch.Error() == nil || !strings.Contains(batch.Error().Error(), "MaxRequestExpires of 1m30s") {
		t.Errorf("got %v, %v", m, batch.Error())
	}
}

// Neither strangers nor a subscriber that connects again and again keep others out,
// least of all the ledger itself; nor do they fill its log.
func TestR38_NobodyIsKeptOutByOthers(t *testing.T) {
	r := newRig(t)
	r.connect("ani").Close() // to prove a password takes time
	r.connect("budi").Close()
	for range 100 {
		stranger, err := net.Dial("tcp", r.broker.Address())
		must(t, err)
		t.Cleanup(func() { _ = stranger.Close() })
	}
	for range 16 {
		_, err := r.try("ani", r.passwords["ani"])
		must(t, err)
	}
	for range 100 {
		r.refuses("ani", r.passwords["ani"])
	}
	_, err := r.try("budi", r.passwords["budi"])
	must(t, err)
	own, err := r.broker.Dial(r.soon())
	must(t, err)
	defer own.Close()
	must(t, own.FlushTimeout(tooLong))
	if n := strings.Count(r.said.String(), "ani has 16 connections"); n == 0 || n > 50 {
		t.Errorf("it was said %d times:\n%s", n, r.said)
	}
}

// A subscriber that wishes without end waits for itself.
func TestR38_NobodyWaitsForAnothersWishes(t *testing.T) {
	r := newRig(t)
	ani, budi := r.connect("ani"), r.connect("budi")
	for range 100_000 {
		must(t, ani.PublishMsg(&nats.Msg{Subject: "$JS.API.STREAM.INFO.LEDGER", Reply: "_INBOX.nobody"}))
	}
	must(t, ani.Flush())
	began := time.Now()
	for range 10 {
		c, err := budi.js.CreateOrUpdateConsumer(r.soon(), "LEDGER", consumer("budi", "ledger.events.contract.>"))
		must(t, err)
		r.info(c)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("budi's wishes took %v", took)
	}
	r.until("a word about ani", func() bool {
		return strings.Contains(r.said.String(), "wishes more than can be answered") && strings.Contains(r.said.String(), "subscriber=ani")
	})
	if _, err := ani.js.Stream(r.soon(), "LEDGER"); err != nil {
		t.Errorf("ani is not answered any more: %v", err)
	}
}

func (r *rig) consumers() (names []string) {
	r.t.Helper()
	stream, err := r.own.Stream(r.soon(), "LEDGER")
	must(r.t, err)
	for name := range stream.ConsumerNames(r.soon()).Name() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// An attempt is a message that a subscriber must not get through.
type attempt struct {
	subject, body, reply string
	header               nats.Header
}

// attempts are whatever a subscriber might try to change or see more than its
// own consumer.
func attempts() []attempt {
	spoofed := nats.Header{"Nats-Request-Info": {`{"acc": "$G", "user": "supportledger_itself"}`}}
	all := []attempt{
		{subject: "ledger.events.incident.submitted.forged", body: "{}"},
		{subject: "ledger.door.budi.create", body: `{"stream_name": "LEDGER"}`},
		{subject: "$KV.LEDGER.x"}, {subject: "$O.LEDGER.x"}, {subject: "_INBOX.x"}, {subject: "_R_.x"},
		{subject: "$SYS.REQ.SERVER.PING"}, {subject: "$SYS.REQ.ACCOUNT.$G.CONNZ"}, {subject: "$SYS.REQ.USER.INFO"},
		{subject: "$JS.ACK.LEDGER.budi.1.1.1.1.0"},
		{subject: "$JS.ACK.LEDGER.budi.1.1.1.1.0", body: "+TERM"},
		{subject: "ledger.door.budi.delete.budi"}, {subject: "ledger.door.ani.delete.budi"}, {subject: "$JS.ACK.LEDGER.subscriber_budi_1.1.1.1.1.0"},
	}
	for place := range 4 {
		all = append(all, attempt{subject: fmt.Sprint("ledger.place.budi.", place)}, attempt{subject: fmt.Sprint("ledger.place.ani.", place)})
	}
	for _, call := range []string{
		"STREAM.PURGE.LEDGER", "STREAM.DELETE.LEDGER", "STREAM.INFO.OTHER", "STREAM.MSG.GET.LEDGER", "STREAM.MSG.DELETE.LEDGER",
		"STREAM.SNAPSHOT.LEDGER", "STREAM.RESTORE.LEDGER", "STREAM.UPDATE.LEDGER", "STREAM.CREATE.OTHER", "STREAM.LIST", "STREAM.NAMES",
		"STREAM.LEADER.STEPDOWN.LEDGER", "STREAM.PEER.REMOVE.LEDGER", "DIRECT.GET.LEDGER", "DIRECT.GET.LEDGER.ledger.events.incident.submitted.1",
		"CONSUMER.LIST.LEDGER", "CONSUMER.NAMES.LEDGER", "CONSUMER.INFO.LEDGER.budi", "CONSUMER.DELETE.LEDGER.budi", "CONSUMER.PAUSE.LEDGER.budi",
		"CONSUMER.INFO.LEDGER.subscriber_budi_1", "CONSUMER.DELETE.LEDGER.subscriber_budi_1", "CONSUMER.MSG.NEXT.LEDGER.subscriber_budi_1",
		"CONSUMER.MSG.NEXT.LEDGER.budi", "CONSUMER.RESET.LEDGER.budi", "CONSUMER.UNPIN.LEDGER.budi",
		"CONSUMER.CREATE.LEDGER", "CONSUMER.CREATE.LEDGER.budi", "CONSUMER.CREATE.LEDGER.budi.ledger.events.contract.>",
		"CONSUMER.DURABLE.CREATE.LEDGER.ani", "CONSUMER.DURABLE.CREATE.LEDGER.budi", "INFO", "ACCOUNT.PURGE.$G", "META.LEADER.STEPDOWN",
	} {
		all = append(all, attempt{subject: "$JS.API." + call}, attempt{subject: "$JS.API." + call, header: spoofed,
			body: `{"stream_name": "LEDGER", "seq": 1, "config": {"name": "budi", "durable_name": "budi", "filter_subject": "ledger.events.contract.>"}}`})
	}
	// Where an answer goes is part of the request, too.
	for _, to := range []string{
		"$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.DELETE.LEDGER", "$JS.API.CONSUMER.DELETE.LEDGER.budi", "$JS.API.CONSUMER.MSG.NEXT.LEDGER.budi",
		"$JS.API.CONSUMER.DELETE.LEDGER.subscriber_budi_1", "$JS.API.CONSUMER.MSG.NEXT.LEDGER.subscriber_budi_1",
		"ledger.place.budi.0", "ledger.place.budi.1", "ledger.place.budi.2", "ledger.place.budi.3", "ledger.door.budi.delete.budi",
		"ledger.events.incident.submitted.forged", "ledger.door.budi.create", "$JS.ACK.LEDGER.budi.1.1.1.1.0",
	} {
		for _, call := range []string{"MSG.NEXT.LEDGER.ani", "MSG.NEXT.LEDGER.subscriber_ani_1", "INFO.LEDGER.ani", "CREATE.LEDGER.ani.ledger.events.incident.>"} {
			all = append(all, attempt{subject: "$JS.API.CONSUMER." + call, reply: to, body: `{"batch": 1}`})
		}
	}
	return all
}

// The credentials of a subscriber cannot change the stream, nor anything of
// another subscriber.
func TestR38_ASubscriberCanDoNothingElse(t *testing.T) {
	r := newRig(t)
	ani, budi := r.connect("ani"), r.connect("budi")
	own, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	c, err := budi.js.CreateConsumer(r.soon(), "LEDGER", consumer("budi", "ledger.events.contract.>"))
	must(t, err)
	first, err := c.Next()
	must(t, err)
	fleeting, another := r.ordered(budi, "ledger.events.contract.>"), r.ordered(ani, "ledger.events.incident.>")
	names := strings.NewReplacer("subscriber_budi_1", nameOf(t, fleeting), "subscriber_ani_1", nameOf(t, another))
	before, held := r.picture(c)+r.picture(fleeting), first.Reply()
	for _, a := range attempts() {
		a.subject = strings.Replace(a.subject, "$JS.ACK.LEDGER.budi.1.1.1.1.0", held, 1)
		a.subject, a.reply = names.Replace(a.subject), names.Replace(a.reply)
		m := &nats.Msg{Subject: a.subject, Data: []byte(a.body), Header: a.header, Reply: a.reply}
		if a.reply != "" {
			must(t, ani.PublishMsg(m))
		} else if answer, err := ani.RequestMsg(m, 15*time.Millisecond); err == nil && !refused(answer.Data) {
			t.Errorf("%s was answered: %s", a.subject, answer.Data)
		}
	}
	must(t, ani.Flush())
	if got := r.pull(own, 1); len(got) != 1 { // whatever was accepted before has been done
		t.Errorf("ani pulled %v", got)
	}
	if after := r.picture(c) + r.picture(fleeting); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func nameOf(t *testing.T, c jetstream.Consumer) string {
	t.Helper()
	info, err := c.Info(t.Context())
	must(t, err)
	return info.Name
}

// refused says whether an answer is the door's that it does not open.
func refused(answer []byte) bool {
	var said struct{ Error *jetstream.APIError }
	return json.Unmarshal(answer, &said) == nil && said.Error != nil && said.Error.Code == 403
}

// picture is what nobody but budi and the ledger may change.
func (r *rig) picture(c jetstream.Consumer) string {
	r.t.Helper()
	stream, err := r.own.Stream(r.soon(), "LEDGER")
	must(r.t, err)
	state := stream.CachedInfo().State
	info := r.info(c)
	return fmt.Sprint(state.Msgs, state.FirstSeq, state.LastSeq, stream.CachedInfo().Config.Subjects, r.consumers(),
		info.Delivered.Consumer, info.AckFloor.Consumer, info.NumAckPending, info.NumPending, info.Config.FilterSubject)
}

// A subscriber hears nothing but what it has pulled.
func TestR38_ASubscriberHearsNothingElse(t *testing.T) {
	r := newRig(t)
	ani, budi := r.connect("ani"), r.connect("budi")
	heard := make(chan *nats.Msg, 1000)
	for _, subject := range []string{">", "ledger.>", "ledger.events.incident.>", "$JS.>", "$JS.API.>", "$SYS.>", "*.>", "_INBOX.>", "_R_.>", "$JS.EVENT.>"} {
		_, err := ani.ChanSubscribe(subject, heard)
		must(t, err)
	}
	must(t, ani.Flush())
	c, err := budi.js.CreateConsumer(r.soon(), "LEDGER", consumer("budi", "ledger.events.contract.>"))
	must(t, err)
	r.pull(c, 10)
	_, err = r.own.Publish(r.soon(), "ledger.events.incident.submitted.new", []byte("{}"))
	must(t, err)
	must(t, ani.Flush())
	select {
	case m := <-heard:
		t.Errorf("ani heard %s: %s", m.Subject, m.Data)
	default:
	}
	if n := strings.Count(ani.wrong.String(), "Permissions Violation for Subscription"); n != 9 {
		t.Errorf("%d subscriptions were refused:\n%s", n, ani.wrong)
	}
}

func TestOnlySubscribersComeIn(t *testing.T) {
	r := newRig(t)
	for name, password := range map[string]string{
		"ani": r.passwords["budi"], "citra": r.passwords["ani"], "": "", "supportledger_itself": "", "ANI": r.passwords["ani"],
	} {
		r.refuses(name, password)
	}
	if strings.Contains(r.said.String(), r.passwords["ani"]) {
		t.Error("the log tells a password")
	}
}

// The file of subscribers counts as it is now.
func TestTheFileOfSubscribersIsReadAgain(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	_, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	r.remove("ani")
	r.until("ani is shown out", func() bool { return ani.IsClosed() })
	r.refuses("ani", r.passwords["ani"])
	r.add("citra", "ledger.events.>")
	if got := r.connect("citra"); got == nil {
		t.Error("citra is not let in")
	}
	r.add("ani", "ledger.events.incident.closed.>")
	ani = r.connect("ani")
	if _, err := ani.js.Consumer(r.soon(), "LEDGER", "ani"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("ani keeps the consumer that reads more than it may now: %v", err)
	}
}

func TestAFileOfSubscribersWithAMistakeChangesNothing(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	writeFile(t, r.file, `{"users": [{"name": "ani"`)
	r.until("a word about it", func() bool { return strings.Contains(r.said.String(), "stay in force") })
	if !ani.IsConnected() {
		t.Error("ani was shown out")
	}
	r.connect("budi")
}

// After a restart everybody goes on where they stopped.
func TestASubscriberGoesOnAfterARestart(t *testing.T) {
	r := newRig(t)
	ani := r.connect("ani")
	c, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	r.pull(c, 12)
	r.until("the acknowledgements", func() bool { return r.info(c).NumAckPending == 0 })
	must(t, r.broker.Close())
	r.start(broker.Config{})
	ani = r.connect("ani")
	c, err = ani.js.Consumer(context.Background(), "LEDGER", "ani")
	must(t, err)
	if got := r.pull(c, 30); len(got) != 18 || got[0] != "ledger.events.incident.submitted.12" {
		t.Errorf("ani goes on with %v", got)
	}
}
