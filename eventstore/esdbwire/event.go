package esdbwire

import (
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// metaCreated is the key in an event's metadata that the server alone writes.
const metaCreated = "created"

// ticks is a time as the protocol has it: units of 100 ns since 1970.
func ticks(t time.Time) int64 { return t.UnixNano() / 100 }

// A writer makes the messages of one read.
type writer struct{ stringIDs bool }

func (w writer) event(r *eventstore.Record) *streams.ReadResp {
	id := esdbproto.UUID(r.ID)
	if w.stringIDs {
		id = &shared.UUID{Value: &shared.UUID_String_{String_: r.ID.String()}}
	}
	at := uint64(r.Position)
	event := &streams.ReadResp_ReadEvent_RecordedEvent{
		Id: id, StreamIdentifier: named(r.Stream), StreamRevision: uint64(r.Revision), PreparePosition: at, CommitPosition: at,
		CustomMetadata: r.Meta, Data: r.Data,
	}
	event.ProtoReflect().SetUnknown(systemMetadata(r))
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: event, Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: at},
	}}}
}

// fieldMetadata is RecordedEvent.metadata, a map.
const fieldMetadata protowire.Number = 6

// systemMetadata is an event's metadata as it goes over the wire.
func systemMetadata(r *eventstore.Record) (b []byte) {
	b = make([]byte, 0, len(r.Type)+len(esdbproto.MetaType+esdbproto.MetaContentType+esdbproto.Binary+metaCreated)+48)
	b = esdbproto.AppendEntry(b, fieldMetadata, esdbproto.MetaType, r.Type)
	b = esdbproto.AppendEntry(b, fieldMetadata, esdbproto.MetaContentType, esdbproto.ContentType(r.Data))
	return esdbproto.AppendEntry(b, fieldMetadata, metaCreated, strconv.FormatInt(ticks(r.RecordedAt), 10))
}

func named(stream string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(stream)}
}

func streamNotFound(stream string) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
		StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: named(stream)},
	}}
}

func lastStreamPosition(revision eventstore.Revision) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: uint64(revision)}}
}

func confirmation() *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}}
}

func checkpoint(p eventstore.Position) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: uint64(p), PreparePosition: uint64(p)},
	}}
}

func caughtUp() *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}
}
