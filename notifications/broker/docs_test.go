package broker_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// lookOn is what docs/subscribing.md tells about ordered consumers, word for word.
func lookOn(ctx context.Context, nc *nats.Conn, take func(jetstream.Msg)) (jetstream.ConsumeContext, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	events, err := js.OrderedConsumer(ctx, "LEDGER", jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"ledger.events.incident.>"},
		DeliverPolicy:  jetstream.DeliverAllPolicy, // or by a sequence, by a time, or what comes from now on
	})
	if err != nil {
		return nil, err
	}
	following, err := events.Consume(func(m jetstream.Msg) { take(m) })
	return following, err
}

var goBlock = regexp.MustCompile("(?s)```go\n(js, err := .*?)```\n")

func TestWhatIsTaughtAboutOrderedConsumersWorks(t *testing.T) {
	r := newRig(t)
	got := make(chan string, 100)
	following, err := lookOn(r.soon(), r.connect("ani").Conn, func(m jetstream.Msg) { got <- m.Subject() })
	must(t, err)
	defer following.Stop()
	for _, want := range submitted(0, 30) {
		select {
		case subject := <-got:
			if subject != want {
				t.Fatalf("got %s, want %s", subject, want)
			}
		case <-r.soon().Done():
			t.Fatalf("%s never came", want)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "subscribing.md"))
	must(t, err)
	own, err := os.ReadFile("docs_test.go")
	must(t, err)
	block := goBlock.FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/subscribing.md teaches nothing about ordered consumers")
	}
	taught := "\t" + strings.ReplaceAll(strings.TrimSpace(string(block[1])), "\n", "\n\t")
	if !strings.Contains(strings.ReplaceAll(string(own), "return nil, err", "return err"), taught) {
		t.Errorf("docs/subscribing.md teaches what is not tested:\n%s", taught)
	}
}
