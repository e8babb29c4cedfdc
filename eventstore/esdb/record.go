package esdb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// timeFormat is how a recorded time is written: microseconds, UTC.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// An envelope is an event's metadata in the cluster: the recorded time, what the
// writer says about the event, how many events of the append stand behind it, of
// whose last one the server tells the place, and whether a copy goes on behind them.
type envelope struct {
	RecordedAt string `json:"recorded_at"`
	Meta       []byte `json:"meta,omitempty"` // base64
	Behind     uint32 `json:"behind,omitempty"`
	Unfinished bool   `json:"unfinished,omitempty"`
}

// seal makes an event as the client takes it. The data is copied: a call that its
// caller has left may still be inside the client.
func (w *write) seal(i int) client.EventData {
	e, kind := &w.Events[i], client.ContentTypeBinary
	if esdbproto.ContentType(e.Data) == esdbproto.JSON {
		kind = client.ContentTypeJson
	}
	return client.EventData{EventID: e.ID, EventType: e.Type, ContentType: kind, Data: bytes.Clone(e.Data), Metadata: w.appendEnvelope(nil, i)}
}

// appendEnvelope appends the envelope of one of the append's events.
func (w *write) appendEnvelope(b []byte, i int) []byte {
	b = append(b, envelopeTime...)
	b = append(w.at.AppendFormat(b, timeFormat), '"')
	if meta := w.Events[i].Meta; len(meta) > 0 {
		b = append(b, envelopeMeta...)
		b = append(base64.StdEncoding.AppendEncode(b, meta), '"')
	}
	if behind := len(w.Events) - 1 - i; behind > 0 {
		b = append(b, envelopeBehind...)
		b = strconv.AppendInt(b, int64(behind), 10)
	}
	if w.Unfinished {
		b = append(b, envelopeUnfinished...)
	}
	return append(b, '}')
}

// unseal reads a record, and whether a copy goes on behind it. One that this
// package has not written is damage.
func unseal(r *client.RecordedEvent) (record eventstore.Record, unfinished bool, err error) {
	record = eventstore.Record{
		Position: eventstore.Position(r.Position.Commit), Stream: r.StreamID, Revision: eventstore.Revision(r.EventNumber),
		Event: eventstore.Event{ID: r.EventID, Type: r.EventType, Data: r.Data},
	}
	e, written := plain(r.UserMetadata)
	if !written {
		err = json.Unmarshal(r.UserMetadata, &e)
	}
	if err == nil {
		record.RecordedAt, err = time.Parse(timeFormat, e.RecordedAt)
	}
	if err != nil {
		return record, false, &eventstore.CorruptError{
			Position: record.Position, Where: fmt.Sprintf("stream %s@%d of the cluster", r.StreamID, r.EventNumber),
			Reason: "its metadata is none that a ledger writes (a ledger wants a cluster of its own): " + err.Error(),
		}
	}
	record.Meta, record.Behind = e.Meta, int(e.Behind)
	return record, e.Unfinished, nil
}

// The parts of an envelope as it is written here.
const (
	envelopeTime       = `{"recorded_at":"`
	envelopeMeta       = `,"meta":"`
	envelopeBehind     = `,"behind":`
	envelopeUnfinished = `,"unfinished":true`
)

// plain reads an envelope that is written as appendEnvelope does, without reading JSON;
// false where it may be written otherwise. Every event that is read has one.
func plain(b []byte) (e envelope, ok bool) {
	b, ok = bytes.CutPrefix(b, []byte(envelopeTime))
	if !ok || len(b) < len(timeFormat) {
		return e, false
	}
	e.RecordedAt, b = string(b[:len(timeFormat)]), b[len(timeFormat):]
	if b, ok = bytes.CutPrefix(b, []byte(`"`)); !ok {
		return e, false
	}
	if rest, has := bytes.CutPrefix(b, []byte(envelopeMeta)); has {
		var text []byte
		var err error
		text, b, ok = bytes.Cut(rest, []byte(`"`))
		if e.Meta, err = base64.StdEncoding.AppendDecode(nil, text); !ok || err != nil {
			return e, false
		}
	}
	if rest, has := bytes.CutPrefix(b, []byte(envelopeBehind)); has {
		if e.Behind, b, ok = number(rest); !ok {
			return e, false
		}
	}
	if rest, has := bytes.CutPrefix(b, []byte(envelopeUnfinished)); has {
		b, e.Unfinished = rest, true
	}
	return e, string(b) == "}"
}

// number cuts a number off.
func number(b []byte) (n uint32, rest []byte, ok bool) {
	rest = bytes.TrimLeft(b, "0123456789")
	digits := b[:len(b)-len(rest)]
	if len(digits) == 0 || digits[0] == '0' {
		return 0, rest, false
	}
	long, err := strconv.ParseUint(string(digits), 10, 32)
	return uint32(long), rest, err == nil
}

// isSystem says whether an event is one of the cluster's own.
func isSystem(r *client.RecordedEvent) bool {
	return strings.HasPrefix(r.StreamID, "$") || strings.HasPrefix(r.EventType, "$")
}
