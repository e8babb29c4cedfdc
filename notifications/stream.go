package notifications

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/eventstore"
)

// duplicateWindow is as short as JetStream allows. The chain of sequences keeps
// out what is there already; the window only lets JetStream take for stored what
// was stored and is lost.
const duplicateWindow = 100 * time.Millisecond

// streamConfig keeps everything for ever, and removes nothing by itself.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Stream, Subjects: []string{Subjects}, Description: "What a supportledger has recorded; a copy, and never the truth",
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxConsumers: -1, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
		Duplicates: duplicateWindow, Replicas: replicas, Compression: jetstream.S2Compression,
		AllowRollup: true, // how everything is replaced at once
	}
}

// A place is where the feed goes on.
type place struct {
	seq      uint64              // the stream's last sequence, which the next message follows
	ordinal  uint64              // how many messages there should be by then
	position eventstore.Position // of the last event that is there
	missing  int64               // how many of them are not there; below 0: too many are
	replace  bool                // the next message replaces all others
}

// resume finds where to go on: what the stream really holds.
func (f *Feed) resume(ctx context.Context, js jetstream.JetStream) (place, jetstream.Stream, error) {
	stream, err := f.findStream(ctx, js)
	if err != nil {
		return place{}, nil, err
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return place{seq: state.LastSeq}, stream, nil
	}
	last, err := lastMessage(ctx, stream, state.LastSeq)
	if err != nil {
		return place{}, nil, err
	}
	if last.Sequence > state.LastSeq {
		return place{}, nil, fmt.Errorf("%w: somebody else publishes", errMoved)
	}
	said, err := readTold(last.Header)
	if err != nil {
		return place{}, nil, foreign(last, err)
	}
	if err := f.mustBeOursAll(ctx, stream, state); err != nil {
		return place{}, nil, err
	}
	if err := f.mustBeOurs(ctx, said); err != nil {
		return place{}, nil, err
	}
	at := place{seq: state.LastSeq, ordinal: said.ordinal, position: said.position}
	if state.Msgs == said.ordinal {
		return at, stream, nil
	}
	return f.heal(at, state), stream, nil
}

// findStream finds the stream, makes it if there is none, and sees to it that it
// is kept as it should be.
func (f *Feed) findStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	want := streamConfig(f.replicas)
	stream, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		f.log.Info("the feed makes its stream", "stream", Stream)
		stream, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("find stream %s: %w", Stream, err)
	}
	have := stream.CachedInfo().Config
	if sameConfig(have, want) {
		return stream, nil
	}
	f.log.Warn("the stream is configured otherwise than the feed needs it; it is put right", "stream", Stream)
	want.Placement, want.Metadata = have.Placement, nil
	updated, err := js.UpdateStream(ctx, want)
	if errors.As(err, new(jetstream.JetStreamError)) {
		return nil, refuse("stream %s is configured otherwise than the feed needs it, and NATS refuses to change it (%v): "+
			"remove the stream, so that it is made and filled again", Stream, err)
	}
	if err != nil {
		return nil, fmt.Errorf("configure stream %s: %w", Stream, err)
	}
	return updated, nil
}

// sameConfig compares what the feed depends on with what it needs; the rest is the
// operator's.
func sameConfig(a, b jetstream.StreamConfig) bool {
	return slices.Equal(a.Subjects, b.Subjects) && a.Retention == b.Retention && a.Storage == b.Storage &&
		a.Discard == b.Discard && a.MaxMsgs == b.MaxMsgs && a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge &&
		a.MaxMsgsPerSubject == b.MaxMsgsPerSubject && a.MaxMsgSize == b.MaxMsgSize && a.Duplicates == b.Duplicates &&
		a.Replicas == b.Replicas && a.AllowRollup == b.AllowRollup && a.Sealed == b.Sealed && a.NoAck == b.NoAck &&
		len(a.Sources) == 0 && a.SubjectTransform == nil
}

// lastMessage reads the newest message that is there; the newest that ever was
// may have been deleted.
func lastMessage(ctx context.Context, stream jetstream.Stream, seq uint64) (*jetstream.RawStreamMsg, error) {
	last, err := stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		last, err = stream.GetLastMsgForSubject(ctx, Subjects)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("%w: its last message went away", errMoved)
	}
	if err != nil {
		return nil, fmt.Errorf("read the last message of stream %s: %w", Stream, err)
	}
	return last, nil
}

// mustBeOurs compares the last message with the log.
func (f *Feed) mustBeOurs(ctx context.Context, said told) error {
	if said.source != f.source {
		return refuse("stream %s belongs to another installation, %s, and this is %s: give each its own NATS account or server, "+
			"or remove the stream if nobody needs it", Stream, said.source, f.source)
	}
	head, err := f.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask for the log's head: %w", err)
	}
	if said.position > head {
		return refuse("stream %s is ahead of the log: its last message is of position %v, the log ends at %v, as after restoring an older "+
			"backup. %s", Stream, said.position, head, wayOut)
	}
	for r, err := range f.store.ReadAll(ctx, said.position-1) {
		if err != nil {
			return fmt.Errorf("compare the stream with the log: %w", err)
		}
		if r.Position == said.position && r.ID == said.id {
			return nil
		}
		break
	}
	return refuse("stream %s does not belong to this log: its last message is event %v of position %v, where the log has another, as after "+
		"restoring an older backup and going on with it. %s", Stream, said.id, said.position, wayOut)
}

const wayOut = "Put the newer log back; or tell the subscribers that what they have seen beyond the log is void, and remove the stream " +
	"(of a ledger's own NATS server: the folder nats, while the ledger is stopped), so that it is made and filled again"

// heal decides what to do about a stream that lacks messages before its last, or
// holds too many: what is missing cannot be put back in its place, so everything
// is published again in place of what is there.
func (f *Feed) heal(at place, state jetstream.StreamState) place {
	at.missing = int64(at.ordinal) - int64(state.Msgs)
	if at.missing != f.progress.missing.Swap(max(0, at.missing)) {
		f.metrics.gaps.Inc()
	}
	attrs := []any{"stream", Stream, "missing", at.missing, "messages", state.Msgs, "first", state.FirstSeq, "last", state.LastSeq}
	if time.Now().Before(f.heals.next()) {
		f.log.Error("the stream lacks messages again, so soon after it was filled; subscribers that begin now miss them until it is filled again",
			append(attrs, "not before", f.heals.next())...)
		return at
	}
	f.log.Error("the stream lacks messages; everything is published again in place of what it holds", attrs...)
	return place{seq: at.seq, replace: true}
}
