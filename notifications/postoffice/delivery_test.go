package postoffice_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
)

// hard is a server that makes trouble by the number in the address: every letter
// goes through something else, and some never through.
func hard(to string, try int) error {
	var n int
	if _, err := fmt.Sscanf(to, "ani%d@", &n); err != nil {
		return nil
	}
	switch {
	case n%10 == 0:
		return reply(550, "rcpt is unknown here")
	case n%10 == 1 && try == 1:
		return reply(451, "rcpt later")
	case n%10 == 2 && try <= 2:
		return reply(451, "content later")
	case n%10 == 3:
		return reply(554, "content refused")
	case n%10 == 4 && try == 1:
		return drop
	case n%100 == 5 && try == 1:
		return stall
	}
	return nil
}

// R39: whatever the server does, every letter arrives, always under the same
// Message-ID, or is given up and can be sent again.
func TestR39_AThousandIncidentsAndAServerInTrouble(t *testing.T) {
	const n = 1000
	var open atomic.Bool
	p := newPost(t, func(to string, try int) error {
		if open.Load() {
			return nil
		}
		return hard(to, try)
	})
	r := newRig(t, p.config())
	c := r.linked(n + 10)
	_, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	for i := range n {
		r.submit(c.ID, fmt.Sprintf("ani%d@example.com", i), "en")
	}
	r.open()
	r.until("800 sent", func() bool { return r.count("mail.sent.v1") == n*8/10 })
	r.until("200 given up", func() bool { return r.count("mail.given-up.v1") == n*2/10 })
	mustBeEach(t, r, p, n*8/10)

	for i := 0; i < n; i += 10 {
		if tried := p.tried(fmt.Sprintf("ani%d@example.com", i)); tried != 1 {
			t.Errorf("the server was asked %d times for somebody it does not know", tried)
		}
	}
	open.Store(true)
	all, _ := r.records()
	for id, e := range all {
		if given, ok := e.(*recorded.GivenUp); ok {
			if given.Reason != "refused" {
				t.Errorf("given up after %d tries for the reason %q", given.Tries, given.Reason)
			}
			_, err := r.ResendMail(t.Context(), r.by(ledger.Actor{Role: ledger.Admin}), c.ID, id, "mended")
			must(t, err)
		}
	}
	r.until("all sent", func() bool { return r.count("mail.sent.v1") == n })
	mustBeEach(t, r, p, n)
	if said := r.said.String(); strings.Contains(said, "@example.com") || strings.Contains(said, c.ContractID) {
		t.Error("the log names addresses or IDs")
	}
}

// mustBeEach holds that so many letters arrived, each under one Message-ID, and
// are recorded as sent once.
func mustBeEach(t *testing.T, r *rig, p *post, n int) {
	t.Helper()
	ids := map[string]string{}
	for _, a := range p.letters() {
		if before, ok := ids[a.to]; ok && before != a.id {
			t.Errorf("%s got %s and %s", a.to, before, a.id)
		}
		ids[a.to] = a.id
	}
	if len(ids) != n {
		t.Errorf("%d people got letters, want %d", len(ids), n)
	}
	sent := map[string]int{}
	all, _ := r.records()
	for _, e := range all {
		if s, ok := e.(*recorded.Sent); ok {
			sent[s.MessageID]++
		}
	}
	for to, id := range ids {
		if sent[id] != 1 {
			t.Errorf("the letter %s to %s is recorded %d times", id, to, sent[id])
		}
	}
}

// R39: a JetStream that was lost repeats nothing, and what was recorded before
// mails were on is told to nobody.
func TestR39_ALostJetStreamRepeatsNothing(t *testing.T) {
	p := newPost(t, nil)
	r := newRig(t, p.config())
	c := r.linked(50)
	r.submit(c.ID, "before@example.com", "en")
	_, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	for i := range 20 {
		r.submit(c.ID, fmt.Sprintf("ani%d@example.com", i), "en")
	}
	r.open()
	r.until("the letters", func() bool { return r.count("mail.sent.v1") == 20 })
	r.close()
	must(t, os.RemoveAll(r.nats()))
	r.open()
	r.submit(c.ID, "last@example.com", "en")
	r.until("the last letter", func() bool { return r.count("mail.sent.v1") == 21 })
	if n := len(p.letters()); n != 21 {
		t.Errorf("%d letters arrived, want 21", n)
	}
	for _, a := range p.letters() {
		if a.to == "before@example.com" || a.to == "citra@example.com" {
			t.Errorf("what was before is told to %s", a.to)
		}
	}
}

// R47: to somebody who was forgotten nothing is sent, and nothing is kept of whom
// it was for.
func TestR47_NoLetterToTheForgotten(t *testing.T) {
	p := newPost(t, nil)
	r := newRig(t, p.config())
	c := r.linked(10)
	_, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	r.submit(c.ID, "ani@example.com", "en")
	_, err = r.Erase(t.Context(), r.by(operator), ani.Account, "asked")
	must(t, err)
	r.open()
	r.until("giving up", func() bool { return r.count("mail.given-up.v1") == 1 })
	all, times := r.records()
	for id, e := range all {
		given := e.(*recorded.GivenUp)
		if given.Reason != "erased" || given.Recipient.Box != nil || given.Recipient.Person != ani.Account || times[id] != 1 {
			t.Errorf("recorded as %+v", given)
		}
	}
	if keys, err := r.people.Keys(t.Context(), ani.Account); err != nil || len(keys) != 0 {
		t.Errorf("%d keys were made for somebody who was forgotten, %v", len(keys), err)
	}
	if n := len(p.letters()); n != 0 {
		t.Errorf("%d letters arrived", n)
	}
}

// A letter that cannot be addressed is given up at once and keeps no other.
func TestR39_AMalformedAddressIsGivenUp(t *testing.T) {
	p := newPost(t, nil)
	r := newRig(t, p.config())
	c := r.linked(10)
	_, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	r.submit(c.ID, "nobody at all", "en")
	r.submit(c.ID, "ani@example.com", "id")
	r.open()
	r.until("both", func() bool { return r.count("mail.given-up.v1") == 1 && r.count("mail.sent.v1") == 1 })
	all, _ := r.records()
	for _, e := range all {
		if given, ok := e.(*recorded.GivenUp); ok && given.Reason != "bad-address" {
			t.Errorf("the reason is %q", given.Reason)
		}
	}
	if a := p.letters(); len(a) != 1 || !strings.Contains(a[0].content, "Insiden") {
		t.Errorf("the letter is not in Indonesian: %v", a)
	}
}
