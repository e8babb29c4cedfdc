package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// A frame is the log's value for one append. Its key is the position of its
// first event, eight bytes, big endian. Integers in the header are little
// endian and of fixed width, so that the committer fills them in where the
// caller left room:
//
//	version 1 | recorded at, µs 8 | first revision 8 | events 4 | body | CRC-32C 4
//
// and the body, lengths as uvarints unless a width is given:
//
//	stream: length 1, bytes; per event: id 16, type: length 1, bytes; data; meta
//
// The checksum covers the body, then the header, then the key: a frame that was
// moved to another position is as damaged as one that lost a bit.
const (
	frameVersion = 1
	headerSize   = 1 + 8 + 8 + 4
	keySize      = 8
	crcSize      = 4
)

//nolint:gochecknoglobals // a constant in all but syntax
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBody appends the body of a's frame to b.
func appendBody(b []byte, a *eventstore.Append) []byte {
	size := 1 + len(a.Stream)
	for i := range a.Events {
		e := &a.Events[i]
		size += len(e.ID) + 1 + len(e.Type) + len(e.Data) + len(e.Meta) + 2*binary.MaxVarintLen32
	}
	b = slices.Grow(b, size)
	b = append(b, byte(len(a.Stream)))
	b = append(b, a.Stream...)
	for i := range a.Events {
		e := &a.Events[i]
		b = append(b, e.ID[:]...)
		b = append(b, byte(len(e.Type)))
		b = append(b, e.Type...)
		b = binary.AppendUvarint(b, uint64(len(e.Data)))
		b = append(b, e.Data...)
		b = binary.AppendUvarint(b, uint64(len(e.Meta)))
		b = append(b, e.Meta...)
	}
	return b
}

// A header is what the committer decides about a frame.
type header struct {
	first    eventstore.Position
	revision eventstore.Revision // of the first event
	count    int
	at       int64 // recorded, µs since 1970
}

func (h header) last() eventstore.Position { return h.first + eventstore.Position(h.count) - 1 }

func (h header) lastRevision() eventstore.Revision {
	return h.revision + eventstore.Revision(h.count) - 1
}

func frameSize(body []byte) int { return headerSize + len(body) + crcSize }

// putFrame writes a key of keySize bytes and a value of frameSize(body) bytes.
// bodyCRC is the checksum of the body alone.
func putFrame(key, value []byte, h header, body []byte, bodyCRC uint32) {
	binary.BigEndian.PutUint64(key, uint64(h.first))
	value[0] = frameVersion
	binary.LittleEndian.PutUint64(value[1:], uint64(h.at))
	binary.LittleEndian.PutUint64(value[9:], uint64(h.revision))
	binary.LittleEndian.PutUint32(value[17:], uint32(h.count))
	copy(value[headerSize:], body)
	binary.LittleEndian.PutUint32(value[headerSize+len(body):], sealFrame(bodyCRC, value[:headerSize], key))
}

func sealFrame(bodyCRC uint32, head, key []byte) uint32 {
	return crc32.Update(crc32.Update(bodyCRC, castagnoli, head), castagnoli, key)
}

var (
	errFrameChecksum = errors.New("checksum does not fit")
	errFrameShape    = errors.New("lengths do not fit")
)

// A frame is one append as the log has it. Its byte slices share the value it
// was parsed from.
type frame struct {
	header
	stream []byte
	events []byte // encoded
}

// parseFrame checks a value against its checksum and key and reads its header.
func parseFrame(key, value []byte) (frame, error) {
	if len(key) != keySize {
		return frame{}, fmt.Errorf("key of %d bytes: %w", len(key), errFrameShape)
	}
	if len(value) < headerSize+1+crcSize {
		return frame{}, fmt.Errorf("value of %d bytes: %w", len(value), errFrameShape)
	}
	body := value[headerSize : len(value)-crcSize]
	want := binary.LittleEndian.Uint32(value[len(value)-crcSize:])
	if sealFrame(crc32.Checksum(body, castagnoli), value[:headerSize], key) != want {
		return frame{}, errFrameChecksum
	}
	if value[0] != frameVersion {
		return frame{}, fmt.Errorf("written by a newer program: frame version %d, this one knows %d", value[0], frameVersion)
	}
	n := 1 + int(body[0])
	if len(body) < n {
		return frame{}, errFrameShape
	}
	return frame{
		header: header{
			first:    eventstore.Position(binary.BigEndian.Uint64(key)),
			at:       int64(binary.LittleEndian.Uint64(value[1:])),
			revision: eventstore.Revision(binary.LittleEndian.Uint64(value[9:])),
			count:    int(binary.LittleEndian.Uint32(value[17:])),
		},
		stream: body[1:n],
		events: body[n:],
	}, nil
}

// appendRecords appends the frame's records to dst. They share the frame's bytes.
func (f *frame) appendRecords(dst []eventstore.Record, names *names) ([]eventstore.Record, error) {
	dst = slices.Grow(dst, f.count)
	stream, at, rest := names.stream(f.stream), time.UnixMicro(f.at).UTC(), f.events
	for i := range f.count {
		r := eventstore.Record{
			Position:   f.first + eventstore.Position(i),
			Stream:     stream,
			Revision:   f.revision + eventstore.Revision(i),
			RecordedAt: at,
		}
		var ok bool
		if rest, ok = cutEvent(rest, &r.Event, names); !ok {
			return dst, errFrameShape
		}
		dst = append(dst, r)
	}
	if len(rest) != 0 {
		return dst, errFrameShape
	}
	return dst, nil
}

func cutEvent(b []byte, e *eventstore.Event, names *names) (rest []byte, ok bool) {
	if len(b) < 17 || len(b) < 17+int(b[16]) {
		return nil, false
	}
	copy(e.ID[:], b)
	n := 17 + int(b[16])
	e.Type = names.typ(b[17:n])
	if e.Data, b, ok = cutBytes(b[n:]); !ok {
		return nil, false
	}
	e.Meta, b, ok = cutBytes(b)
	return b, ok
}

func cutBytes(b []byte) (field, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

// names gives equal bytes the same string, so that a scan does not allocate the
// same few names over and over: any type that it has met, and the stream of the
// frame before. Streams are too many to remember: looking for them among those of
// a whole log costs more than a new string. The zero value remembers none.
type names struct {
	types map[string]string
	last  string // stream
}

const manyTypes = 4096 // there are some dozens, unless a log is damaged or a test

func (n *names) stream(b []byte) string {
	if n.last != string(b) {
		n.last = string(b)
	}
	return n.last
}

func (n *names) typ(b []byte) string {
	if s, ok := n.types[string(b)]; ok {
		return s
	}
	if n.types == nil || len(n.types) >= manyTypes {
		n.types = make(map[string]string)
	}
	s := string(b)
	n.types[s] = s
	return s
}
