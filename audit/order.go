package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// order holds what every record must have, and its place among the others. Until
// it was all counted it counts the records and adds up the log's digest.
type order struct {
	counted  bool
	position eventstore.Position // of the record before
	time     time.Time           // the latest so far
	slack    time.Duration       // by which the store lets times run backwards
	result   Result
	sum      hash.Hash
	buf      []byte
}

// begin forgets a reading that was cut short. One is enough.
func (o *order) begin(int64) bool {
	o.position, o.time = eventstore.Start, time.Unix(math.MinInt32, 0)
	if !o.counted {
		o.result, o.sum = Result{}, sha256.New()
	}
	return !o.counted
}

func (o *order) check(r *checked) *found {
	if w := o.place(r); w != nil {
		return w.at(&r.Record, r.nth, orderStage)
	}
	if !o.counted {
		o.count(&r.recorded)
		o.add(&r.Record)
	}
	return nil
}

func (o *order) place(r *checked) *wrong {
	switch {
	case r.Position <= o.position:
		return breaks(LawPositions, "position %v after %v", r.Position, o.position)
	case r.RecordedAt.Before(o.time.Add(-o.slack)):
		return breaks(LawTime, "recorded at %s, after %s", stamp(r.RecordedAt), stamp(o.time))
	case r.ID == uuid.Nil:
		return breaks(LawEventID, "the event has none")
	case r.wrong != nil:
		return r.wrong
	}
	o.position, o.time = r.Position, later(o.time, r.RecordedAt)
	return nil
}

func (o *order) count(r *recorded) {
	o.result.Records++
	if r.Revision == 0 {
		o.result.Streams++
	}
	switch r.Event.(type) {
	case *contract.Registered:
		o.result.Contracts++
	case *contract.IncidentSubmitted:
		o.result.Incidents++
	}
}

// add adds a record to the log's digest: every part of it with its length, in
// this order.
func (o *order) add(r *eventstore.Record) {
	b := binary.BigEndian.AppendUint64(o.buf[:0], uint64(r.Position))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Revision))
	b = binary.BigEndian.AppendUint64(b, uint64(r.RecordedAt.UnixMicro()))
	b = append(b, r.ID[:]...)
	for _, part := range [...]string{r.Stream, r.Type} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	for _, part := range [...][]byte{r.Data, r.Meta} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	o.sum.Write(b)
	o.buf = b
}

// digest is what the log comes to.
func (o *order) digest() string { return hex.EncodeToString(o.sum.Sum(nil)) }
