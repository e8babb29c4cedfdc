package contract

import (
	"fmt"
	"strconv"
)

// A Number names one incident to people: 15 digits, the last one a check digit
// (R25). It is written as a string everywhere.
type Number uint64

func (n Number) String() string { return fmt.Sprintf("%015d", uint64(n)) }

// MarshalText writes the 15 digits.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the digits of a recorded number. It does not check the
// check digit: what is recorded is right.
func (n *Number) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return fmt.Errorf("read incident number: %w", err)
	}
	*n = Number(v)
	return nil
}
