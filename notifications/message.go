package notifications

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Names that subscribers know. They never change.
const (
	Stream        = "LEDGER"            // the JetStream stream of events
	Subjects      = subjectPrefix + ">" // what it holds
	subjectPrefix = "ledger.events."
)

// Headers of a message: the attributes of a CloudEvent in NATS binary mode, of
// which position, revision, ordinal, role, account and portal are extensions.
const (
	HeaderID       = "ce-id"       // the event's id, also in Nats-Msg-Id
	HeaderType     = "ce-type"     // e.g. incident.submitted.v1
	HeaderSource   = "ce-source"   // urn:uuid: of the installation
	HeaderSubject  = "ce-subject"  // the stream's UUID
	HeaderTime     = "ce-time"     // when it was recorded, RFC 3339
	HeaderPosition = "ce-position" // its place in the log
	HeaderRevision = "ce-revision" // its place in its stream: 0, 1, 2 ...
	HeaderOrdinal  = "ce-ordinal"  // its place among all messages: 1, 2, 3 ...
	HeaderRole     = "ce-role"     // under which it was caused
	HeaderAccount  = "ce-account"  // whose act it was; left out where nobody's
	HeaderPortal   = "ce-portal"   // which it came through; left out where none
	HeaderTrace    = "traceparent" // W3C; left out where there is no trace

	headerSpec        = "ce-specversion"
	headerDataType    = "ce-datacontenttype"
	headerContentType = "Content-Type" // the same, for those who know nothing of CloudEvents
)

// newMessage says what a record says, without what must not leave the log: one
// CloudEvent, but for its ordinal, which the place in the stream decides.
func newMessage(r eventstore.Record, source string) (*nats.Msg, error) {
	recorded, err := ledger.Decode(r)
	if err != nil {
		return nil, err
	}
	data, err := ledger.Shown(recorded.Event)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(r.Type, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no noun.verb.version", r.Type)
	}
	stream := ledger.StreamID(r.Stream).String()
	id := r.ID.String()
	header := nats.Header{
		nats.MsgIdHdr:     {id},
		headerSpec:        {"1.0"},
		HeaderID:          {id},
		HeaderType:        {r.Type},
		HeaderSource:      {source},
		HeaderSubject:     {stream},
		HeaderTime:        {r.RecordedAt.UTC().Format(timeFormat)},
		HeaderPosition:    {r.Position.String()},
		HeaderRevision:    {strconv.FormatInt(int64(r.Revision), 10)},
		headerDataType:    {"application/json"},
		headerContentType: {"application/json"},
	}
	sayWho(header, &recorded.Meta)
	if parent := recorded.Meta.Traceparent(r.ID); parent != "" {
		header[HeaderTrace] = []string{parent}
	}
	subject := subjectPrefix + parts[0] + "." + parts[1] + "." + stream
	return &nats.Msg{Subject: subject, Header: header, Data: data}, nil
}

// timeFormat is RFC 3339 with the microseconds that a record has.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

func sayWho(header nats.Header, m *ledger.Meta) {
	for name, value := range map[string]string{HeaderRole: string(m.By.Role), HeaderPortal: m.By.Portal} {
		if value != "" {
			header[name] = []string{value}
		}
	}
	if m.By.Account != uuid.Nil {
		header[HeaderAccount] = []string{m.By.Account.String()}
	}
}

// sourceOf is how an installation is named in its messages.
func sourceOf(installation uuid.UUID) string { return "urn:uuid:" + installation.String() }

// A told is what a message in the stream says about where it belongs.
type told struct {
	id       uuid.UUID
	source   string
	position eventstore.Position
	ordinal  uint64
}

// readTold reads it; an error for what this feed has not written.
func readTold(header nats.Header) (told, error) {
	t := told{source: header.Get(HeaderSource)}
	position, err := strconv.ParseUint(header.Get(HeaderPosition), 10, 64)
	if err != nil {
		return t, fmt.Errorf("header %s: %w", HeaderPosition, err)
	}
	t.position = eventstore.Position(position)
	if t.ordinal, err = strconv.ParseUint(header.Get(HeaderOrdinal), 10, 64); err != nil {
		return t, fmt.Errorf("header %s: %w", HeaderOrdinal, err)
	}
	if t.id, err = uuid.Parse(header.Get(HeaderID)); err != nil {
		return t, fmt.Errorf("header %s: %w", HeaderID, err)
	}
	return t, nil
}
