package contract

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
)

// Replay evolves a state by a recorded event. It comes to the same as Decode and
// Evolve; of the two events of every submission it reads only what the state
// keeps, and nothing of them outlives the call, so that a long log is replayed in
// a fraction of the time.
func Replay(s *State, name string, data []byte) error {
	switch name {
	case submittedName:
		var e IncidentSubmitted
		if e.skim(data) == nil {
			e.evolve(s)
			s.version++
			return nil
		}
	case deductedName:
		var e IncidentDeducted
		if e.skim(data) == nil {
			e.evolve(s)
			s.version++
			return nil
		}
	}
	e, err := Decode(name, data)
	if err != nil {
		return err
	}
	Evolve(s, e)
	return nil
}

const (
	submittedName = "incident.submitted.v1"
	deductedName  = "incident.deducted.v1"
)

// errSkim says that a record is not in the plain form that skimming knows; it is
// then decoded in full.
var errSkim = errors.New("not in the plain form")

// skim reads what a state keeps of a submission.
func (e *IncidentSubmitted) skim(data []byte) error {
	k := skimmer{rest: data}
	e.Number = k.number("number")
	account := k.text("account")
	e.Severity = string(k.text("severity"))
	due := k.text("due_at")
	if bytes.HasPrefix(k.rest, []byte(`},"country":`)) {
		e.Country = string(k.text("country"))
	}
	if k.failed || len(account) != 36 || !parseUUID(e.Account[:], account) {
		return errSkim
	}
	return e.Response.DueAt.UnmarshalText(due)
}

// skim reads a deduction.
func (e *IncidentDeducted) skim(data []byte) error {
	k := skimmer{rest: data}
	e.Number = k.number("number")
	grant := k.text("grant")
	if k.failed || len(grant) < 2 {
		return errSkim
	}
	e.Unit = Incident
	if string(k.text("unit")) != string(Incident) || !bytes.HasPrefix(k.rest, []byte(`,"quantity":1,`)) {
		return errSkim
	}
	e.Quantity = 1
	return e.Grant.UnmarshalText(grant)
}

// skimmer walks forwards through an object that Append has written, from one
// string member to the next one asked for.
type skimmer struct {
	rest   []byte
	failed bool
}

// text is the value of the next member with a name, if it is a string without
// escapes. A quoted name followed by a colon cannot lie inside a string, where
// quotes are escaped.
func (k *skimmer) text(name string) []byte {
	var key [24]byte
	pattern := append(append(append(key[:0], '"'), name...), '"', ':', '"')
	at := bytes.Index(k.rest, pattern)
	if at < 0 {
		k.failed = true
		return nil
	}
	value := k.rest[at+len(pattern):]
	end := bytes.IndexByte(value, '"')
	if end < 0 || bytes.IndexByte(value[:end], '\\') >= 0 {
		k.failed = true
		return nil
	}
	k.rest = value[end+1:]
	return value[:end]
}

func (k *skimmer) number(name string) Number {
	n, err := strconv.ParseUint(string(k.text(name)), 10, 64)
	k.failed = k.failed || err != nil
	return Number(n)
}

// parseUUID reads the plain form of a UUID of 36 characters.
func parseUUID(dst, text []byte) bool {
	var digits [32]byte
	n := 0
	for i, c := range text {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			digits[n] = c
			n++
		}
	}
	_, err := hex.Decode(dst, digits[:])
	return err == nil
}
