package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// numbersHalf squared is how many numbers a day has: two halves of four digits.
	numbersHalf = 10_000
	// NumbersPerDay is the first counter of a day that has no number.
	NumbersPerDay = numbersHalf * numbersHalf
	// numberRounds is what NIST SP 800-38G takes for networks of so small a domain.
	numberRounds = 10
	numberLen    = 15
)

// MakeNumber is the number of the day's counter-th request (R25): yymmdd in UTC,
// eight digits by a permutation under the naming key and the day, and a check
// digit. Print it with %015d. Two counters of a day never share a number, and
// without the key a number tells nothing about its counter. Counters from
// NumbersPerDay on are refused. Every hundred years the days repeat.
func (k *Keys) MakeNumber(day time.Time, counter uint32) (uint64, error) {
	if counter >= NumbersPerDay {
		return 0, fmt.Errorf("make number: counter %d: a day has %d numbers", counter, NumbersPerDay)
	}
	year, month, date := day.UTC().Date()
	block := k.numbers.cipher(year, int(month), date)
	head := uint64(year%100)*10_000 + uint64(month)*100 + uint64(date)
	number := head*NumbersPerDay + uint64(permute(block, numbersHalf, counter))
	return number*10 + uint64(checkDigit(fmt.Appendf(nil, "%014d", number))), nil
}

// CheckNumber reads a number: exactly 15 ASCII digits of which the last fits the
// others. False for anything else; whether the number was ever given it does not
// know.
func CheckNumber(s string) (uint64, bool) {
	if len(s) != numberLen {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	if checkDigit([]byte(s[:numberLen-1])) != s[numberLen-1]-'0' {
		return 0, false
	}
	number, err := strconv.ParseUint(s, 10, 64)
	return number, err == nil
}

// checkDigit is that of ISO/IEC 7064, MOD 11,10, for ASCII digits.
func checkDigit(digits []byte) byte {
	product := 10
	for _, d := range digits {
		sum := (product + int(d-'0')) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return byte((11 - product) % 10)
}

// numbers remembers the cipher of the day asked for last.
type numbers struct {
	naming []byte
	last   atomic.Pointer[dayCipher]
}

type dayCipher struct {
	day   int // yyyymmdd
	block cipher.Block
}

func (n *numbers) cipher(year, month, date int) cipher.Block {
	day := year*10_000 + month*100 + date
	if last := n.last.Load(); last != nil && last.day == day {
		return last.block
	}
	block, err := aes.NewCipher(subkey(n.naming, "number "+strconv.Itoa(day)))
	if err != nil {
		panic(err) // only a key that is not 16, 24 or 32 bytes long
	}
	n.last.Store(&dayCipher{day, block})
	return block
}

// permute maps 0..half²-1 onto itself: a Feistel network whose halves are
// numbers below half, with the block cipher as its round function.
func permute(block cipher.Block, half, counter uint32) uint32 {
	left, right := counter/half, counter%half
	var text [aes.BlockSize]byte
	for round := range uint32(numberRounds) {
		clear(text[:])
		binary.BigEndian.PutUint32(text[0:], round)
		binary.BigEndian.PutUint32(text[4:], right)
		block.Encrypt(text[:], text[:])
		// 64 bits against a half of at most 14: what the remainder favours is nil.
		mixed := uint32(binary.BigEndian.Uint64(text[:]) % uint64(half))
		left, right = right, (left+mixed)%half
	}
	return left*half + right
}
