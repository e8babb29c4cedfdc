package esdb

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// The events of an append are written into its message by hand: the stubs would make
// a map and some objects of each, which costs as much as deciding what it says.

// A message is a BatchAppendReq as it goes over the wire.
type message []byte

// The fields of the protocol's messages.
const (
	fieldProposed protowire.Number = 3 // of BatchAppendReq

	fieldID     protowire.Number = 1 // of BatchAppendReq.ProposedMessage, and so on
	fieldSaid   protowire.Number = 2
	fieldCustom protowire.Number = 3
	fieldData   protowire.Number = 4
)

// message is the whole of an append.
func (w *write) message(id uuid.UUID, timeout time.Duration) (message, error) {
	o := &streams.BatchAppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(w.Stream)},
		DeadlineOption:   &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(timeout)},
	}
	if o.ExpectedStreamPosition = (&streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(w.Expected)}); w.Expected == eventstore.NoStream {
		o.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	}
	head, err := proto.Marshal(&streams.BatchAppendReq{CorrelationId: esdbproto.UUID(id), Options: o, IsFinal: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventstore.ErrInvalid, err)
	}
	size := len(head)
	for i := range w.Events {
		e := &w.Events[i]
		size += len(e.Type) + len(e.Data) + len(e.Meta)*4/3 + proposedRoom
	}
	b := append(make(message, 0, size), head...) // what is repeated may stand apart from the rest
	said := map[[2]string][]byte{}               // few: an append's events are mostly of the same types
	var custom []byte
	for i := range w.Events {
		e := &w.Events[i]
		kind := [2]string{e.Type, esdbproto.ContentType(e.Data)}
		if said[kind] == nil {
			said[kind] = esdbproto.AppendEntry(esdbproto.AppendEntry(nil, fieldSaid, esdbproto.MetaType, kind[0]), fieldSaid, esdbproto.MetaContentType, kind[1])
		}
		custom = w.appendEnvelope(custom[:0], i)
		b = appendProposed(b, e.ID, said[kind], custom, e.Data)
	}
	return b, nil
}

// proposedRoom is more than what an event's message has besides texts of its own.
const proposedRoom = 256

// appendProposed appends a ProposedMessage.
func appendProposed(b []byte, id uuid.UUID, said, custom, data []byte) []byte {
	var room [2 * (1 + binary.MaxVarintLen64)]byte
	halves := protowire.AppendVarint(protowire.AppendTag(room[:0], 1, protowire.VarintType), binary.BigEndian.Uint64(id[:8]))
	halves = protowire.AppendVarint(protowire.AppendTag(halves, 2, protowire.VarintType), binary.BigEndian.Uint64(id[8:]))
	uuidSize := 1 + protowire.SizeBytes(len(halves))
	size := 3 + protowire.SizeBytes(uuidSize) + len(said) + protowire.SizeBytes(len(custom)) + protowire.SizeBytes(len(data))

	b = protowire.AppendVarint(protowire.AppendTag(b, fieldProposed, protowire.BytesType), uint64(size))
	b = protowire.AppendVarint(protowire.AppendTag(b, fieldID, protowire.BytesType), uint64(uuidSize))
	b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), halves)
	b = append(b, said...)
	b = protowire.AppendBytes(protowire.AppendTag(b, fieldCustom, protowire.BytesType), custom)
	return protowire.AppendBytes(protowire.AppendTag(b, fieldData, protowire.BytesType), data)
}

// A messageCodec sends messages, and reads answers as the stubs do.
type messageCodec struct{}

// Name is none: calls are then of the type application/grpc, as the client's are. Some
// servers compare that with its letters, and take application/grpc+proto for no gRPC.
func (messageCodec) Name() string { return "" }

func (messageCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(message))}, nil
}

func (messageCodec) Unmarshal(data mem.BufferSlice, v any) error {
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	return proto.Unmarshal(whole.ReadOnlyData(), v.(proto.Message))
}
