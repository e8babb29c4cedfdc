package contract

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Append writes an event as it is recorded to the end of b. The two events of
// every submission are written by hand, which a law holds to what encoding/json
// would write; they are most of a log.
func Append(b []byte, e Event) ([]byte, error) {
	switch e := e.(type) {
	case *IncidentSubmitted:
		return e.append(b), nil
	case *IncidentDeducted:
		return e.append(b), nil
	}
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", e.Name(), err)
	}
	return append(b, data...), nil
}

func (e *IncidentSubmitted) append(b []byte) []byte {
	b = appendNumber(append(b, `{"number":`...), e.Number)
	b = appendUUID(append(b, `,"account":`...), e.Account)
	b = appendString(append(b, `,"portal":`...), e.Portal)
	b = appendString(append(b, `,"product":`...), e.Product)
	b = appendString(append(b, `,"family":`...), e.Family)
	b = appendUnlessEmpty(b, `,"usage":`, e.Usage)
	b = appendString(append(b, `,"problem_type":`...), e.ProblemType)
	b = appendString(append(b, `,"category":`...), e.Category)
	b = appendUnlessEmpty(b, `,"subscription":`, e.Subscription)
	b = appendUnlessEmpty(b, `,"service":`, e.Service)
	b = appendString(append(b, `,"title":`...), e.Title)
	b = appendString(append(b, `,"severity":`...), e.Severity)
	b = appendString(append(b, `,"response":{"time":`...), e.Response.Time)
	b = appendString(append(b, `,"hours":`...), e.Response.Hours)
	b = appendTime(append(b, `,"due_at":`...), e.Response.DueAt)
	b = appendUnlessEmpty(append(b, '}'), `,"country":`, e.Country)
	b = appendUUID(append(b, `,"texts":{"person":`...), e.Texts.Person)
	b = appendBox(append(b, `,"box":`...), e.Texts.Box)
	b = appendUnlessEmpty(append(b, '}'), `,"language":`, e.Language)
	b = appendString(append(b, `,"agreement":`...), e.Agreement)
	b = appendTime(append(b, `,"opened_at":`...), e.OpenedAt)
	return append(b, '}')
}

func (e *IncidentDeducted) append(b []byte) []byte {
	b = appendNumber(append(b, `{"number":`...), e.Number)
	b = strconv.AppendInt(append(b, `,"grant":"g`...), int64(e.Grant), 10)
	b = appendString(append(b, `","unit":`...), string(e.Unit))
	b = strconv.AppendInt(append(b, `,"quantity":`...), e.Quantity, 10)
	b = append(b, `,"remaining":`...)
	if e.Remaining == nil {
		b = append(b, `null`...)
	} else {
		b = strconv.AppendInt(b, *e.Remaining, 10)
	}
	if e.Unlimited {
		b = append(b, `,"unlimited":true`...)
	}
	return append(b, '}')
}

func appendNumber(b []byte, n Number) []byte {
	b = append(b, `"000000000000000"`...)
	for at := len(b) - 2; n > 0; at-- {
		b[at] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = append(b, '"')
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		if i > 0 {
			b = append(b, '-')
		}
		begin := [...]int{0, 4, 6, 8, 10}[i]
		b = hex.AppendEncode(b, id[begin:end])
	}
	return append(b, '"')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

func appendBox(b, box []byte) []byte {
	if box == nil {
		return append(b, `null`...)
	}
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), box), '"')
}

func appendUnlessEmpty(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, key...), s)
}

// appendString writes a JSON string: plain ones here, others by encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
