package contract

import (
	"strings"

	"github.com/supportledger/supportledger/domain"
)

// ParseID reads an Access ID or Contract ID as somebody typed it (R1): 6 to 20
// ASCII digits, every one of which counts; spaces and hyphens between digits are
// dropped. field names the member of the request in a refusal, whose code is
// MalformedID.
func ParseID(field, typed string) (string, error) {
	var digits strings.Builder
	for i := range len(typed) {
		switch c := typed[i]; {
		case '0' <= c && c <= '9':
			digits.WriteByte(c)
		case (c == ' ' || c == '-') && 0 < i && i < len(typed)-1:
		default:
			return "", malformedID(field)
		}
	}
	if n := digits.Len(); n < 6 || n > 20 {
		return "", malformedID(field)
	}
	return digits.String(), nil
}

// MalformedID is the code that refuses what cannot be an ID.
const MalformedID = "malformed-id"

func malformedID(field string) *domain.Refusal {
	r := domain.Refuse(MalformedID, "enter every digit, leading zeros too", "%s must be a string of 6 to 20 digits", field)
	r.Fields = []domain.Field{{Name: field, Reason: "must be a string of 6 to 20 digits"}}
	return r
}
