package esdb

import (
	"bytes"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// What is written by hand is what the protocol's stubs read.
func TestMessagesAreTheProtocols(t *testing.T) {
	at, id := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), uuid.New()
	for _, expected := range []eventstore.Revision{eventstore.NoStream, 0, 41} {
		w := write{at: at, Append: eventstore.Append{Stream: "contract", Expected: expected, Events: []eventstore.Event{
			{ID: uuid.New(), Type: "a.b.v1", Data: []byte(`{"a":1}`), Meta: []byte("who")},
			{ID: uuid.Max, Type: "a.b.v1", Data: []byte("{")},
			{ID: uuid.UUID{15: 1}, Type: "c.d.v1", Meta: bytes.Repeat([]byte{0xff}, 300)},
			{ID: uuid.New(), Type: "a.b.v1", Data: bytes.Repeat([]byte("long"), 70_000)},
		}}}
		b, err := w.message(id, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var got streams.BatchAppendReq
		if err := proto.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		o := got.GetOptions()
		first := o.GetNoStream() != nil && expected == eventstore.NoStream || expected >= 0 && o.GetStreamPosition() == uint64(expected)
		if !first || esdbproto.ReadUUID(got.GetCorrelationId()) != id || !got.GetIsFinal() || string(o.GetStreamIdentifier().GetStreamName()) != "contract" || o.GetDeadline().AsDuration() != time.Minute {
			t.Errorf("expected %d: options %v of %v", expected, o, got.GetCorrelationId())
		}
		if len(got.GetProposedMessages()) != len(w.Events) || len(got.ProtoReflect().GetUnknown()) != 0 {
			t.Fatalf("%d events", len(got.GetProposedMessages()))
		}
		for i, p := range got.GetProposedMessages() {
			e, said := w.Events[i], p.GetMetadata()
			if esdbproto.ReadUUID(p.GetId()) != e.ID || !bytes.Equal(p.GetData(), e.Data) || !bytes.Equal(p.GetCustomMetadata(), w.appendEnvelope(nil, i)) ||
				len(said) != 2 || said["type"] != e.Type || said["content-type"] != esdbproto.ContentType(e.Data) || len(p.ProtoReflect().GetUnknown()) != 0 {
				t.Errorf("event %d is read as %v %v", i, esdbproto.ReadUUID(p.GetId()), said)
			}
		}
	}
}
