package notifications

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Messages of a stream with replicas do not name the id of the one before. A
// server of NATS that was away is given what it has missed, and does not learn
// from that which id was the last; by the next message that names one it gives its
// copy of the stream up (nats-server 2.15.2: "last msgid mismatch"), until it is
// started again. Another server that goes away then takes the stream along.
//
// Without ids a message of somebody else can take the place of one that is under
// way and is refused, and those behind it follow. So whatever came since the feed
// last knew is looked through before it goes on.
const tailMost = 4 * window // more than can be under way

// named says whether messages name the id of the one before.
func (f *Feed) named() bool { return f.replicas == 1 }

// mustBeOursAll looks through the newest messages of a stream for one that no
// ledger has published.
func (f *Feed) mustBeOursAll(ctx context.Context, stream jetstream.Stream, state jetstream.StreamState) error {
	if f.named() {
		return nil
	}
	if state.LastSeq < f.known {
		f.known = 0 // it is another stream
	}
	from := max(state.FirstSeq, f.known+1)
	if state.LastSeq > tailMost {
		from = max(from, state.LastSeq-tailMost+1)
	}
	for seq := from; seq <= state.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // how many there are is counted
		}
		if err != nil {
			return fmt.Errorf("read message %d of stream %s: %w", seq, Stream, err)
		}
		if _, err := readTold(m.Header); err != nil {
			return foreign(m, err)
		}
	}
	f.known = state.LastSeq
	return nil
}

// foreign refuses a message that no ledger has published.
func foreign(m *jetstream.RawStreamMsg, why error) error {
	return refuse("stream %s holds message %d on %s, which no ledger has published (%v): delete that message, "+
		"and let nobody else publish to %s", Stream, m.Sequence, m.Subject, why, Subjects)
}
