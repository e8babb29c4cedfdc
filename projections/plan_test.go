package projections

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/ledger"
)

// Every question goes through an index: its answer takes as long as the answer is
// long, not as the table.
func TestQuestions_useTheirIndex(t *testing.T) { onEach(t, testQuestions_useTheirIndex) }

func testQuestions_useTheirIndex(t *testing.T, on engine) {
	store := openStore(t)
	writeSubmissions(t, store, 1000, 100)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	must(t, s.CatchUp(t.Context()))
	ctx, at, account := t.Context(), time.Now(), benchAccount(3)
	for name, ask := range map[string]func() error{
		"Find":     func() error { _, _, err := s.Incidents.Find(ctx, 7); return err },
		"LatestOf": func() error { _, _, err := s.Incidents.LatestOf(ctx, account); return err },
		"benefits": func() error { _, err := s.Benefits.OfAccount(ctx, at, account, Page{}); return err },
		"links":    func() error { _, err := s.Links.OfAccount(ctx, at, account, Page{}); return err },
		"linked":   func() error { _, err := s.Links.OfContract(ctx, at, benchID(3), Page{}); return err },
		"activity": func() error {
			_, err := s.Activity.Of(ctx, at, account, ActivityFilter{Status: StatusOpen}, Page{})
			return err
		},
		"desk":   func() error { _, err := s.Desk.List(ctx, at, DeskFilter{Status: StatusOpen}, Page{}); return err },
		"closed": func() error { _, err := s.Desk.List(ctx, at, DeskFilter{Status: StatusClosed}, Page{}); return err },
		"due":    func() error { _, err := s.Due.Due(ctx, at, ledger.DueContract{At: at}, 10); return err },
		"agenda": func() error {
			_, err := s.Due.List(ctx, at, DuePeriod{By: at.AddDate(2, 0, 0), BlankAfter: time.Hour}, Page{})
			return err
		},
		"access id": func() error {
			_, err := s.Contracts.List(ctx, at, ContractFilter{AccessID: "0000000003"}, Page{})
			return err
		},
		"ending": func() error {
			_, err := s.MailAgenda().Ending(ctx, at, at.AddDate(2, 0, 0), ledger.DueContract{}, 10)
			return err
		},
		"ending, on": func() error {
			_, err := s.MailAgenda().Ending(ctx, at, at.AddDate(2, 0, 0), ledger.DueContract{At: at}, 10)
			return err
		},
		"asked again": func() error { _, err := s.MailAgenda().Asked(ctx, 10); return err },
		"forgotten":   func() error { _, _, err := s.MailAgenda().Forgotten(ctx, 0); return err },
		"mail":        func() error { _, _, err := s.Mails.Find(ctx, benchID(3)); return err },
		"mails of a contract": func() error {
			_, err := s.Mails.List(ctx, at, MailFilter{Contract: benchID(3)}, Page{})
			return err
		},
		"mails of a kind": func() error { _, err := s.Mails.List(ctx, at, MailFilter{Kind: mail.IDs}, Page{}); return err },
		"mails given up": func() error {
			_, err := s.Mails.List(ctx, at, MailFilter{Status: mail.StatusGivenUp}, Page{})
			return err
		},
		"partner": func() error { _, err := s.Contracts.List(ctx, at, ContractFilter{PartnerID: "1"}, Page{}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			explain(t, s.db, ask)
		})
	}
}

// explain looks at the plans of what a question asked for the first time.
func explain(t *testing.T, db *database, ask func() error) {
	t.Helper()
	for range cap(db.idle) { // all connections know only what this question asks
		c := <-db.idle
		if c != nil {
			must(t, c.unprepare())
		}
		db.idle <- c
	}
	must(t, ask())
	for range cap(db.idle) {
		c := <-db.idle
		if c != nil {
			for text := range c.prepared {
				plan(t, c, text)
			}
		}
		db.idle <- c
	}
}

func plan(t *testing.T, c *connection, text string) {
	t.Helper()
	text = strings.TrimPrefix(text, "DECLARE walked NO SCROLL CURSOR FOR ")
	if !strings.HasPrefix(text, "SELECT") || strings.Contains(text, "FROM checkpoints") {
		return
	}
	if c.shared {
		planOnServer(t, c, text)
		return
	}
	rows, err := c.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = rows.Close() }()
	coroutine := false
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Error(err)
		}
		coroutine = coroutine || detail == "CO-ROUTINE c"
		if strings.HasPrefix(detail, "SCAN ") && !(coroutine && detail == "SCAN c") || strings.Contains(detail, "by_state") {
			t.Errorf("%s\n%s", text, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

// planOnServer looks at the plan that serves whatever the arguments are.
func planOnServer(t *testing.T, c *connection, text string) {
	t.Helper()
	nothing := ""
	if n := strings.Count(text, "?"); n > 0 {
		nothing = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	for _, before := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE planned AS " + numbered(text)} {
		if _, err := c.conn.ExecContext(t.Context(), before, postgres.Unprepared); err != nil {
			t.Error(err)
			return
		}
	}
	rows, err := c.conn.QueryContext(t.Context(), "EXPLAIN EXECUTE planned"+nothing, postgres.Unprepared)
	if err != nil {
		t.Error(err)
		return
	}
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Error(err)
		}
		lines = append(lines, line)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Error(err)
	}
	all := strings.Join(lines, "\n")
	if len(lines) == 0 || strings.Contains(all, "Seq Scan") || strings.Contains(all, "by_state") {
		t.Errorf("%s\n%s", text, all)
	}
	if _, err := c.conn.ExecContext(t.Context(), "DEALLOCATE planned", postgres.Unprepared); err != nil {
		t.Error(err)
	}
}
