package vault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/uuid"
)

// A people file is a row of units of 64 bytes, so that none crosses a sector:
// first the header, then one slot per key that was ever made.
//
//	header: mark 16 | slots acknowledged 8 | zero 36 | checksum 4
//	slot:   person 16 | key id 8 | state 1 | before 3 | key 32 | checksum 4
//
// before says how many slots of the same batch come before this one, which tells
// where the batch began: what lies before that had been acknowledged when the
// slot was written, however much of the batch a power cut left out.
const (
	unitLen    = 64
	sumAt      = 60
	headerMark = "people's keys 1\n"
)

const (
	slotLive   = 1
	slotErased = 2 // the key bytes are zero
)

// slot is one key of one person.
type slot struct {
	person uuid.UUID
	id     KeyID
	state  byte
	before uint32
	secret [secretLen]byte
}

func (s *slot) append(b []byte) []byte {
	start := len(b)
	b = append(b, s.person[:]...)
	b = append(b, s.id[:]...)
	b = append(b, s.state, byte(s.before>>16), byte(s.before>>8), byte(s.before))
	b = append(b, s.secret[:]...)
	return binary.BigEndian.AppendUint32(b, checksum(b[start:]))
}

func parseSlot(unit []byte) (slot, error) {
	if err := checkUnit(unit); err != nil {
		return slot{}, err
	}
	s := slot{
		person: uuid.UUID(unit[0:16]),
		id:     KeyID(unit[16:24]),
		state:  unit[24],
		before: uint32(unit[25])<<16 | uint32(unit[26])<<8 | uint32(unit[27]),
		secret: [secretLen]byte(unit[28:60]),
	}
	if s.state != slotLive && s.state != slotErased {
		return slot{}, fmt.Errorf("state %d is unknown", s.state)
	}
	return s, nil
}

// appendHeader writes how many slots at least were acknowledged: of those none
// may be missing or torn.
func appendHeader(b []byte, acknowledged uint32) []byte {
	start := len(b)
	b = append(b, headerMark...)
	b = binary.BigEndian.AppendUint64(b, uint64(acknowledged))
	b = append(b, make([]byte, sumAt-24)...)
	return binary.BigEndian.AppendUint32(b, checksum(b[start:]))
}

func parseHeader(unit []byte) (acknowledged uint64, err error) {
	if !bytes.HasPrefix(unit, []byte(headerMark)) {
		return 0, fmt.Errorf("does not begin like a file of people's keys")
	}
	if err := checkUnit(unit); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(unit[16:24]), nil
}

func checkUnit(unit []byte) error {
	if want, got := binary.BigEndian.Uint32(unit[sumAt:]), checksum(unit[:sumAt]); want != got {
		return fmt.Errorf("checksum is %08x, not %08x", got, want)
	}
	return nil
}

// checksum is CRC-32C, and never 0: a unit that ends in zeros was never written
// to its end.
func checksum(b []byte) uint32 {
	return max(1, crc32.Checksum(b, castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func unfinished(unit []byte) bool {
	return binary.BigEndian.Uint32(unit[sumAt:]) == 0
}
