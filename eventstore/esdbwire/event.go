package esdbwire

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/supportledger/supportledger/eventstore"
)

// Keys of an event's system metadata.
const (
	metaType        = "type"
	metaContentType = "content-type"
	metaCreated     = "created"
)

const (
	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// ticks is a time as the protocol has it: units of 100 ns since 1970.
func ticks(t time.Time) int64 { return t.UnixNano() / 100 }

// contentType tells an object of JSON from anything else. What a client has said
// about it is not kept.
func contentType(data []byte) string {
	if n := len(data); n >= 2 && data[0] == '{' && data[n-1] == '}' {
		return contentJSON
	}
	return contentBinary
}

func structured(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// readUUID reads either form; the zero UUID where there is none.
func readUUID(id *shared.UUID) uuid.UUID {
	if s := id.GetStructured(); s != nil {
		var u uuid.UUID
		binary.BigEndian.PutUint64(u[:8], uint64(s.MostSignificantBits))
		binary.BigEndian.PutUint64(u[8:], uint64(s.LeastSignificantBits))
		return u
	}
	u, err := uuid.Parse(id.GetString_())
	if err != nil {
		return uuid.Nil
	}
	return u
}

// A writer makes the messages of one read.
type writer struct{ stringIDs bool }

func (w writer) event(r *eventstore.Record) *streams.ReadResp {
	id := structured(r.ID)
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

// systemMetadata is an event's metadata as it goes over the wire. Making a map of
// it, and going through that again, costs two thirds of what the rest does.
func systemMetadata(r *eventstore.Record) (b []byte) {
	b = make([]byte, 0, len(r.Type)+len(metaType+metaContentType+contentBinary+metaCreated)+48)
	b = appendEntry(b, metaType, r.Type)
	b = appendEntry(b, metaContentType, contentType(r.Data))
	return appendEntry(b, metaCreated, strconv.FormatInt(ticks(r.RecordedAt), 10))
}

func appendEntry(b []byte, key, value string) []byte {
	b = protowire.AppendTag(b, fieldMetadata, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(2+protowire.SizeBytes(len(key))+protowire.SizeBytes(len(value))))
	b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), key)
	return protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), value)
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
