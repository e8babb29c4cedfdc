package esdb

import (
	"context"
	"errors"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/supportledger/supportledger/eventstore"
)

// The answer to an append tells where its last event stands, and those of a batch
// are read from the stream for their positions alone. Made into records that costs
// more than the rest of an append, so two numbers are taken out of each message as
// it comes, and the rest of it is passed over.

// Places are the positions of a stream's records from one revision to another, if the
// connection for appends can be asked; see eventstore.KnownPlaces.
func (s *Store) Places(ctx context.Context, stream string, from, to eventstore.Revision) ([]eventstore.Position, bool) {
	l := s.current()
	if l == nil || s.line.down() {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(s.line.authorized(leader(ctx)), placesPatience)
	defer cancel()
	places, err := l.places(ctx, stream, from, to)
	return places, err == nil
}

// placesPatience bounds how long they are waited for before the records are read.
const placesPatience = 2 * time.Second

// errOtherPlaces says that something else came than what was asked for. Reading the
// records finds out what is wrong.
var errOtherPlaces = errors.New("the answer has other records than those that were asked for")

// places reads them on the lane's connection.
func (l *lane) places(ctx context.Context, stream string, from, to eventstore.Revision) ([]eventstore.Position, error) {
	places := make([]eventstore.Position, 0, to-from+1)
	call, err := streams.NewStreamsClient(l.conn).Read(ctx, readFrom(stream, from, cap(places)), grpc.ForceCodecV2(placeCodec{}))
	for err == nil && len(places) < cap(places) {
		var p place
		if err = call.RecvMsg(&p); err != nil {
			break
		}
		if !p.found { // what else servers say about a stream
			continue
		}
		if p.revision != uint64(from)+uint64(len(places)) || p.position == 0 {
			return nil, errOtherPlaces
		}
		places = append(places, eventstore.Position(p.position))
	}
	return places, err
}

func readFrom(stream string, from eventstore.Revision, count int) *streams.ReadReq {
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: uint64(from)},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: uint64(count)},
		FilterOption: &streams.ReadReq_Options_NoFilter{},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{}},
	}}
}

// A place is what is wanted of a message: ReadResp.event.event has the numbers.
type place struct {
	revision, position uint64
	found              bool // the message is about an event
}

// The fields of the protocol's messages.
const (
	fieldEvent    protowire.Number = 1 // of ReadResp, and of ReadResp.ReadEvent
	fieldRevision protowire.Number = 3 // of ReadResp.ReadEvent.RecordedEvent
	fieldCommit   protowire.Number = 5 // likewise
)

// read takes the numbers out of a message.
func (p *place) read(message []byte) error {
	outer, err := field(message, fieldEvent)
	if err != nil || outer == nil {
		return err
	}
	event, err := field(outer, fieldEvent)
	if err != nil || event == nil {
		return errors.Join(errOtherPlaces, err)
	}
	for len(event) > 0 {
		number, kind, n := protowire.ConsumeTag(event)
		if n < 0 {
			return protowire.ParseError(n)
		}
		event = event[n:]
		if kind == protowire.VarintType && (number == fieldRevision || number == fieldCommit) {
			value, n := protowire.ConsumeVarint(event)
			if n < 0 {
				return protowire.ParseError(n)
			}
			if event = event[n:]; number == fieldRevision {
				p.revision = value
			} else {
				p.position = value
			}
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, event); n < 0 {
			return protowire.ParseError(n)
		}
		event = event[n:]
	}
	p.found = true
	return nil
}

// field is a message inside of a message; nil where it is not there.
func field(message []byte, wanted protowire.Number) ([]byte, error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		message = message[n:]
		if number == wanted && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message)
			return value, protowire.ParseError(min(n, 0))
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return nil, protowire.ParseError(n)
		}
		message = message[n:]
	}
	return nil, nil
}

// A placeCodec writes requests as the protocol has them and reads places.
type placeCodec struct{}

func (placeCodec) Name() string { return "proto" }

func (placeCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, err := proto.Marshal(v.(proto.Message)) // a request
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

func (placeCodec) Unmarshal(data mem.BufferSlice, v any) error {
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	return v.(*place).read(whole.ReadOnlyData())
}
