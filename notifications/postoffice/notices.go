package postoffice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// A notice asks for a letter that no event brings about. It is made of what the
// log says, and made again where it is lost; whether the letter is still to be
// sent is decided when it is taken.
type notice struct {
	Letter recorded.Letter `json:"letter"`
	About  uuid.UUID       `json:"about"`          // the contract, or the incident that no contract pays for
	Days   int             `json:"days,omitempty"` // of an expiring contract: 30 or 7; 0 for a letter that somebody asks for again
}

// post puts a notice into the stream, unless it is there.
func (s *session) post(ctx context.Context, n notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write notice of mail %s: %w", n.Letter.Mail, err)
	}
	_, err = s.js.Publish(ctx, noticesPrefix+string(n.Letter.Kind)+"."+n.Letter.Mail.String(), body)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == storeFailed {
		return nil // "maximum messages per subject exceeded": it waits there already
	}
	if err != nil {
		return fmt.Errorf("post notice of mail %s: %w", n.Letter.Mail, err)
	}
	return nil
}

// storeFailed is how JetStream refuses a message for which a stream has no room.
const storeFailed jetstream.ErrorCode = 10077

// before are how many days before a contract's last day its contact is told.
func before() [2]int { return [2]int{30, 7} }

// lead is how long before the end of a term that day begins, give or take an hour
// where clocks change: the term ends with its last day. It is for the agenda;
// nearest says exactly when.
func lead(days int) time.Duration { return time.Duration(days+1) * 24 * time.Hour }

// nearest is which of the letters about a term's end is due, if any is: the last
// one alone where both would be. The end is in the contract's zone.
func nearest(now, end time.Time) (days int, since time.Time, due bool) {
	if !now.Before(end) {
		return 0, since, false
	}
	for _, n := range before() {
		if at := end.AddDate(0, 0, -n-1); !now.Before(at) {
			days, since, due = n, at, true
		}
	}
	return days, since, due
}

// lookAhead posts what time and operators bring about, until the context ends.
func (s *session) lookAhead(ctx context.Context) error {
	tick := time.NewTicker(s.Patience.Look)
	defer tick.Stop()
	a := ahead{session: s}
	for later := false; ; {
		err := errors.Join(s.askAgain(ctx), a.look(ctx), s.forget(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case errors.Is(err, ledger.ErrLater):
			if !later {
				s.log.Info("mails that are due are looked for once the agenda is there", "reason", err)
			}
		case err != nil:
			s.log.Warn("looking for mails that are due did not succeed; it is tried again", "error", err)
		}
		later = errors.Is(err, ledger.ErrLater)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// pageSize is how much is asked of the agenda at once.
const pageSize = 256

// askAgain posts the letters that operators want to be sent again.
func (s *session) askAgain(ctx context.Context) error {
	asked, err := s.Agenda.Asked(ctx, pageSize)
	if err != nil {
		return fmt.Errorf("find mails that are asked for again: %w", err)
	}
	for _, a := range asked {
		standing, err := s.Ledger.MailStanding(ctx, a.Contract, a.Mail)
		if err != nil {
			return fmt.Errorf("ask what is recorded of mail %s: %w", a.Mail, err)
		}
		if standing.Status != recorded.StatusRequested {
			continue // since the agenda was written
		}
		if err := s.post(ctx, notice{Letter: standing.Letter, About: a.Contract}); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the letters to people who were forgotten (R47), all of them again
// after each start.
func (s *session) forget(ctx context.Context) error {
	mails, last, err := s.Agenda.Forgotten(ctx, s.forgotten)
	if err != nil {
		return fmt.Errorf("find mails to people who were forgotten: %w", err)
	}
	for _, id := range mails {
		if err := s.Mailer.Forget(id); err != nil {
			return err
		}
	}
	s.forgotten = last
	return nil
}

// ahead is how far the agenda was gone through.
type ahead struct {
	*session
	seen time.Time // by the ledger's clock; zero: not at all
	full time.Time // when all of it was, by the same
}

// fullEvery is how often all contracts whose end is near are looked at: the agenda
// may have learnt of one late.
const fullEvery = time.Hour

// look posts the letters that have become due since it was called last; the first
// time all that are.
func (a *ahead) look(ctx context.Context) error {
	now := a.Ledger.Now()
	if a.seen.IsZero() || now.Sub(a.full) >= fullEvery {
		if err := a.span(ctx, now, now.Add(lead(before()[0]))); err != nil {
			return err
		}
		a.seen, a.full = now, now
		return nil
	}
	for _, days := range before() {
		if err := a.span(ctx, a.seen.Add(lead(days)), now.Add(lead(days))); err != nil {
			return err
		}
	}
	a.seen = now
	return nil
}

// span looks at the contracts that end after one time and not after another.
func (a *ahead) span(ctx context.Context, after, until time.Time) error {
	last := ledger.DueContract{}
	for {
		page, err := a.Agenda.Ending(ctx, after, until, last, pageSize)
		if err != nil {
			return fmt.Errorf("find contracts that end: %w", err)
		}
		for _, last = range page {
			if err := a.expect(ctx, last.Contract); err != nil {
				return err
			}
		}
		if len(page) < pageSize || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// expect posts a notice where a contract's end is near and its contact was not
// told.
func (s *session) expect(ctx context.Context, id uuid.UUID) error {
	d, days, err := s.expiring(ctx, id)
	if err != nil || d == nil {
		return err
	}
	standing, err := s.Ledger.MailStanding(ctx, id, d.Mail)
	if err != nil {
		return fmt.Errorf("ask what is recorded of mail %s: %w", d.Mail, err)
	}
	if standing.Status != recorded.Unrecorded {
		return nil
	}
	return s.post(ctx, notice{Letter: d.Letter, About: id, Days: days})
}

// expiring makes the draft of what is to be told of a contract's end now; nil
// where that is nothing: it is not near, or does not matter, or came near before
// mails were switched on.
func (o *Office) expiring(ctx context.Context, id uuid.UUID) (d *draft, days int, err error) {
	var terms *contract.Registered
	var content mail.Letter
	err = o.Ledger.View(ctx, id, func(s *contract.State, at time.Time) {
		sum := s.Summary(at)
		if sum.Status != contract.StatusActive && sum.Status != contract.StatusSuspended || sum.Successor() != uuid.Nil {
			return
		}
		near, since, due := nearest(at, sum.EndsAt.In(zone(sum.Terms)))
		content.LastDay, content.DaysLeft = sum.ExpiresOn, daysUntil(sum.ExpiresOn, at, zone(sum.Terms))
		if due && !since.Before(o.since.At) && content.DaysLeft >= 1 {
			days, terms = near, sum.Terms
		}
		if b := s.Balance(contract.Incident, at); b.Unlimited || b.Granted != 0 {
			content.Left = mail.Left{Pays: true, Unlimited: b.Unlimited, Count: b.Available}
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("look at contract %s: %w", id, err)
	}
	if terms == nil {
		return nil, 0, nil
	}
	contact, err := o.Ledger.ContactOf(ctx, id, terms, 0)
	if err != nil {
		return nil, 0, err
	}
	d = o.toContact(id, terms, contact, recorded.Expiring, id, fmt.Sprint(days), nil)
	d.content.LastDay, d.content.DaysLeft, d.content.Left = content.LastDay, content.DaysLeft, content.Left
	return d, days, nil
}

// idsAgain makes the draft of IDs that an operator wants to be sent once more
// (R30), to whom that was decided for; nil where the contract has come to an end.
func (o *Office) idsAgain(ctx context.Context, n *notice, to domain.Sealed[recorded.Recipient]) (*draft, error) {
	var d *draft
	err := o.Ledger.View(ctx, n.About, func(s *contract.State, at time.Time) {
		if s.MayResendIDs(at) != nil {
			return
		}
		sum := s.Summary(at)
		d = o.begin(n.About, recorded.IDs, n.About, "again", to.Person, n.Letter.Language, nil)
		d.source = &recorded.Requested{Recipient: to}
		o.tellIDs(d, sum.Terms, sum.StartsOn, sum.ExpiresOn)
	})
	if err != nil {
		return nil, fmt.Errorf("look at contract %s: %w", n.About, err)
	}
	return d, nil
}

// daysUntil counts the days from a moment to a day.
func daysUntil(day catalog.Date, at time.Time, zone *time.Location) int {
	today := catalog.DateOf(at, zone)
	return int(day.StartOf(time.UTC).Sub(today.StartOf(time.UTC)) / (24 * time.Hour))
}

// dealWithNotice sends the letter that a notice asks for, if it is still true.
func (s *session) dealWithNotice(ctx context.Context, m jetstream.Msg, tries attempts) error {
	var n notice
	if err := json.Unmarshal(m.Data(), &n); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	var recipient domain.Sealed[recorded.Recipient]
	if n.Days == 0 {
		standing, err := s.Ledger.MailStanding(ctx, n.About, n.Letter.Mail)
		if err != nil {
			return s.later(ledgerTrouble, fmt.Errorf("ask what is recorded of mail %s: %w", n.Letter.Mail, err))
		}
		if standing.Status != recorded.StatusRequested {
			return nil
		}
		n.Letter, recipient = standing.Letter, standing.Recipient
	}
	d, err := s.draftAgain(ctx, &n, recipient)
	if err != nil {
		return err
	}
	if d == nil {
		if n.Days == 0 {
			return s.giveUp(ctx, &draft{Letter: n.Letter, about: n.About}, 0, reasonOver, recorded.Recipient{})
		}
		return nil
	}
	d.Letter = n.Letter
	d.Language = mail.LanguageOf(n.Letter.Language)
	d.content.ID, d.content.Language = n.Letter.Mail, d.Language
	return s.deliver(ctx, d, tries)
}

// draftAgain makes the draft of a notice's letter from what has caused it; nil
// where that is not true any more.
func (s *session) draftAgain(ctx context.Context, n *notice, to domain.Sealed[recorded.Recipient]) (*draft, error) {
	if n.Letter.Kind == recorded.IDs && n.Letter.Cause == uuid.Nil {
		return s.idsAgain(ctx, n, to)
	}
	if n.Letter.Kind == recorded.Expiring {
		d, _, err := s.expiring(ctx, n.About)
		if d != nil && n.Days != 0 && d.Mail != n.Letter.Mail {
			return nil, err // the next letter has taken its place
		}
		return d, err
	}
	for r, err := range s.Store.ReadStream(ctx, n.About.String(), 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read contract %s: %w", n.About, err)
		}
		if r.ID == n.Letter.Cause {
			return s.draftOf(ctx, r)
		}
	}
	return nil, fmt.Errorf("%w: %s has no event %s", errUnreadable, n.About, n.Letter.Cause)
}
