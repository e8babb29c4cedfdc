package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
)

// Streams about mails: when they were switched on, and, beside each contract or
// incident that no contract pays for, what became of each of its mails.
const (
	mailsStream = "mails"
	mailsPrefix = "mails-"
)

// MailsOf is the stream that records the mails about a contract, or about an
// incident that no contract pays for.
func MailsOf(contract uuid.UUID) string { return mailsPrefix + contract.String() }

// MailedContract is the contract, or the incident without one, whose mails a
// stream records; false for other streams.
func MailedContract(stream string) (uuid.UUID, bool) {
	rest, ok := strings.CutPrefix(stream, mailsPrefix)
	if !ok {
		return uuid.Nil, false
	}
	return ContractOf(rest)
}

// MailStanding says what is recorded of a mail by now, on all nodes: with
// mail.Unrecorded it has to be sent, with mail.StatusRequested sent again; with
// any other status it must not be.
func (l *Ledger) MailStanding(ctx context.Context, contract, id uuid.UUID) (mail.Standing, error) {
	var found mail.Standing
	c := &mailCommand{look: func(s *mail.State) { found = s.Standing(id) }}
	if err := l.mails.execute(ctx, contract, c); err != nil {
		return mail.Standing{}, err
	}
	return found, nil
}

// SealRecipient seals to whom a mail goes under the key of the person it is: the
// account, or the contact of a contract. Whoever sends a mail seals its recipient
// first: so that an erasure in between is good for the record, too (R47). Of
// what a server said only the beginning is kept.
func (l *Ledger) SealRecipient(ctx context.Context, person uuid.UUID, to mail.Recipient) (domain.Sealed[mail.Recipient], error) {
	if len(to.Said) > maxSaid {
		to.Said = strings.ToValidUTF8(to.Said[:maxSaid], "")
	}
	return seal(ctx, l, person, to)
}

const maxSaid = 1000 // bytes

// RecordSent records that a mail was accepted for delivery; its time is now. It
// is to be called, again if need be, until it returns without an error, before
// the mail is tried again (R39). Of a mail that was recorded as sent before,
// Changed is false. Of the request, who and the trace are recorded.
func (l *Ledger) RecordSent(ctx context.Context, r Request, contract uuid.UUID, sent mail.RecordSent) (Receipt, error) {
	sent.At = l.Now()
	return l.recordMail(ctx, r, contract, &sent)
}

// RecordGivenUp records that a mail will not be tried any more; its time is now.
// Of one that was sent it is refused with mail.AlreadySent.
func (l *Ledger) RecordGivenUp(ctx context.Context, r Request, contract uuid.UUID, given mail.RecordGivenUp) (Receipt, error) {
	given.At = l.Now()
	return l.recordMail(ctx, r, contract, &given)
}

func (l *Ledger) recordMail(ctx context.Context, r Request, contract uuid.UUID, wish mail.Command) (Receipt, error) {
	c := &mailCommand{wish: wish, keyed: r.Key != "", meta: l.meta(r, contract.String())}
	if err := l.count(l.mails.execute(ctx, contract, c)); err != nil {
		return Receipt{}, err
	}
	return c.receipt, nil
}

// A MailAnswer is a mail that was asked for again, as it was right after it, its
// recipient opened.
type MailAnswer struct {
	Receipt
	Contract  uuid.UUID // or the incident that no contract pays for
	Letter    mail.Letter
	Recipient domain.Sealed[mail.Recipient]
	At        time.Time // when it was asked for
}

// ResendMail asks that a mail which was given up is sent again. The wish is
// durable when it returns: whoever sends mails finds it in the log, as
// mail.requested. Asking twice is no change; mail.AlreadySent and mail.NotFound
// refuse the rest.
func (l *Ledger) ResendMail(ctx context.Context, r Request, contract, id uuid.UUID, reason string) (MailAnswer, error) {
	return l.askForMail(ctx, contract, id, &mailCommand{
		wish: &mail.Resend{Mail: id, Reason: reason, At: l.Now()}, keyed: r.Key != "", meta: l.meta(r, id.String()),
	})
}

// askForMail records a wish for a mail, and describes what was asked for.
func (l *Ledger) askForMail(ctx context.Context, contract, id uuid.UUID, c *mailCommand) (MailAnswer, error) {
	var now mail.Standing
	c.look = func(s *mail.State) { now = s.Standing(id) }
	if err := l.count(l.mails.execute(ctx, contract, c)); err != nil {
		return MailAnswer{}, err
	}
	answer := MailAnswer{Receipt: c.receipt, Contract: contract, Letter: now.Letter, Recipient: now.Recipient, At: now.At}
	if c.receipt.Replayed {
		e, err := l.requestedAt(ctx, contract, c.place)
		if err != nil {
			return MailAnswer{}, err
		}
		answer.Letter, answer.Recipient, answer.At = e.Letter, e.Recipient, e.At
	}
	return answer, l.OpenRecipient(ctx, &answer.Recipient)
}

// requestedAt reads again what a wish has recorded.
func (l *Ledger) requestedAt(ctx context.Context, contract uuid.UUID, at eventstore.Revision) (*mail.Requested, error) {
	for r, err := range l.store.ReadStream(ctx, MailsOf(contract), at, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read mails of %s: %w", contract, err)
		}
		e, err := mail.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		if requested, ok := e.(*mail.Requested); ok {
			return requested, nil
		}
		break
	}
	return nil, fmt.Errorf("read mails of %s: at revision %d nothing was asked for", contract, at)
}

// MailsSwitchedOn says that from here on mails are sent. It is bookkeeping of
// the ledger, and stands in the log once.
type MailsSwitchedOn struct {
	At time.Time `json:"at"`
}

// Name implements domain.Event.
func (*MailsSwitchedOn) Name() string { return "mail.switched-on.v1" }

// A MailsStart is where mails begin: what was recorded before it is told to
// nobody (R39).
type MailsStart struct {
	Position eventstore.Position // of the record that says so
	At       time.Time
}

// MailsSince says where mails begin; ok is false where they never were on.
func (l *Ledger) MailsSince(ctx context.Context) (start MailsStart, ok bool, err error) {
	for r, err := range l.store.ReadStream(ctx, mailsStream, 0, eventstore.Forwards) {
		if err != nil {
			return MailsStart{}, false, fmt.Errorf("find where mails begin: %w", err)
		}
		e := new(MailsSwitchedOn)
		if err := json.Unmarshal(r.Data, e); err != nil {
			return MailsStart{}, false, fmt.Errorf("find where mails begin: read %s: %w", r.Type, err)
		}
		return MailsStart{Position: r.Position, At: e.At}, true, nil
	}
	return MailsStart{}, false, nil
}

// SwitchMailsOn says where mails begin: here, unless they were on before. The
// record itself is the place, so that it stays right in a copy of the log whose
// positions are others.
func (l *Ledger) SwitchMailsOn(ctx context.Context) (MailsStart, error) {
	meta := Meta{By: Actor{Role: System}, Command: uuid.New(), Catalog: l.digest}
	for try := range maxTries {
		pause(try)
		start, ok, err := l.MailsSince(ctx)
		if err != nil || ok {
			return start, err
		}
		e := &MailsSwitchedOn{At: l.Now()}
		appended, err := l.appendOne(ctx, mailsStream, eventstore.NoStream, e, &meta)
		if err == nil {
			return MailsStart{Position: appended.Position, At: e.At}, nil
		}
		if conflict := new(*eventstore.ConflictError); !errors.As(err, conflict) && !errors.Is(err, eventstore.ErrUnknown) {
			return MailsStart{}, fmt.Errorf("switch mails on: %w", err)
		}
	}
	return MailsStart{}, ErrBusy
}
