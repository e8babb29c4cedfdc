package contract

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// decodePlain reads the two events of every submission, if they are in their
// plain form; nil for anything else.
func decodePlain(name string, data []byte) Event {
	switch name {
	case submittedName:
		if e := new(IncidentSubmitted); e.readPlain(string(data)) {
			return e
		}
	case deductedName:
		if e := new(IncidentDeducted); e.readPlain(string(data)) {
			return e
		}
	}
	return nil
}

// readPlain reads a submission in the form that Append writes, and says whether
// it was in that form: no escapes, no other order. Anything else is for
// encoding/json. Every projection reads every submission, so it has to be quick.
func (e *IncidentSubmitted) readPlain(data string) bool {
	p := plain{rest: data}
	e.Number = p.number(`{"number":"`)
	e.Account = p.uuid(`,"account":"`)
	e.Portal = p.text(`,"portal":"`)
	e.Product = p.text(`,"product":"`)
	e.Family = p.text(`,"family":"`)
	e.Usage = p.option(`,"usage":"`)
	e.ProblemType = p.text(`,"problem_type":"`)
	e.Category = p.text(`,"category":"`)
	e.Subscription = p.option(`,"subscription":"`)
	e.Service = p.option(`,"service":"`)
	e.Title = p.text(`,"title":"`)
	e.Severity = p.text(`,"severity":"`)
	e.Response.Time = p.text(`,"response":{"time":"`)
	e.Response.Hours = p.text(`,"hours":"`)
	e.Response.DueAt = p.instant(`,"due_at":"`)
	p.skip(`}`)
	e.Country = p.option(`,"country":"`)
	e.Texts.Person = p.uuid(`,"texts":{"person":"`)
	e.Texts.Box = p.bytes(`,"box":"`)
	p.skip(`}`)
	e.Language = p.option(`,"language":"`)
	e.Agreement = p.text(`,"agreement":"`)
	e.OpenedAt = p.instant(`,"opened_at":"`)
	p.skip(`}`)
	return !p.strange && p.rest == ""
}

// readPlain reads a deduction, likewise.
func (e *IncidentDeducted) readPlain(data string) bool {
	p := plain{rest: data}
	e.Number = p.number(`{"number":"`)
	p.strange = p.strange || e.Grant.UnmarshalText([]byte(p.text(`,"grant":"`))) != nil
	e.Unit = Unit(p.text(`,"unit":"`))
	e.Quantity = p.integer(`,"quantity":`)
	if !strings.HasPrefix(p.rest, `,"remaining":null`) {
		left := p.integer(`,"remaining":`)
		e.Remaining = &left
	} else {
		p.skip(`,"remaining":null`)
	}
	if e.Unlimited = strings.HasPrefix(p.rest, `,"unlimited":true`); e.Unlimited {
		p.skip(`,"unlimited":true`)
	}
	p.skip(`}`)
	return !p.strange && p.rest == ""
}

// plain walks through an object whose members come in a known order. Once
// something is strange, nothing that it returns counts.
type plain struct {
	rest    string
	strange bool
}

func (p *plain) skip(literal string) {
	rest, ok := strings.CutPrefix(p.rest, literal)
	p.rest, p.strange = rest, p.strange || !ok
}

// text reads a string after what stands before it, its opening quote included.
func (p *plain) text(before string) string {
	p.skip(before)
	end := strings.IndexByte(p.rest, '"')
	if p.strange || end < 0 || strings.IndexByte(p.rest[:end], '\\') >= 0 {
		p.strange = true
		return ""
	}
	value := p.rest[:end]
	p.rest = p.rest[end+1:]
	return value
}

// option reads a string that is left out where it is empty.
func (p *plain) option(before string) string {
	if !strings.HasPrefix(p.rest, before) {
		return ""
	}
	return p.text(before)
}

func (p *plain) number(before string) Number {
	n, err := strconv.ParseUint(p.text(before), 10, 64)
	p.strange = p.strange || err != nil
	return Number(n)
}

func (p *plain) integer(before string) int64 {
	p.skip(before)
	end := strings.IndexAny(p.rest, ",}")
	if end < 0 {
		p.strange = true
		return 0
	}
	n, err := strconv.ParseInt(p.rest[:end], 10, 64)
	p.strange = p.strange || err != nil
	p.rest = p.rest[end:]
	return n
}

func (p *plain) uuid(before string) uuid.UUID {
	id, err := uuid.Parse(p.text(before))
	p.strange = p.strange || err != nil
	return id
}

func (p *plain) instant(before string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, p.text(before))
	p.strange = p.strange || err != nil
	return t
}

func (p *plain) bytes(before string) []byte {
	b, err := base64.StdEncoding.DecodeString(p.text(before))
	p.strange = p.strange || err != nil
	return b
}
