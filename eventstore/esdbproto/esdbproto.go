// Package esdbproto has what both sides of EventStoreDB's protocol write and read
// alike.
package esdbproto

import (
	"encoding/binary"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
)

// Keys of an event's metadata that both sides write, and the content types.
const (
	MetaType        = "type"
	MetaContentType = "content-type"

	JSON   = "application/json"
	Binary = "application/octet-stream"
)

// ContentType tells an object of JSON from anything else.
func ContentType(data []byte) string {
	if n := len(data); n >= 2 && data[0] == '{' && data[n-1] == '}' {
		return JSON
	}
	return Binary
}

// AppendEntry appends an entry of a map of texts that is the field of a message. The
// stubs make maps and go through them by reflection, which for an event's metadata
// costs two thirds of what the rest of its message does.
func AppendEntry(b []byte, field protowire.Number, key, value string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(2+protowire.SizeBytes(len(key))+protowire.SizeBytes(len(value))))
	b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), key)
	return protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), value)
}

// UUID is an id in its structured form.
func UUID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// ReadUUID reads either form; the zero UUID where there is none.
func ReadUUID(id *shared.UUID) uuid.UUID {
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
