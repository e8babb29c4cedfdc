package postoffice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// Reasons for giving up, as they are recorded.
const (
	reasonErased     = "erased"        // the recipient was forgotten
	reasonAddress    = "bad-address"   // it is malformed
	reasonRefused    = "refused"       // the server refuses the recipient or the letter for good
	reasonUnreached  = "unreachable"   // a day was not enough
	reasonSettings   = "configuration" // nobody has mended a setting or a template for a day
	reasonUnreadable = "unreadable"    // the log has not what the letter needs
	reasonOver       = "over"          // what it would tell is not true any more
)

func reasons() []string {
	return []string{reasonErased, reasonAddress, reasonRefused, reasonUnreached, reasonSettings, reasonUnreadable, reasonOver}
}

// ledgerTrouble is what a try is counted as that failed at the log or the keys.
const ledgerTrouble = "ledger"

// deliver sends a letter and records it, unless that is recorded already. Without
// an error nothing has to be done any more; otherwise it is to be tried again.
func (o *Office) deliver(ctx context.Context, d *draft, tries attempts) error {
	if !o.take(d.Mail) {
		return fmt.Errorf("%w: mail %s is being sent", errAgain, d.Mail)
	}
	defer o.leave(d.Mail)
	standing, err := o.Ledger.MailStanding(ctx, d.about, d.Mail)
	if err != nil {
		return o.later(ledgerTrouble, fmt.Errorf("ask what is recorded of mail %s: %w", d.Mail, err))
	}
	switch standing.Status {
	case recorded.StatusSent, recorded.StatusGivenUp:
		return nil
	}
	tried := standing.Tries + tries.made
	to, err := o.recipient(ctx, d)
	if errors.Is(err, errForgotten) {
		return o.giveUp(ctx, d, tried-1, reasonErased, recorded.Recipient{})
	}
	if err != nil {
		return o.later(ledgerTrouble, err)
	}
	sealed, err := o.Ledger.SealRecipient(ctx, d.person, to)
	if err != nil {
		return o.later(ledgerTrouble, fmt.Errorf("seal the recipient of mail %s: %w", d.Mail, err))
	}
	// Erased in between: then sealing has made a new key, under which nothing must
	// be written.
	if _, err := o.recipient(ctx, d); errors.Is(err, errForgotten) {
		return o.giveUp(ctx, d, tried-1, reasonErased, recorded.Recipient{})
	}
	if err := o.try(ctx, d, to); err != nil {
		return o.failed(ctx, d, tries, tried, to, err)
	}
	sent := recorded.RecordSent{Letter: d.Letter, Recipient: sealed, Try: tried, MessageID: o.Mailer.MessageID(d.Mail)}
	err = o.record(ctx, d, func(ctx context.Context) error {
		receipt, err := o.Ledger.RecordSent(ctx, by(), d.about, sent)
		if err == nil && receipt.Changed {
			o.metrics.sent.WithLabelValues(string(d.Kind)).Inc()
		}
		return err
	})
	if err != nil {
		return err
	}
	// Erased while it was sent: what lies in the folder goes, too.
	if _, err := o.recipient(ctx, d); errors.Is(err, errForgotten) {
		return o.Mailer.Forget(d.Mail)
	}
	return nil
}

// by is who records: the ledger itself.
func by() ledger.Request { return ledger.Request{By: ledger.Actor{Role: ledger.System}} }

// errForgotten says that a recipient was forgotten (R47).
var errForgotten = errors.New("the recipient was forgotten")

// recipient opens to whom a letter goes. The event is read anew each time: texts
// that were opened stay open.
func (o *Office) recipient(ctx context.Context, d *draft) (recorded.Recipient, error) {
	switch e := d.source.(type) {
	case *contract.Registered:
		contact := domain.Sealed[contract.ContactTexts]{Person: e.Contact.Person, Box: e.Contact.Box}
		opened := &contract.Registered{Contact: contact}
		if err := o.Ledger.Open(ctx, opened); err != nil {
			return recorded.Recipient{}, fmt.Errorf("open the recipient of mail %s: %w", d.Mail, err)
		}
		if c := opened.Contact.Clear; c != nil {
			return recorded.Recipient{Name: c.Name, Email: c.Email}, nil
		}
	case *recorded.Requested:
		to := domain.Sealed[recorded.Recipient]{Person: e.Recipient.Person, Box: e.Recipient.Box}
		if err := o.Ledger.OpenRecipient(ctx, &to); err != nil {
			return recorded.Recipient{}, fmt.Errorf("open the recipient of mail %s: %w", d.Mail, err)
		}
		if c := to.Clear; c != nil {
			return recorded.Recipient{Name: c.Name, Email: c.Email}, nil
		}
	case *contract.IncidentSubmitted:
		opened := &contract.IncidentSubmitted{Texts: domain.Sealed[contract.IncidentTexts]{Person: e.Texts.Person, Box: e.Texts.Box}}
		if err := o.Ledger.Open(ctx, opened); err != nil {
			return recorded.Recipient{}, fmt.Errorf("open the recipient of mail %s: %w", d.Mail, err)
		}
		if c := opened.Texts.Clear; c != nil {
			return recorded.Recipient{Name: c.Name, Email: c.Email}, nil
		}
	}
	return recorded.Recipient{}, errForgotten
}

// try hands the letter to whoever delivers it.
func (o *Office) try(ctx context.Context, d *draft, to recorded.Recipient) error {
	letter := d.content
	letter.To = mail.Person{Name: to.Name, Email: to.Email}
	if d.finish != nil {
		if err := d.finish(&letter); err != nil {
			return &mail.Error{Verdict: mail.Configuration, Step: "open the Contract ID", Cause: err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Patience.Try)
	defer cancel()
	return o.Mailer.Send(ctx, letter, d.date)
}

// failed decides what becomes of a letter that was not taken.
func (o *Office) failed(ctx context.Context, d *draft, tries attempts, tried int, to recorded.Recipient, err error) error {
	if ctx.Err() != nil {
		return err // we are stopping, which is not the letter's fault
	}
	verdict := mail.VerdictOf(err)
	_, over := o.Patience.pause(tries)
	if verdict != mail.Permanent && !over {
		o.log.Warn("a mail was not taken and is tried again", "mail", d.Mail, "kind", d.Kind, "try", tried, "verdict", verdict.String(), "reason", said(err))
		return o.later(verdict.String(), err)
	}
	reason := reasonUnreached
	switch failure, _ := errors.AsType[*mail.Error](err); {
	case verdict == mail.Configuration:
		reason = reasonSettings
	case verdict == mail.Permanent && failure.Code == 0:
		reason = reasonAddress
	case verdict == mail.Permanent:
		reason = reasonRefused
	}
	to.Said = err.Error()
	return o.giveUp(ctx, d, tried, reason, to)
}

// said is what a log may tell of a failure: of a server's answer the codes alone.
func said(err error) string {
	failure, ok := errors.AsType[*mail.Error](err)
	if !ok || failure.Code == 0 {
		return err.Error()
	}
	return fmt.Sprintf("%s: %d %s", failure.Step, failure.Code, failure.Enhanced)
}

// later counts a try that is made again.
func (o *Office) later(why string, err error) error {
	o.metrics.retries.WithLabelValues(why).Inc()
	return err
}

// giveUp records that a letter is not tried any more. Whom it was for, and what
// was said about it, is sealed; of somebody who was forgotten nothing is kept.
func (o *Office) giveUp(ctx context.Context, d *draft, tries int, reason string, to recorded.Recipient) error {
	given := recorded.RecordGivenUp{Letter: d.Letter, Tries: max(0, tries), Reason: reason}
	given.Recipient.Person = d.person
	if reason == reasonErased {
		if err := o.Mailer.Forget(d.Mail); err != nil {
			return o.later(mail.Passing.String(), err)
		}
	}
	if to.Email != "" {
		var err error
		if given.Recipient, err = o.Ledger.SealRecipient(ctx, d.person, to); err != nil {
			return o.later(ledgerTrouble, fmt.Errorf("seal the recipient of mail %s: %w", d.Mail, err))
		}
	}
	return o.record(ctx, d, func(ctx context.Context) error {
		receipt, err := o.Ledger.RecordGivenUp(ctx, by(), d.about, given)
		if refusal, ok := errors.AsType[*domain.Refusal](err); ok && refusal.Code == recorded.AlreadySent {
			return nil // by another node
		}
		if err == nil && receipt.Changed {
			o.metrics.givenUp.WithLabelValues(reason).Inc()
			o.log.Warn("a mail was given up; it is in the list of mails and can be sent again", "mail", d.Mail, "kind", d.Kind, "tries", tries, "reason", reason)
		}
		return err
	})
}

// How long recording is tried.
const (
	recordFirst = 50 * time.Millisecond
	recordMost  = 5 * time.Second
	recordGrace = 5 * time.Second // when the process is to stop
)

// record records, again and again until it succeeds (R39). When the process is to
// stop it goes on for a moment only; then the letter may go out twice.
func (o *Office) record(ctx context.Context, d *draft, how func(context.Context) error) error {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(recordGrace, cancel)
	})
	defer stop()
	for rest := recordFirst; ; rest = min(2*rest, recordMost) {
		err := how(lasting)
		if err == nil {
			o.recorded.Add(1)
			return nil
		}
		if refusal, ok := errors.AsType[*domain.Refusal](err); ok {
			return fmt.Errorf("%w: what became of mail %s cannot be recorded: %w", errUnreadable, d.Mail, refusal)
		}
		if lasting.Err() != nil || ledger.Permanent(err) {
			return fmt.Errorf("record mail %s: %w", d.Mail, err)
		}
		o.log.Error("what became of a mail is not recorded yet", "mail", d.Mail, "error", err)
		o.metrics.retries.WithLabelValues(ledgerTrouble).Inc()
		select {
		case <-time.After(rest):
		case <-lasting.Done():
			return lasting.Err()
		}
	}
}
