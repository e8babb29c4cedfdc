package postoffice_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/notifications/mail"
)

// R39: a letter that no server takes is given up when its pauses have come to a
// day, however often the process was stopped in between.
func TestR39_GivenUpAfterADayOfPauses(t *testing.T) {
	p := newPost(t, func(to string, _ int) error {
		if to == "ani@example.com" {
			return reply(451, "rcpt later")
		}
		return nil
	})
	r := newRig(t, p.config())
	r.wait.First, r.wait.Most, r.wait.Total = 40*time.Millisecond, 200*time.Millisecond, time.Second
	c := r.linked(10)
	r.on()
	r.submit(c.ID, "ani@example.com", "en")
	r.open()
	r.until("some tries", func() bool { return p.tried("ani@example.com") == 3 })
	if r.count("mail.given-up.v1") != 0 {
		t.Fatal("given up after three tries")
	}
	r.close()
	before := p.tried("ani@example.com")
	r.open()
	r.until("giving up", func() bool { return r.count("mail.given-up.v1") == 1 })
	r.submit(c.ID, "budi@example.com", "en")
	r.until("the other letter", func() bool { return r.count("mail.sent.v1") == 1 })
	all, times := r.records()
	for id, e := range all {
		given, ok := e.(*recorded.GivenUp)
		if !ok {
			continue
		}
		// 40, 80, 160 and 200 ms three times: the seventh try is the last, unless a
		// try was cut off by the stop.
		if after := p.tried("ani@example.com"); given.Tries < 7 || given.Tries > 8 || after > given.Tries || after <= before {
			t.Errorf("recorded are %d tries; there were %d, and %d before the stop", given.Tries, after, before)
		}
		if given.Reason != "unreachable" || times[id] != 1 {
			t.Errorf("recorded %d times, the reason is %q", times[id], given.Reason)
		}
	}
}

// A process that does not live to hear an answer, again and again, is no reason
// to give a letter up.
func TestR39_ManyCrashesAreNoDay(t *testing.T) {
	const crashes = 18 // their pauses would come to more than an hour
	p := newPost(t, func(_ string, try int) error {
		if try <= crashes {
			return stall
		}
		if try == crashes+1 {
			return reply(451, "rcpt later")
		}
		return nil
	})
	r := newRig(t, p.config())
	r.wait.Total, r.wait.Most, r.wait.Try = time.Hour, time.Hour, tooLong
	c := r.linked(10)
	r.on()
	r.submit(c.ID, "ani@example.com", "en")
	for n := range crashes {
		r.open()
		r.until("another try", func() bool { return p.tried("ani@example.com") > n })
		r.close()
	}
	r.open()
	r.until("the letter", func() bool { return r.count("mail.sent.v1") == 1 })
	if n := r.count("mail.given-up.v1"); n != 0 {
		t.Errorf("%d were given up", n)
	}
}

// R39: letters that a server stalls, as many as leave one line free, keep no
// other waiting: while none of them ends, all others arrive.
func TestR39_AStalledLetterKeepsNoOtherWaiting(t *testing.T) {
	const others, stalled = 200, 7 // of eight lines
	p := newPost(t, func(to string, _ int) error {
		if strings.HasPrefix(to, "stalled") {
			return stall
		}
		return nil
	})
	r := newRig(t, p.config())
	r.wait.Try, r.wait.Total = tooLong, time.Hour
	c := r.linked(others + stalled + 10)
	r.on()
	for i := range stalled {
		r.submit(c.ID, fmt.Sprintf("stalled%d@example.com", i), "en")
	}
	for i := range others {
		r.submit(c.ID, fmt.Sprintf("ani%d@example.com", i), "en")
	}
	r.open()
	r.until("all others", func() bool { return r.count("mail.sent.v1") == others })
	for i := range stalled {
		if n := p.tried(fmt.Sprintf("stalled%d@example.com", i)); n != 1 {
			t.Errorf("a letter that is stalled was tried %d times", n)
		}
	}
	if n := r.count("mail.given-up.v1"); n != 0 {
		t.Errorf("%d were given up", n)
	}
}

// A letter that waits for a line to become free is its ledger's, however long
// that takes: nobody else is given it, and it has not been tried.
func TestR39_WhatWaitsForALineIsKept(t *testing.T) {
	const n = 60
	open := make(chan struct{})
	var p *post
	p = newPost(t, func(string, int) error {
		select {
		case <-open:
		case <-p.quit:
		}
		return nil
	})
	r := newRig(t, p.config())
	r.nodes, r.wait.Try, r.wait.Taken = 2, tooLong, 2*time.Second
	c := r.linked(n + 10)
	r.on()
	for i := range n {
		r.submit(c.ID, fmt.Sprintf("ani%d@example.com", i), "en")
	}
	r.open()
	r.until("the first letters", func() bool { return p.tried("ani0@example.com") == 1 })
	long := time.Now().Add(5 * time.Second)
	r.until("more than the time to answer", func() bool { return time.Now().After(long) })
	close(open)
	r.until("the letters", func() bool { return r.count("mail.sent.v1") == n })
	all, _ := r.records()
	for id, e := range all {
		if sent, ok := e.(*recorded.Sent); !ok || sent.Try != 1 {
			t.Errorf("of %s it is recorded that %+v", id, e)
		}
	}
}

// What goes badly wrong with one letter costs that letter only: it is recorded as
// given up, and others go on.
func TestR39_WhatCannotBeWrittenIsGivenUp(t *testing.T) {
	for what, wrong := range map[string]func() error{
		"a panic":           func() error { panic("a letter like no other") }, // as a mistake in a draft would
		"a damaged record":  func() error { return &eventstore.CorruptError{Where: "a test", Reason: "flipped"} },
		"something passing": nil,
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, mail.Config{})
			bad, good := r.linked(10), r.linked(10)
			r.on()
			var passing atomic.Int64
			spring := func(stream string, from eventstore.Revision) error {
				switch {
				case stream != bad.ID.String() || from != 0: // its terms; the event itself can be read
					return nil
				case wrong != nil:
					return wrong()
				case passing.Add(1) <= 3:
					return errors.New("the disk is away")
				}
				return nil
			}
			r.trap.spring.Store(&spring)
			in := r.submit(bad.ID, "ani@example.com", "en")
			r.submit(good.ID, "budi@example.com", "en")
			r.open()
			if wrong == nil {
				r.until("both", func() bool { return r.count("mail.sent.v1") == 2 })
				return
			}
			r.until("one of each", func() bool { return r.count("mail.sent.v1") == 1 && r.count("mail.given-up.v1") == 1 })
			all, _ := r.records()
			for _, e := range all {
				given, ok := e.(*recorded.GivenUp)
				if ok && (given.Reason != "unreadable" || given.Kind != recorded.Submitted || given.Tries != 1) {
					t.Errorf("the letter about %v is recorded as %+v", in.Number, given)
				}
			}
			r.submit(good.ID, "budi@example.com", "en")
			r.until("another", func() bool { return r.count("mail.sent.v1") == 2 })
			if said := r.said.String(); strings.Contains(said, "@example.com") {
				t.Error("the log names addresses")
			}
		})
	}
}

// Of what not even that can be recorded it is said that it is dropped, after a
// day, and others go on.
func TestR39_WhatCannotBeRecordedIsDropped(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.wait.Total = 300 * time.Millisecond
	bad, good := r.linked(10), r.linked(10)
	r.on()
	spring := func(stream string, _ eventstore.Revision) error {
		if stream == bad.ID.String() {
			panic("a log like no other") // as a mistake in reading would
		}
		return nil
	}
	r.trap.spring.Store(&spring)
	r.submit(bad.ID, "ani@example.com", "en")
	r.submit(good.ID, "budi@example.com", "en")
	r.open()
	r.until("giving up", func() bool { return strings.Contains(r.said.String(), "a message to the post office is dropped") })
	r.submit(good.ID, "budi@example.com", "en")
	r.until("the others", func() bool { return r.count("mail.sent.v1") == 2 })
	if n := r.count("mail.given-up.v1"); n != 0 {
		t.Errorf("%d are recorded as given up", n)
	}
}
