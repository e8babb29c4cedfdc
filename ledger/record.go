package ledger

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/eventstore"
)

// A Role is the hat under which somebody acted.
type Role string

// The roles of SPEC section 1. What the ledger does by itself, because time has
// passed, is done by System.
const (
	System   Role = "system"
	Customer Role = "customer"
	Engineer Role = "engineer"
	Operator Role = "operator"
	Auditor  Role = "auditor"
	Service  Role = "service"
	Admin    Role = "admin"
)

// roles in the order of their recorded form, which never changes.
var roles = [...]Role{System, Customer, Engineer, Operator, Auditor, Service, Admin}

// An Actor is who did something: the pseudonym of a sign-in, its role, and the
// portal it came through, if any. The zero Actor is the ledger itself.
type Actor struct {
	Account uuid.UUID `json:"account,omitzero"`
	Role    Role      `json:"role"`
	Portal  string    `json:"portal,omitempty"`
}

// Meta is what every record says about the command that it came from.
type Meta struct {
	By          Actor
	Command     uuid.UUID // the same for all records of a command
	Fingerprint [16]byte  // keyed, of the request; zero where there was none
	Catalog     [32]byte  // SHA-256 of the catalogue it was decided by
	Trace       [16]byte  // W3C trace id; zero where there was none
	Sampled     bool      // W3C: whoever traces keeps this one
}

const (
	metaVersion = 1
	metaFixed   = 1 + 1 + 16 + 16 + 16 + 32 + 16
	unsampled   = 0x80 // beside the role: of this trace nothing is kept
)

// append writes the recorded form: version, role, account, command,
// fingerprint, catalogue, trace, portal.
func (m *Meta) append(b []byte) []byte {
	role := byte(0)
	for i, r := range roles {
		if r == m.By.Role {
			role = byte(i)
		}
	}
	if m.traced() && !m.Sampled {
		role |= unsampled
	}
	b = append(b, metaVersion, role)
	b = append(b, m.By.Account[:]...)
	b = append(b, m.Command[:]...)
	b = append(b, m.Fingerprint[:]...)
	b = append(b, m.Catalog[:]...)
	b = append(b, m.Trace[:]...)
	return append(b, m.By.Portal...)
}

// ReadMeta reads a record's metadata.
func ReadMeta(b []byte) (Meta, error) {
	var m Meta
	if len(b) < metaFixed || b[0] != metaVersion || int(b[1]&^unsampled) >= len(roles) {
		return m, errors.New("read metadata: not in a form that this version knows")
	}
	m.By.Role = roles[b[1]&^unsampled]
	sampled := b[1]&unsampled == 0
	b = b[2:]
	for _, field := range [][]byte{m.By.Account[:], m.Command[:], m.Fingerprint[:], m.Catalog[:], m.Trace[:]} {
		b = b[copy(field, b):]
	}
	m.By.Portal = string(b)
	m.Sampled = sampled && m.traced()
	return m, nil
}

func (m *Meta) traced() bool { return m.Trace != [16]byte{} }

// MarshalJSON writes the metadata as people and other programs read it.
func (m Meta) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		By          Actor     `json:"by"`
		Command     uuid.UUID `json:"command"`
		Fingerprint string    `json:"fingerprint"`
		Catalog     string    `json:"catalog"`
		Trace       string    `json:"trace,omitempty"`
	}{m.By, m.Command, hex.EncodeToString(m.Fingerprint[:]), hex.EncodeToString(m.Catalog[:]), m.TraceID()})
}

// TraceID is the trace id in hex, "" where there was none.
func (m Meta) TraceID() string {
	if !m.traced() {
		return ""
	}
	return hex.EncodeToString(m.Trace[:])
}

// Traceparent says in the W3C form where an event with this metadata was
// recorded, to whoever goes on from there; "" where there was no trace.
func (m Meta) Traceparent(event uuid.UUID) string {
	if !m.traced() {
		return ""
	}
	span, flags := SpanOf(event), "-00"
	if m.Sampled {
		flags = "-01"
	}
	return "00-" + m.TraceID() + "-" + hex.EncodeToString(span[:]) + flags
}

// SpanOf is the id of the span that an event was recorded in, if it was traced.
func SpanOf(event uuid.UUID) [8]byte { return [8]byte(event[:8]) }

// A Recorded is a record with what it says.
type Recorded struct {
	eventstore.Record
	Meta  Meta
	Event domain.Event
}

// Decode reads a record. An unknown type is an error: nothing is skipped in
// silence.
func Decode(r eventstore.Record) (Recorded, error) {
	meta, err := ReadMeta(r.Meta)
	if err != nil {
		return Recorded{}, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
	}
	e, err := DecodeEvent(r.Type, r.Data)
	if err != nil {
		return Recorded{}, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
	}
	return Recorded{Record: r, Meta: meta, Event: e}, nil
}

// DecodeEvent reads what a record of a type says, of whatever package it is.
func DecodeEvent(name string, data []byte) (domain.Event, error) {
	var e domain.Event
	switch name {
	case (*guessing.Refused)(nil).Name():
		e = new(guessing.Refused)
	case (*guessing.Located)(nil).Name():
		e = new(guessing.Located)
	case (*person.Erased)(nil).Name():
		e = new(person.Erased)
	case (*NumbersReserved)(nil).Name():
		e = new(NumbersReserved)
	case (*MailsSwitchedOn)(nil).Name():
		e = new(MailsSwitchedOn)
	default:
		noun, _, _ := strings.Cut(name, ".")
		switch noun {
		case "mail":
			return mail.Decode(name, data)
		case "partner":
			return partner.Events.Decode(name, data)
		case "program-case":
			return programcase.Events.Decode(name, data)
		case "purchase":
			return purchase.Events.Decode(name, data)
		}
		return contract.Decode(name, data)
	}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return e, nil
}

// Streams that are not contracts. A contract's stream, and that of an incident
// which no contract pays for, is named by its UUID alone.
const (
	guessesStream   = "guesses"
	numbersPrefix   = "numbers-"
	personsPrefix   = "person-"
	partnersPrefix  = "partner-"
	purchasesPrefix = "purchase-"
	casesPrefix     = "program-case-"
)

// PartnerOf is the partner that a stream records; false for other streams.
func PartnerOf(stream string) (uuid.UUID, bool) { return idAfter(partnersPrefix, stream) }

// PurchaseOf is the purchase that a stream records; false for other streams.
func PurchaseOf(stream string) (uuid.UUID, bool) { return idAfter(purchasesPrefix, stream) }

// CaseOf is the program support case that a stream records; false for other
// streams.
func CaseOf(stream string) (uuid.UUID, bool) { return idAfter(casesPrefix, stream) }

func idAfter(prefix, stream string) (uuid.UUID, bool) {
	rest, ok := strings.CutPrefix(stream, prefix)
	if !ok {
		return uuid.Nil, false
	}
	return ContractOf(rest)
}

// ContractOf is the contract, or the incident without one, that a stream
// records; false for other streams.
func ContractOf(stream string) (uuid.UUID, bool) {
	if len(stream) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(stream)
	return id, err == nil
}
