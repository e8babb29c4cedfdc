package notifications_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/notifications"
)

// Whatever NATS loses comes again, and the stream is the log.
func TestR38_WhatNATSLosesComesAgain(t *testing.T) {
	ctx := context.Background()
	n := many(100, 100_000)
	for what, lose := range map[string]func(t *testing.T, r *rig, stopped bool){
		"the tail": func(t *testing.T, r *rig, stopped bool) {
			stream, tail := r.stream(), 10 // few enough to be gone at once
			if stopped {
				tail = n / 10
			}
			for seq := n - tail + 1; seq <= n; seq++ {
				must(t, stream.DeleteMsg(ctx, uint64(seq)))
			}
		},
		"the last message": func(t *testing.T, r *rig, _ bool) { must(t, r.stream().DeleteMsg(ctx, uint64(n))) },
		"everything":       func(t *testing.T, r *rig, _ bool) { must(t, r.stream().Purge(ctx)) },
		"the stream":       func(t *testing.T, r *rig, _ bool) { must(t, r.js().DeleteStream(ctx, notifications.Stream)) },
		"the head":         func(t *testing.T, r *rig, _ bool) { must(t, r.stream().Purge(ctx, jetstream.WithPurgeSequence(30))) },
		"the first":        func(t *testing.T, r *rig, _ bool) { must(t, r.stream().DeleteMsg(ctx, 1)) },
		"one in between":   func(t *testing.T, r *rig, _ bool) { must(t, r.stream().DeleteMsg(ctx, 50)) },
		"its folder": func(t *testing.T, r *rig, _ bool) {
			r.stopBroker()
			must(t, os.RemoveAll(filepath.Join(r.dir, "nats")))
			r.startBroker()
		},
	} {
		for when, stopped := range map[string]bool{"while stopped": true, "while running": false} {
			t.Run(what+" "+when, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.appendBy(n/1000, n)
				r.startFeed()
				r.caughtUp()
				if stopped {
					r.stopFeed()
				}
				lose(t, r, stopped)
				if stopped {
					r.append(20)
					r.startFeed()
				} else if what == "its folder" {
					r.stopFeed() // it has the old broker
					r.startFeed()
				}
				r.whole()
			})
		}
	}
}

// whole waits until the stream holds as many messages as the log has events, and
// compares them.
func (r *rig) whole() {
	r.t.Helper()
	stream := r.stream()
	r.nearer("the whole stream", uint64(r.made), func() uint64 {
		info, err := stream.Info(context.Background())
		if err != nil {
			return 0
		}
		return info.State.Msgs
	})
	r.caughtUp()
	r.mustBeTheLog()
}

// A purge in the middle of publishing leaves no gap.
func TestR38_APurgeUnderLoadLeavesNoGap(t *testing.T) {
	r := newRig(t)
	r.startFeed()
	r.append(1)
	stream := r.stream()
	for n := range 600 {
		r.append(1)
		if n == 200 {
			must(t, stream.Purge(context.Background()))
		}
	}
	r.whole()
}

// An older copy of its folder is what a machine comes back with that has lost
// power.
func TestR38_AnOlderCopyOfTheServersFilesIsMadeUpTo(t *testing.T) {
	r := newRig(t)
	r.append(60)
	r.startFeed()
	r.caughtUp()
	r.stopFeed()
	r.stopBroker()
	nats, copied := filepath.Join(r.dir, "nats"), filepath.Join(r.dir, "copy")
	must(t, os.CopyFS(copied, os.DirFS(nats)))
	r.startBroker()
	r.append(60)
	r.startFeed()
	r.caughtUp()
	r.stopFeed()
	r.stopBroker()
	must(t, os.RemoveAll(nats))
	must(t, os.Rename(copied, nats))
	r.startBroker()
	r.startFeed()
	r.whole()
}

// A stream that keeps losing messages is filled again once, and then told about.
func TestR38_AStreamThatKeepsLosingIsTold(t *testing.T) {
	r := newRig(t)
	r.append(50)
	r.startFeed()
	r.caughtUp()
	stream := r.stream()
	must(t, stream.DeleteMsg(context.Background(), 10))
	r.untilSaid("everything is published again")
	r.whole()
	info, err := stream.Info(context.Background())
	must(t, err)
	must(t, stream.DeleteMsg(context.Background(), info.State.FirstSeq+5))
	r.untilSaid("so soon after")
	r.append(10)
	r.caughtUp() // at the tail all the same
	r.mustMeasure("supportledger_feed_missing", 1)
	r.mustMeasure("supportledger_feed_gaps_total", 2)
	r.mustMeasure("supportledger_feed_lag", 0)
	r.mustMeasure("supportledger_feed_connected", 1)
	must(t, stream.Purge(context.Background()))
	r.whole()
	r.mustMeasure("supportledger_feed_missing", 0)
}

// A stream that cannot be this log's is left alone, until somebody has put that
// right.
func TestR38_AStreamOfAnotherInstallationIsRefused(t *testing.T) {
	r := newRig(t)
	r.append(10)
	other := uuid.MustParse("00000000-0000-4000-8000-0000000000bb")
	r.startFeedAs(other, 1)
	r.caughtUp()
	r.stopFeed()
	r.startFeed()
	r.untilSaid("belongs to another installation, urn:uuid:" + other.String())
	r.append(5)
	if n := len(r.messages()); n != 10 {
		t.Errorf("the stream holds %d messages", n)
	}
	r.mustMeasure("supportledger_feed_connected", 0)
	must(t, r.js().DeleteStream(context.Background(), notifications.Stream))
	r.whole()
	r.mustMeasure("supportledger_feed_connected", 1)
}

func TestR38_AStreamAheadOfARestoredLogIsRefused(t *testing.T) {
	r := newRig(t)
	r.append(10)
	r.startFeed()
	r.caughtUp()
	r.stopFeed()
	must(t, r.store.Close())
	r.store, r.made = r.openLog("restored"), 0
	clear(r.last)
	r.append(5) // the same events as the first five
	r.startFeed()
	r.untilSaid("is ahead of the log: its last message is of position 10, the log ends at 5")
	r.stopFeed()
	r.made = 100 // others from here on
	r.append(10)
	r.startFeed()
	r.untilSaid("does not belong to this log")
	must(t, r.stream().Purge(context.Background()))
	r.until("the log", func() bool { return len(r.messages()) == 15 })
	r.mustBeTheLog()
}

func TestR38_AMessageThatNoLedgerPublishedIsRefused(t *testing.T) {
	r := newRig(t)
	r.append(10)
	r.startFeed()
	r.caughtUp()
	js, foreign := r.js(), []uint64{}
	for range 3 { // in the middle of publishing
		ack, err := js.PublishMsg(context.Background(), &nats.Msg{Subject: "ledger.events.incident.made-up.x", Data: []byte("{}")})
		must(t, err)
		foreign = append(foreign, ack.Sequence)
		r.append(20)
	}
	r.untilSaid("no ledger has published")
	for _, seq := range foreign {
		must(t, r.stream().DeleteMsg(context.Background(), seq))
	}
	r.whole()
	if strings.Contains(r.said.String(), "lacks messages") {
		t.Errorf("a message was left out:\n%s", r.said)
	}
}

// The stream is as the feed needs it, whoever made or changed it.
func TestR38_AStreamWithLimitsIsPutRight(t *testing.T) {
	r := newRig(t)
	_, err := r.js().CreateStream(context.Background(), jetstream.StreamConfig{
		Name: notifications.Stream, Subjects: []string{notifications.Subjects}, MaxMsgs: 10,
	})
	must(t, err)
	r.append(50)
	r.startFeed()
	r.whole()
	r.untilSaid("it is put right")
}

// Whatever somebody changes while the feed publishes is put right before it does
// harm.
func TestR38_AnEditedStreamIsPutRight(t *testing.T) {
	for what, edit := range map[string]func(*jetstream.StreamConfig){
		"an age":           func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"no confirmations": func(c *jetstream.StreamConfig) { c.NoAck = true },
		"other subjects":   func(c *jetstream.StreamConfig) { c.Subjects = []string{"other"} },
		"a source":         func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "OTHER"}} },
		"a transformation": func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "ledger.events.>", Destination: "other.>"}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.append(20)
			r.startFeed()
			r.caughtUp()
			right := r.stream().CachedInfo().Config
			wrong := right
			edit(&wrong)
			_, err := r.js().UpdateStream(context.Background(), wrong)
			must(t, err)
			r.until("the right configuration", func() bool {
				config := r.stream().CachedInfo().Config
				return config.MaxAge == 0 && !config.NoAck && config.Subjects[0] == notifications.Subjects && config.Sources == nil && config.SubjectTransform == nil
			})
			r.append(20)
			r.whole()
		})
	}
}

// A server that takes no message of that size is told about, and what to do.
func TestR38_AMessageThatIsTooLongForTheServerIsNamed(t *testing.T) {
	r := newRig(t)
	s := serveNATS(t, func(o *server.Options) { o.MaxPayload = 2000 })
	r.dial = notifications.Remote{URL: "nats://" + s.Addr().String()}.Dial
	r.record(installation, &contract.Suspended{Reason: strings.Repeat("long ", 500)})
	r.startFeed()
	r.untilSaid("the event of position 1 has")
	r.untilSaid("max_payload of the NATS server: raise it")
}

// After a while it is filled again.
func TestR38_AStreamThatLosesAgainIsFilledAgainLater(t *testing.T) {
	r := newRig(t)
	r.append(50)
	r.feed = r.newFeed(installation, 1)
	r.feed.HealAgainAfter(2 * time.Second)
	r.runFeed()
	r.caughtUp()
	for range 2 {
		info, err := r.stream().Info(context.Background())
		must(t, err)
		must(t, r.stream().DeleteMsg(context.Background(), info.State.FirstSeq))
		r.whole()
	}
	r.untilSaid("it may be filled again")
}
