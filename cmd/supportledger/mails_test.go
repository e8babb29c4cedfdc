package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
)

// A mailedFolder is a folder, without a ledger that runs, with mails about a
// contract: one that was sent and two that were given up.
type mailedFolder struct {
	dir                string
	pack               pack
	sent, given, other uuid.UUID
}

func mailed(t *testing.T) mailedFolder {
	t.Helper()
	f := mailedFolder{dir: t.TempDir(), sent: uuid.New(), given: uuid.New(), other: uuid.New()}
	s := serve(t, f.dir, "--no-mails")
	f.pack = s.linked(3)
	must(t, s.stop())
	recordMails(t, f, func(h *house) uuid.UUID { return h.keys.Contact("citra@example.com") }, mail.Recipient{
		Name: "Citra", Email: "citra@example.com", Said: "550 no such user",
	})
	return f
}

// recordMails does to a folder what whoever sends mails does.
func recordMails(t testing.TB, f mailedFolder, person func(*house) uuid.UUID, recipient mail.Recipient) {
	t.Helper()
	ctx := context.Background()
	h, err := openHouse(t.Context(), folder(f.dir), "", places{}, pebblestore.Options{Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer func() { must(t, h.close()) }()
	l, err := h.recorder()
	must(t, err)
	_, err = l.SwitchMailsOn(ctx)
	must(t, err)
	about := func(id uuid.UUID) mail.Letter {
		letter := mail.Letter{Mail: id, Kind: mail.Linked, Language: "id"}
		for r, err := range h.store.ReadAll(ctx, eventstore.Start) {
			must(t, err)
			letter.Cause = r.ID
			break
		}
		return letter
	}
	to, err := l.SealRecipient(ctx, person(h), recipient)
	must(t, err)
	by, contract := ledger.Request{By: ledger.Actor{Role: ledger.System}}, uuid.MustParse(f.pack.ID)
	_, err = l.RecordSent(ctx, by, contract, mail.RecordSent{Letter: about(f.sent), Recipient: to, Try: 2, MessageID: "<1@example.com>"})
	must(t, err)
	for _, id := range []uuid.UUID{f.given, f.other} {
		_, err = l.RecordGivenUp(ctx, by, contract, mail.RecordGivenUp{Letter: about(id), Recipient: to, Tries: 9, Reason: "refused"})
		must(t, err)
	}
}

// What the commands about mails say does not depend on whether the ledger runs
// (R46).
func TestR46_CommandsAboutMails(t *testing.T) {
	f := mailed(t)
	must(t, os.Mkdir(filepath.Join(f.dir, "mail"), 0o700))
	must(t, os.WriteFile(filepath.Join(f.dir, "mail", f.given.String()+".eml"), []byte("Subject: A new link\n"), 0o600))
	said := func() (all string) {
		for _, c := range [][]string{
			{"mails", "list"}, {"mails", "list", "--json"}, {"mails", "list", "--status", "given-up", "--limit", "1"}, {"mails", "list", "--limit", "0"},
			{"mails", "list", "--kind", "ids"}, {"mails", "list", "--contract", f.pack.ID, "--status", "sent"},
			{"mails", "show", f.given.String()}, {"mails", "show", f.sent.String()}, {"history", f.pack.ID},
		} {
			all += strings.Join(c, " ") + "\n" + succeed(t, append(c, "--data", f.dir)...)
		}
		fail(t, exitFailed, []string{"mail-not-found"}, "mails", "show", "--data", f.dir, uuid.Nil.String())
		fail(t, exitFailed, []string{"mail-not-found"}, "mails", "resend", "--data", f.dir, uuid.Nil.String())
		fail(t, exitFailed, []string{"already-sent"}, "mails", "resend", "--data", f.dir, f.sent.String())
		fail(t, exitUsage, []string{"not the id of a mail"}, "mails", "show", "--data", f.dir, "somewhere")
		fail(t, exitUsage, []string{"not the id of a contract"}, "mails", "list", "--data", f.dir, "--contract", "somewhere")
		fail(t, exitUsage, []string{"--status"}, "mails", "list", "--data", f.dir, "--status", "lost")
		fail(t, exitUsage, []string{"--limit"}, "mails", "list", "--data", f.dir, "--limit", "-1")
		return all
	}
	stopped := said()
	for _, want := range []string{
		"TO\n" + f.other.String(), "Citra <citra@example.com>", `"status":"sent"`, `"said":"550 no such user"`, `after 9 tries: refused, "550 no such user"`,
		"by try 2 as <1@example.com>", "Subject: A new link", "mail.given-up",
	} {
		if !strings.Contains(stopped, want) {
			t.Errorf("nowhere it says %q:\n%s", want, stopped)
		}
	}
	s := serve(t, f.dir, "--no-mails")
	if running := said(); running != stopped {
		t.Errorf("while the ledger runs it says\n%s\nand else\n%s", running, stopped)
	}
	succeedWith(t, "is to be sent again", "mails", "resend", f.given.String(), "--data", f.dir, "--reason", "it works again")
	succeedWith(t, "was asked for already", "mails", "resend", f.given.String(), "--data", f.dir)
	must(t, s.stop())
	succeedWith(t, "once the ledger runs", "mails", "resend", f.other.String(), "--data", f.dir)
	listed := succeed(t, "mails", "list", "--status", "requested", "--data", f.dir)
	if strings.Count(listed, "requested") != 2 {
		t.Errorf("asked for are\n%s", listed)
	}
	succeedWith(t, "it works again", "mails", "show", f.given.String(), "--data", f.dir)
	succeedWith(t, "verify: ok", "verify", "--data", f.dir)
}

func succeedWith(t *testing.T, word string, args ...string) {
	t.Helper()
	if out := succeed(t, args...); !strings.Contains(out, word) {
		t.Errorf("%s does not say %q:\n%s", strings.Join(args, " "), word, out)
	}
}

// Without the keys of people mails are listed, their addresses sealed; nothing
// can be recorded.
func TestMailsWithoutTheKeysOfPeople(t *testing.T) {
	f := mailed(t)
	must(t, os.Remove(filepath.Join(f.dir, "people")))
	out := succeed(t, "mails", "list", "--data", f.dir) + succeed(t, "mails", "show", f.given.String(), "--data", f.dir)
	if strings.Contains(out, "citra") || strings.Contains(out, "550") || strings.Count(out, "sealed") != 4 {
		t.Errorf("it says\n%s", out)
	}
	fail(t, exitFailed, []string{"people is missing"}, "mails", "resend", f.given.String(), "--data", f.dir)
}

// A wish that was answered survives a kill right after it (R41), and is found
// under its key.
func TestR41_AWishForAMailSurvivesAKill(t *testing.T) {
	f := mailed(t)
	s := launch(t, f.dir, "--no-mails")
	path := "/v1/mails/" + f.given.String() + "/resend"
	first, err := s.send("operator", http.MethodPost, path, "resend-1", fields{"reason": "it works again"})
	must(t, err)
	s.kill()
	if first.status != http.StatusOK {
		t.Fatalf("answered with %d %s", first.status, first.body)
	}
	s = serve(t, f.dir, "--no-mails")
	again, err := s.send("operator", http.MethodPost, path, "resend-1", fields{"reason": "it works again"})
	must(t, err)
	if again.status != http.StatusOK || again.header.Get("Idempotency-Replayed") != "true" || string(again.body) != string(first.body) {
		t.Errorf("after the kill: %d %v %s, before: %s", again.status, again.header, again.body, first.body)
	}
	var listed struct {
		Items []struct{ ID, Status string } `json:"items"`
	}
	s.get("admin", "/v1/mails?status=requested&after="+again.header.Get("Ledger-Position"), &listed)
	if fmt.Sprint(listed.Items) != fmt.Sprintf("[{%s requested}]", f.given) {
		t.Errorf("asked for are %v", listed.Items)
	}
}
