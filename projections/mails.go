package projections

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
)

// mailsProjection answers which mails were sent, given up, or asked for again.
func mailsProjection() *projection {
	return shaped(&projection{
		name: "mails", version: 2,
		tables:  []table{mailsTable},
		events:  names((*mail.Sent)(nil), (*mail.GivenUp)(nil), (*mail.Requested)(nil)),
		newWork: func(t tx) work { return &mailsWork{tx: t} },
	})
}

// mailsTable has a row for each mail, as it was recorded last. seq is the position
// at which it was recorded first; box is its recipient, sealed under the person's
// key.
var mailsTable = table{
	name: "mails",
	columns: `seq {key} PRIMARY KEY,
	id         {bytes} NOT NULL,
	contract   {bytes} NOT NULL,
	kind       TEXT NOT NULL,
	cause      {bytes},
	language   TEXT NOT NULL,
	person     {bytes} NOT NULL,
	box        {bytes},
	status     TEXT NOT NULL,
	tries      BIGINT NOT NULL,
	reason     TEXT NOT NULL,
	message_id TEXT NOT NULL,
	at         BIGINT NOT NULL`,
	indexes: []string{
		"unique by_id: (id)",
		"by_contract: (contract{, seq})",
		"by_person: (person{, seq})",
		"by_kind: (kind{, seq})",
		"by_status: (status{, seq}) WHERE status <> 'sent'",
	},
	order: "seq",
}

// mailsWork is a batch of what was recorded of mails.
type mailsWork struct {
	tx     tx
	events []*ledger.Recorded
}

func (w *mailsWork) load(ctx context.Context, _ []*ledger.Recorded) error {
	if len(w.events) >= rowsHeld {
		return w.flush(ctx)
	}
	return nil
}

func (w *mailsWork) apply(e *ledger.Recorded) error {
	if _, ok := e.Event.(mail.Event); ok {
		w.events = append(w.events, e)
	}
	return nil
}

const (
	insertMail = `INSERT INTO {mails} (seq, id, contract, kind, cause, language, person, box, status, tries, reason, message_id, at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET language = excluded.language, person = excluded.person, box = excluded.box, status = excluded.status, at = excluded.at`
	triedMail = `, tries = excluded.tries, reason = excluded.reason, message_id = excluded.message_id`
)

func (w *mailsWork) flush(ctx context.Context) error {
	for _, e := range w.events {
		contract, ok := ledger.MailedContract(e.Stream)
		if !ok {
			return fmt.Errorf("stream %s is not named as one of mails", e.Stream)
		}
		insert := insertMail + triedMail
		r := MailRow{Contract: contract}
		switch f := e.Event.(type) {
		case *mail.Sent:
			r.Letter, r.Recipient, r.Status, r.At = f.Letter, f.Recipient, mail.StatusSent, f.At
			r.Tries, r.MessageID = f.Try, f.MessageID
		case *mail.GivenUp:
			r.Letter, r.Recipient, r.Status, r.At = f.Letter, f.Recipient, mail.StatusGivenUp, f.At
			r.Tries, r.Reason = f.Tries, f.Reason
		case *mail.Requested:
			insert = insertMail // why it was given up stays
			r.Letter, r.Recipient, r.Status, r.At = f.Letter, f.Recipient, mail.StatusRequested, f.At
		default:
			return fmt.Errorf("the mails' rows do not know what %s changes", f.Name())
		}
		err := w.tx.exec(ctx, insert, int64(e.Position), r.Mail[:], contract[:], string(r.Kind), maybe(r.Cause), r.Language,
			r.Recipient.Person[:], r.Recipient.Box, string(r.Status), r.Tries, r.Reason, r.MessageID, micros(r.At))
		if err != nil {
			return fmt.Errorf("write mail %s: %w", r.Mail, err)
		}
	}
	clear(w.events)
	w.events = w.events[:0]
	return nil
}

// Mails answers: which mails were sent, and which were not?
type Mails struct{ reader }

// A MailRow is a mail as it was recorded last. The recipient is sealed.
type MailRow struct {
	mail.Letter
	Contract  uuid.UUID // or the incident that no contract pays for
	Recipient domain.Sealed[mail.Recipient]
	Status    mail.Status
	Tries     int       // by which it was sent, or that were made until it was given up
	Reason    string    // why it was given up; "" for one that was sent
	MessageID string    // of one that was sent
	At        time.Time // when it was recorded last
}

// A MailFilter narrows the list; empty members do not.
type MailFilter struct {
	Status   mail.Status
	Contract uuid.UUID
	Kind     mail.Kind
}

// List are the mails of a filter, the one that was recorded first last. A mail
// keeps its place when something else becomes of it. An unknown status or kind is
// a *domain.Refusal.
func (m *Mails) List(ctx context.Context, at time.Time, f MailFilter, p Page) (List[MailRow], error) {
	var out List[MailRow]
	q, err := selectMails(f)
	if err != nil {
		return out, err
	}
	question := []any{"mails", f}
	var last uuid.UUID
	if more, err := readCursor(question, p.Cursor, &last); err != nil {
		return out, err
	} else if more {
		q.and("m.seq < (SELECT seq FROM {mails} WHERE id = ?)", last[:])
	}
	q.then("ORDER BY m.seq DESC")
	err = m.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		var more bool
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, row *MailRow) (bool, error) {
			return true, scanMail(scan, row)
		})
		if more && err == nil {
			out.Next, err = writeCursor(question, out.Items[len(out.Items)-1].Mail)
		}
		return err
	})
	return out, err
}

// Find is one mail; ok is false where nothing is recorded of it as far as the
// rows have seen the log.
func (m *Mails) Find(ctx context.Context, id uuid.UUID) (row MailRow, ok bool, err error) {
	q := selecting(mailColumns).and("m.id = ?", id[:])
	err = m.view(ctx, func(v *view) error {
		return v.each(ctx, q.text.String(), q.args, func(scan func(...any) error) (bool, error) {
			ok = true
			return false, scanMail(scan, &row)
		})
	})
	return row, ok, err
}

func selectMails(f MailFilter) (*query, error) {
	q := selecting(mailColumns).equal("m.kind", string(f.Kind))
	if f.Kind != "" && !f.Kind.Known() {
		return nil, domain.RefuseField("kind", "must be one of "+strings.Join(mailKinds(), ", "))
	}
	switch f.Status {
	case "":
	case mail.StatusSent:
		q.equal("m.status", string(f.Status))
	case mail.StatusGivenUp, mail.StatusRequested:
		q.and("m.status <> 'sent'").equal("m.status", string(f.Status)) // the index has no others
	default:
		return nil, domain.RefuseField("status", "must be sent, given-up or requested")
	}
	if f.Contract != uuid.Nil {
		q.and("m.contract = ?", f.Contract[:])
	}
	return q, nil
}

func mailKinds() []string {
	var all []string
	for _, kind := range mail.Kinds() {
		all = append(all, string(kind))
	}
	return all
}

const mailColumns = `SELECT m.id, m.contract, m.kind, m.cause, m.language, m.person, m.box, m.status, m.tries, m.reason, m.message_id, m.at FROM {mails} m`

func scanMail(scan func(...any) error, r *MailRow) error {
	var at int64
	err := scan(&r.Mail, &r.Contract, &r.Kind, &r.Cause, &r.Language, &r.Recipient.Person, &r.Recipient.Box,
		&r.Status, &r.Tries, &r.Reason, &r.MessageID, &at)
	r.At = instant(at)
	return err
}
