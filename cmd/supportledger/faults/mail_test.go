//go:build linux

package faults_test

import (
	"context"
	"io"
	"log"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// A letterbox is an SMTP server that outlives the ledger, and counts what it took
// by Message-ID.
type letterbox struct {
	address string
	mu      sync.Mutex
	taken   map[string]int
}

func newLetterbox(t *testing.T) *letterbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &letterbox{address: listener.Addr().String(), taken: map[string]int{}}
	server := smtp.NewServer(b)
	server.ErrorLog = log.New(io.Discard, "", 0) // clients that are killed
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Close(); running.Wait() })
	return b
}

// NewSession implements smtp.Backend.
func (b *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return letterboxSession{b}, nil }

type letterboxSession struct{ *letterbox }

// Mail, Rcpt, Reset and Logout implement smtp.Session.
func (letterboxSession) Mail(string, *smtp.MailOptions) error { return nil }
func (letterboxSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letterboxSession) Reset()                               {}
func (letterboxSession) Logout() error                        { return nil }

// Data implements smtp.Session.
func (s letterboxSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	id := regexp.MustCompile(`(?m)^Message-ID: (<[^>]+>)\r?$`).FindSubmatch(content)[1]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[string(id)]++
	return nil
}

func (b *letterbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.taken)
}

// R39: a ledger is killed again and again while mails go out. None is lost, none
// is recorded twice, and one that goes out again has the same Message-ID.
func TestR39_NoMailIsLostOverKills(t *testing.T) {
	const kills, letters = 15, 1500
	dir, box := t.TempDir(), newLetterbox(t)
	launchAgain := func() *program {
		cmd := servingMails(t, dir)
		cmd.Args = append(cmd.Args, "--mail-from", "support@example.com", "--smtp", "smtp://"+box.address, "--smtp-plain", "--smtp-plain-ids")
		p := start(t, dir, cmd)
		if p.base == "" {
			t.Fatalf("the ledger does not start: %v\n%s", p.wait(), p.said)
		}
		return p
	}
	p := launchAgain()
	l := newLoad(p)
	for n := range kills {
		before := box.count()
		l.until(p, (n+1)*letters/kills)
		p.kill()
		p = launchAgain()
		p.until("another letter", func() bool { return box.count() > before })
	}
	wanted := 2 * len(l.contracts) // the IDs and the link of each
	for _, c := range l.contracts {
		for _, e := range p.history(c.ID) {
			if e.Type == "incident.submitted.v1" {
				wanted++
			}
		}
	}
	p.until("the last letter", func() bool {
		said := p.get("", "/metrics").body
		return box.count() >= wanted && strings.Contains(said, "\nsupportledger_mails_lag 0\n") && strings.Contains(said, "\nsupportledger_mails_waiting 0\n")
	})
	p.stop()
	sent := mailsOf(t, dir)
	mustVerify(t, dir)
	again := 0
	for id, n := range box.taken {
		if sent[id] != 1 {
			t.Errorf("the letter %s arrived and is recorded %d times", id, sent[id])
		}
		again += n - 1
	}
	if len(sent) != wanted || len(box.taken) != wanted {
		t.Errorf("%d letters are wanted, %d arrived and %d are recorded", wanted, len(box.taken), len(sent))
	}
	t.Logf("%d letters over %d kills; %d came again", len(sent), kills, again)
}

// mailsOf counts what a log records as sent, by Message-ID.
func mailsOf(t testing.TB, dir string) map[string]int {
	t.Helper()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	must(t, err)
	defer store.Close()
	sent, ids := map[string]int{}, map[uuid.UUID]bool{}
	for r, err := range store.ReadAll(context.Background(), eventstore.Start) {
		must(t, err)
		if !strings.HasPrefix(r.Stream, "mails-") {
			continue
		}
		e, err := mail.Decode(r.Type, r.Data)
		must(t, err)
		s, ok := e.(*mail.Sent)
		if !ok || ids[s.Mail] {
			t.Errorf("position %v: %s", r.Position, r.Type)
			continue
		}
		ids[s.Mail] = true
		sent[s.MessageID]++
	}
	return sent
}
