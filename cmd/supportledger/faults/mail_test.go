//go:build linux

package faults_test

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
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

// again is how many came once more.
func (b *letterbox) again() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, times := range b.taken {
		n += times - 1
	}
	return n
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
	wanted := l.letters(p)
	p.until("the last letter", func() bool {
		said := p.get("", "/metrics").body
		return box.count() >= wanted && strings.Contains(said, "\nsupportledger_mails_lag 0\n") && strings.Contains(said, "\nsupportledger_mails_waiting 0\n")
	})
	p.stop()
	sent := mailsOf(t, dir)
	mustVerify(t, dir)
	for id := range box.taken {
		if sent[id] != 1 {
			t.Errorf("the letter %s arrived and is recorded %d times", id, sent[id])
		}
	}
	if len(sent) != wanted || len(box.taken) != wanted {
		t.Errorf("%d letters are wanted, %d arrived and %d are recorded", wanted, len(box.taken), len(sent))
	}
	t.Logf("%d letters over %d kills; %d came again", len(sent), kills, box.again())
}

// letters is how many letters there have to be: the IDs and the link of each
// contract, and one for each incident.
func (l *load) letters(p *program) int {
	p.t.Helper()
	wanted := 2 * len(l.contracts)
	for _, c := range l.contracts {
		for _, e := range p.history(c.ID) {
			if e.Type == "incident.submitted.v1" {
				wanted++
			}
		}
	}
	return wanted
}

// R39, R42: while the ledger's disk is full no letter can be recorded, and perhaps
// not be written. All of them wait, and once there is room they are recorded by
// themselves, each once.
func TestR39_LettersWaitForAFullDisk(t *testing.T) {
	disk := storetest.Tmpfs(t, 200<<20)
	dir, fillers := filepath.Join(disk, "ledger"), []string{filepath.Join(disk, "filler-0"), filepath.Join(disk, "filler-1")}
	launchMails := func() *program {
		p := start(t, dir, servingMails(t, dir))
		if p.base == "" {
			t.Fatalf("the ledger does not start: %v\n%s", p.wait(), p.said)
		}
		return p
	}
	p := launchMails() // from here on there is something to tell
	p.stop()
	p = launch(t, dir)
	l := newLoad(p)
	for l.count() < 300 {
		if !l.ask(p, nil) {
			t.Fatalf("refused: %v", l.refused)
		}
	}
	wanted := l.letters(p)
	p.stop()

	fill(t, disk, fillers[0], 20<<20) // far less than is kept from the log, whatever a start clears away
	p = launchMails()
	p.until("a letter that cannot be recorded", func() bool { return strings.Contains(p.said.String(), "is not recorded yet") })
	fill(t, disk, fillers[1], 0)
	moreTries := func() {
		before := p.total("mails_retries")
		p.until("more tries", func() bool { return p.total("mails_retries") >= before+20 })
	}
	moreTries() // what was under way when the disk became full has ended
	recorded := p.total("mails_sent")
	moreTries()
	p.post("operator", "/v1/contracts", "another", registration("Budi")).mustBeOutage(t, "storage-full")
	if now := p.total("mails_sent"); now != recorded || now >= wanted {
		t.Errorf("on a full disk the letters that are recorded became %d from %d", now, recorded)
	}
	for _, filler := range fillers {
		must(t, os.Remove(filler))
	}
	p.until("the last letter", func() bool { return p.total("mails_sent") >= wanted })
	p.stop()
	files, err := os.ReadDir(filepath.Join(dir, "mail"))
	must(t, err)
	sent := mailsOf(t, dir)
	mustVerify(t, dir)
	if len(sent) != wanted || len(files) != wanted {
		t.Errorf("%d letters are wanted, %d are recorded and %d in the folder", wanted, len(sent), len(files))
	}
}

// total adds up what a metric counts, over its labels.
func (p *program) total(metric string) (sum int) {
	p.t.Helper()
	lines := regexp.MustCompile(`(?m)^supportledger_` + metric + `_total\{.*\} (\d+)$`)
	for _, found := range lines.FindAllStringSubmatch(p.get("", "/metrics").body, -1) {
		n, err := strconv.Atoi(found[1])
		must(p.t, err)
		sum += n
	}
	return sum
}

// mailsOf counts what the log in a folder records as sent, by Message-ID.
func mailsOf(t testing.TB, dir string) map[string]int {
	t.Helper()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	must(t, err)
	defer store.Close()
	return mailsIn(t, store)
}

// mailsIn does so for a log that is open.
func mailsIn(t testing.TB, store eventstore.Store) map[string]int {
	t.Helper()
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
