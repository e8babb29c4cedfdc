package vault

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/google/uuid"
)

// pairDigits is the length of a generated ID (R1).
const pairDigits = 10

// DerivePair is the pair that a registering command generates (R1): ten digits
// each, every one of the ten billion equally likely, leading zeros kept. A
// repeat of the command finds the same pair; without the naming key the
// command's id tells nothing about it.
func (k *Keys) DerivePair(command uuid.UUID) (accessID, contractID string) {
	words := k.pairWords(command)
	return tenDigits(words), tenDigits(words)
}

// pairWords returns an endless row of random-looking words that the command
// determines.
func (k *Keys) pairWords(command uuid.UUID) func() uint64 {
	var block []byte
	var blocks uint64
	return func() uint64 {
		if len(block) == 0 {
			m := k.macs.pair.begin()
			m.raw(command[:])
			m.raw(binary.BigEndian.AppendUint64(nil, blocks))
			sum := m.end()
			block = sum[:]
			blocks++
		}
		word := binary.BigEndian.Uint64(block)
		block = block[8:]
		return word
	}
}

// tenDigits drops the few words at the top that would make low numbers more
// likely than high ones.
func tenDigits(words func() uint64) string {
	const span = 10_000_000_000
	const fair = math.MaxUint64 / span * span
	for {
		if word := words(); word < fair {
			return fmt.Sprintf("%0*d", pairDigits, word%span)
		}
	}
}
