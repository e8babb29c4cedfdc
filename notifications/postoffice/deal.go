package postoffice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications"
)

// errAgain says that somebody else is at work on the letter, or that an event has
// not arrived here yet.
var errAgain = errors.New("it has to wait a little")

// deal does what a message asks for, and answers it: for good, or for another
// time.
func (s *session) deal(ctx context.Context, m jetstream.Msg) {
	tries := attemptsOf(m)
	err := s.dealSafely(ctx, m, tries)
	switch {
	case err == nil:
		s.answer(m, m.Ack)
	case ctx.Err() != nil:
		s.answer(m, m.Nak)
	default:
		pause, over := s.Patience.pause(tries)
		if over {
			s.drop(m, err)
			return
		}
		s.answer(m, func() error { return m.NakWithDelay(pause) })
	}
}

// attemptsOf asks JetStream, which outlives this process.
func attemptsOf(m jetstream.Msg) attempts {
	meta, err := m.Metadata()
	if err != nil {
		return attempts{made: 1}
	}
	return attempts{made: int(meta.NumDelivered), since: time.Since(meta.Timestamp)}
}

// drop lets go of a message of which nothing could be made for a day: what it
// asks for could not even be recorded as given up.
func (s *session) drop(m jetstream.Msg, err error) {
	s.metrics.poison.Inc()
	s.log.Error("a message to the post office is dropped; a letter may be missing", "subject", m.Subject(), "error", err)
	s.answer(m, m.Term)
}

// dealSafely lets what goes badly wrong with one message cost this one only: it
// records that the letter is given up.
func (s *session) dealSafely(ctx context.Context, m jetstream.Msg, tries attempts) error {
	err := s.safely(m, func() error {
		if strings.HasPrefix(m.Subject(), noticesPrefix) {
			return s.dealWithNotice(ctx, m, tries)
		}
		return s.dealWithEvent(ctx, m, tries)
	})
	switch {
	case errors.Is(err, errPanic):
	case errors.Is(err, errUnreadable) || ledger.Permanent(err) && !errors.Is(err, eventstore.ErrClosed):
		s.log.Error("no letter can be made of a message", "subject", m.Subject(), "error", err)
	default:
		return err
	}
	return s.safely(m, func() error { return s.bury(ctx, m, tries) })
}

// errPanic says that something ended in a panic, which was logged.
var errPanic = errors.New("it ended in a panic")

// safely makes an error of a panic.
func (s *session) safely(m jetstream.Msg, do func() error) (err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			s.log.Error("a letter ended in a panic", "subject", m.Subject(), "panic", fmt.Sprint(wrong), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return do()
}

// dealWithEvent sends what an event has to tell.
func (s *session) dealWithEvent(ctx context.Context, m jetstream.Msg, tries attempts) error {
	if _, any := kindOf(m.Headers().Get(notifications.HeaderType)); !any {
		return nil
	}
	at, err := readPlace(m)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if at.position <= s.since.Position {
		return nil
	}
	r, err := s.find(ctx, at)
	if err != nil {
		return err
	}
	d, err := s.draftOf(ctx, r)
	if err != nil {
		return err
	}
	if strings.HasPrefix(r.Type, "contract.activated.") {
		if err := s.expect(ctx, at.stream); err != nil {
			return err
		}
	}
	if d == nil {
		return nil
	}
	return s.deliver(ctx, d, tries)
}

// A place is where an event stands, as its message says.
type place struct {
	id       uuid.UUID
	stream   uuid.UUID
	revision eventstore.Revision
	position eventstore.Position
}

func readPlace(m jetstream.Msg) (p place, err error) {
	h := m.Headers()
	if p.id, err = uuid.Parse(h.Get(notifications.HeaderID)); err != nil {
		return p, fmt.Errorf("header %s: %w", notifications.HeaderID, err)
	}
	if p.stream, err = uuid.Parse(h.Get(notifications.HeaderSubject)); err != nil {
		return p, fmt.Errorf("header %s: %w", notifications.HeaderSubject, err)
	}
	revision, err := strconv.ParseInt(h.Get(notifications.HeaderRevision), 10, 64)
	if err != nil {
		return p, fmt.Errorf("header %s: %w", notifications.HeaderRevision, err)
	}
	position, err := strconv.ParseUint(h.Get(notifications.HeaderPosition), 10, 64)
	if err != nil {
		return p, fmt.Errorf("header %s: %w", notifications.HeaderPosition, err)
	}
	p.revision, p.position = eventstore.Revision(revision), eventstore.Position(position)
	return p, nil
}

// find reads the event in the log, which alone counts.
func (o *Office) find(ctx context.Context, at place) (eventstore.Record, error) {
	for r, err := range o.Store.ReadStream(ctx, at.stream.String(), at.revision, eventstore.Forwards) {
		if err != nil {
			return r, fmt.Errorf("read event %s@%d: %w", at.stream, at.revision, err)
		}
		if r.ID == at.id {
			return r, nil
		}
		return r, fmt.Errorf("%w: the log has another event at %s@%d", errUnreadable, at.stream, at.revision)
	}
	return eventstore.Record{}, fmt.Errorf("%w: event %s@%d is not in the log", errAgain, at.stream, at.revision)
}

// bury records that a letter is given up of which not even a draft can be made,
// where the log has its cause.
func (s *session) bury(ctx context.Context, m jetstream.Msg, tries attempts) error {
	s.metrics.poison.Inc()
	d := &draft{}
	if strings.HasPrefix(m.Subject(), noticesPrefix) {
		var n notice
		if json.Unmarshal(m.Data(), &n) != nil || !n.Letter.Kind.Known() {
			return nil
		}
		d.about, d.Letter = n.About, n.Letter
	} else {
		at, err := readPlace(m)
		if err != nil {
			return nil
		}
		if _, err := s.find(ctx, at); errors.Is(err, errUnreadable) {
			return nil // it tells of another log
		}
		kind, ok := kindOf(m.Headers().Get(notifications.HeaderType))
		if !ok {
			return nil
		}
		d.about = at.stream
		d.Letter = recorded.Letter{Mail: mailID(kind, at.id, "unreadable", uuid.Nil), Kind: kind, Cause: at.id, Language: "en"}
	}
	return s.giveUp(ctx, d, tries.made, reasonUnreadable, recorded.Recipient{})
}

// kindOf is what the letters about a type of events are.
func kindOf(eventType string) (recorded.Kind, bool) {
	switch eventType[:max(0, strings.LastIndexByte(eventType, '.'))] {
	case "contract.activated":
		return recorded.IDs, true
	case "contract.expired":
		return recorded.Expired, true
	case "account.linked":
		return recorded.Linked, true
	case "incident.submitted":
		return recorded.Submitted, true
	case "incident.deducted":
		return recorded.FewLeft, true
	case "incident.closed":
		return recorded.Closed, true
	}
	return "", false
}
