package ledger_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// slowStore holds appends back until it is told to let them through.
type slowStore struct {
	eventstore.Store
	begun, through chan struct{}
}

func (s *slowStore) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	s.begun <- struct{}{}
	<-s.through
	return s.Store.Append(ctx, a)
}

// A volley under one key is one wish, also where it rides in one append together
// with others.
func TestR39_AVolleyUnderOneKeyIsOneWish(t *testing.T) {
	r := newRig(t)
	id := r.active(1).ID
	r.givenUp(r.Ledger, id, 1)
	r.givenUp(r.Ledger, id, 2)
	slow := &slowStore{Store: r.store, begun: make(chan struct{}, 9), through: make(chan struct{})}
	node, err := ledger.New(ledger.Config{Store: slow, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	wishes := []ledger.Request{r.by(operator, "resend"), r.by(operator, "resend")}
	var all sync.WaitGroup
	resend := func(n int, wish ledger.Request) *ledger.MailAnswer {
		receipt := new(ledger.MailAnswer)
		all.Go(func() {
			var err error
			if *receipt, err = node.ResendMail(t.Context(), wish, id, mailID(n), "asked"); err != nil {
				t.Error(err)
			}
		})
		return receipt
	}
	first := resend(1, wishes[0])
	<-slow.begun
	const volley = 8
	var volleys [volley]*ledger.MailAnswer
	for i := range volleys {
		volleys[i] = resend(2, wishes[1])
	}
	waiting := func(n int) {
		for node.MailsWaiting(id) < n {
			runtime.Gosched()
		}
	}
	waiting(volley)
	held := resend(2, r.by(operator, "resend"))
	waiting(volley + 1)
	close(slow.through)
	all.Wait()
	anew := 0
	for _, got := range volleys {
		if !got.Replayed {
			anew++
		}
		if got.Position != first.Position+1 || !got.Changed {
			t.Errorf("answered with %+v, after %+v", got, first)
		}
	}
	if held.Position != first.Position+1 || held.Changed {
		t.Errorf("under another key it was answered with %+v, after %+v", held, first)
	}
	if anew != 1 || len(slow.begun) != 1 {
		t.Errorf("%d were decided anew, in %d appends", anew, len(slow.begun))
	}
	if got := r.types(ledger.MailsOf(id)); got != "mail.given-up mail.given-up mail.requested mail.requested" {
		t.Errorf("recorded is %s", got)
	}
}

// What becomes of many mails at once, and is more than a store takes in one append, is
// recorded in several; what alone is too much costs nobody else his answer.
func TestR39_WhatIsTooLargeAboutMailsIsHalved(t *testing.T) {
	r := newRig(t)
	const many, tooMuch = 40, 20
	id := r.active(1).ID
	_, s := r.narrowed(4 << 10)
	slow := &slowStore{Store: s, begun: make(chan struct{}, 2*many), through: make(chan struct{})}
	node, err := ledger.New(ledger.Config{Store: slow, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	var all sync.WaitGroup
	var errs [many]error
	for n := range many {
		r.givenUp(r.Ledger, id, n)
		reason, wish := "asked", r.by(operator, "resend")
		if n == tooMuch {
			reason = strings.Repeat("asked ", 1000)
		}
		all.Go(func() { _, errs[n] = node.ResendMail(t.Context(), wish, id, mailID(n), reason) })
		if n == 0 {
			<-slow.begun // the others wait for it
			continue
		}
		for node.MailsWaiting(id) < n {
			runtime.Gosched()
		}
	}
	close(slow.through)
	all.Wait()
	for n, err := range errs {
		if (n == tooMuch) != errors.Is(err, eventstore.ErrInvalid) || n != tooMuch && err != nil {
			t.Errorf("mail %d: %v", n, err)
		}
		if want := map[bool]mail.Status{true: mail.StatusGivenUp, false: mail.StatusRequested}[n == tooMuch]; r.standing(node, id, n) != want {
			t.Errorf("mail %d is %s, want %s", n, r.standing(node, id, n), want)
		}
	}
	if s.refused.Load() == 0 || s.appends.Load()-s.refused.Load() < 3 {
		t.Errorf("%d of %d appends were refused", s.refused.Load(), s.appends.Load())
	}
}

// brokenStore panics in its first reading of mails.
type brokenStore struct {
	eventstore.Store
	broken sync.Once
}

func (s *brokenStore) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	if _, ok := ledger.MailedContract(stream); ok {
		s.broken.Do(func() { panic("a mistake") }) // on purpose
	}
	return s.Store.ReadStream(ctx, stream, from, dir)
}

// A mistake in this program that shows with one mail costs its sender the answer,
// and neither the process nor the mails of the contract.
func TestAPanicAboutAMailLeavesTheOthersUsable(t *testing.T) {
	r := newRig(t)
	id := r.active(1).ID
	node, err := ledger.New(ledger.Config{Store: &brokenStore{Store: r.store}, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := node.MailStanding(ctx, id, mailID(1)); err == nil {
		t.Error("a look that panicked was answered")
	}
	standing, err := node.MailStanding(ctx, id, mailID(1))
	if err != nil || standing.Status != mail.Unrecorded {
		t.Errorf("after the panic: %v, %v", standing, err)
	}
}
