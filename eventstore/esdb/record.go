package esdb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// timeFormat is how a recorded time is written: microseconds, UTC.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// An envelope is an event's metadata in the cluster: the recorded time, what the
// writer says about the event, and whether a copy goes on behind it.
type envelope struct {
	RecordedAt string `json:"recorded_at"`
	Meta       []byte `json:"meta,omitempty"` // base64
	Unfinished bool   `json:"unfinished,omitempty"`
}

// seal makes an event as the client takes it. The data is copied: a call that its
// caller has left may still be inside the client.
func seal(e *eventstore.Event, at time.Time, unfinished bool) client.EventData {
	end := envelopeEnd
	if unfinished {
		end = envelopeUnfinished
	}
	meta := make([]byte, 0, len(envelopeTime+envelopeMeta)+len(end)+len(timeFormat)+base64.StdEncoding.EncodedLen(len(e.Meta)))
	meta = append(meta, envelopeTime...)
	meta = at.AppendFormat(meta, timeFormat)
	if len(e.Meta) > 0 {
		meta = append(meta, envelopeMeta...)
		meta = base64.StdEncoding.AppendEncode(meta, e.Meta)
	}
	meta = append(meta, end...)
	kind := client.ContentTypeBinary
	if n := len(e.Data); n >= 2 && e.Data[0] == '{' && e.Data[n-1] == '}' {
		kind = client.ContentTypeJson
	}
	return client.EventData{EventID: e.ID, EventType: e.Type, ContentType: kind, Data: bytes.Clone(e.Data), Metadata: meta}
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
	record.Meta = e.Meta
	return record, e.Unfinished, nil
}

// The parts of an envelope as seal writes it.
const (
	envelopeTime       = `{"recorded_at":"`
	envelopeMeta       = `","meta":"`
	envelopeEnd        = `"}`
	envelopeUnfinished = `","unfinished":true}`
)

// plain reads an envelope that is written as seal writes it, without reading JSON;
// false where it may be written otherwise. Every event that is read has one.
func plain(b []byte) (e envelope, ok bool) {
	if b, ok = bytes.CutSuffix(b, []byte(envelopeUnfinished)); ok {
		e.Unfinished = true
	} else if b, ok = bytes.CutSuffix(b, []byte(envelopeEnd)); !ok {
		return e, false
	}
	rest, ok := bytes.CutPrefix(b, []byte(envelopeTime))
	if !ok || len(rest) < len(timeFormat) {
		return e, false
	}
	e.RecordedAt, rest = string(rest[:len(timeFormat)]), rest[len(timeFormat):]
	if len(rest) == 0 {
		return e, true
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(envelopeMeta)); !ok {
		return e, false
	}
	var err error
	e.Meta, err = base64.StdEncoding.AppendDecode(nil, rest)
	return e, err == nil
}

// isSystem says whether an event is one of the cluster's own.
func isSystem(r *client.RecordedEvent) bool {
	return strings.HasPrefix(r.StreamID, "$") || strings.HasPrefix(r.EventType, "$")
}
