package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// compareStatement holds a statement of any period against balances as of its
// ends, and its movements against the difference.
func (c *crowd) compareStatement(id uuid.UUID) {
	ctx := context.Background()
	today := catalog.DateOf(c.clock.Now(), time.UTC)
	from := today.AddDays(-rapid.IntRange(-1, 800).Draw(c.rt, "from"))
	to := from.AddDays(rapid.IntRange(0, 800).Draw(c.rt, "days"))
	s, err := c.auditor.Statement(ctx, id, from, to)
	must(c.t, err)
	zone, err := time.LoadLocation(s.TimeZone)
	must(c.t, err)
	for _, end := range []struct {
		what string
		at   time.Time
		got  map[contract.Unit]contract.Balance
	}{{"opening", from.StartOf(zone), s.Opening}, {"closing", to.EndOf(zone), s.Closing}} {
		var at audit.Moment
		if !end.at.After(s.AsOf.Time) {
			at.Time = end.at.Add(-time.Microsecond)
		}
		want, err := c.auditor.BalanceAt(ctx, id, at)
		if refusal := new(domain.Refusal); errors.As(err, &refusal) { // it was not registered yet
			want.Balances = map[contract.Unit]contract.Balance{contract.Incident: {}}
		} else {
			must(c.t, err)
		}
		if fmt.Sprint(want.Balances) != fmt.Sprint(end.got) {
			c.rt.Fatalf("%s to %s of contract %s: %s is %+v, the balance is %+v", from, to, id, end.what, end.got, want.Balances)
		}
	}
	left := map[contract.Unit]int64{}
	for u, b := range s.Opening {
		left[u] = b.Available
	}
	for i, m := range s.Movements {
		if !m.Balance.Unlimited {
			left[m.Unit] += m.Change
		}
		if left[m.Unit] != m.Balance.Available || m.Balance.Available < 0 || i > 0 && m.At.Before(s.Movements[i-1].At) {
			c.rt.Fatalf("movement %d of %s to %s does not follow: %+v", i, from, to, s.Movements)
		}
	}
	for u, b := range s.Closing {
		if left[u] != b.Available {
			c.rt.Fatalf("%s: the movements come to %d, closing is %d", u, left[u], b.Available)
		}
	}
}

// A year of a pack: what it had in March, what it spent, what came back, what
// lapsed, though nobody has recorded that.
func TestAStatementTellsOpeningMovementsClosing(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	r.link(ani, c)
	r.now(start.Add(48 * time.Hour))
	r.submit(ani, c.ID)
	ref := r.submit(ani, c.ID)
	r.now(start.Add(72 * time.Hour))
	r.closeIncident(ref, "product-defect")
	r.change(c.ID, &contract.Adjust{Grant: 1, Quantity: 4, Reason: "=HYPERLINK(\"x\")"})
	r.now(time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC))

	s, err := r.auditor.Statement(t.Context(), c.ID, date("2026-03-03"), date("2026-03-03"))
	must(t, err)
	if s.Opening[contract.Incident].Available != 3 || len(s.Movements) != 2 || s.Closing[contract.Incident].Available != 1 {
		t.Errorf("of one day: %+v", s)
	}
	s, err = r.auditor.Statement(t.Context(), c.ID, date("2026-03-04"), catalog.Date{})
	must(t, err)
	changes := ""
	for _, m := range s.Movements {
		changes += fmt.Sprintf("%s %+d; ", strings.TrimSuffix(m.Type, ".v1"), m.Change)
	}
	if want := "incident.credited-back +1; grant.adjusted +4; grant.lapsed -6; grant.lapsed -600; "; changes != want {
		t.Errorf("it moved %s want %s", changes, want)
	}
	lapsed := s.Movements[2]
	if lapsed.Position != 0 || !lapsed.At.Equal(time.Date(2027, 2, 28, 17, 0, 0, 0, time.UTC)) || s.Status != contract.StatusExpired {
		t.Errorf("the end is %+v, %s", lapsed, s.Status)
	}
	if s, err = r.auditor.Statement(t.Context(), c.ID, catalog.Date{}, date("2026-03-31")); err != nil || s.From != date("2026-03-01") || s.Status != contract.StatusActive {
		t.Errorf("from the beginning: %+v, %v", s, err)
	}

	s, err = r.auditor.Statement(t.Context(), c.ID, date("2026-03-01"), date("2027-12-31"))
	must(t, err)
	var text, table bytes.Buffer
	must(t, s.WriteText(&text))
	must(t, s.WriteCSV(&table))
	rows, err := csv.NewReader(&table).ReadAll()
	must(t, err)
	if len(rows) != 1+2+len(s.Movements)+2 || rows[1][0] != "opening" || rows[len(rows)-1][0] != "closing" {
		t.Errorf("as CSV: %v", rows)
	}
	for _, row := range rows {
		if strings.HasPrefix(row[len(row)-1], "=") {
			t.Errorf("a spreadsheet would run %q", row)
		}
	}
	for _, word := range []string{c.Terms.AccessID, "opening", "grant.lapsed", "-6", "closing", "HYPERLINK"} {
		if !strings.Contains(text.String(), word) {
			t.Errorf("as text it does not say %s:\n%s", word, &text)
		}
	}
	body, err := json.Marshal(s)
	must(t, err)
	if strings.Contains(string(body), c.ContractID) || strings.Contains(text.String(), c.ContractID) {
		t.Error("R3: it shows the Contract ID")
	}
}

// R32: minutes that one entry took from two grants are a movement of each.
func TestR32_AStatementTellsMinutesByGrant(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	r.link(ani, c)
	r.change(c.ID, &contract.AddGrant{Unit: contract.Minute, Quantity: 30, ExpiresOn: date("2026-06-30"), Reason: "more"})
	opened, err := r.OpenAdvisory(t.Context(), r.by(ani, "advice"), c.ID, contract.OpenAdvisory{Title: "Which one"}, contract.AdvisoryTexts{Name: "Ani", Email: "ani@example.com"})
	must(t, err)
	ref := ledger.IncidentRef{Number: opened.Number, Stream: c.ID, Owner: ani.Account}
	_, err = r.AdvisoryTime(t.Context(), r.by(engineer, "time"), ref, "e1", 90, "Looked at it.")
	must(t, err)
	_, err = r.AdvisoryCredit(t.Context(), r.by(engineer, "credit"), ref, "e1", 70, "too much")
	must(t, err)
	s, err := r.auditor.Statement(t.Context(), c.ID, catalog.Date{}, catalog.Date{})
	must(t, err)
	moved := ""
	for _, m := range s.Movements[len(s.Movements)-4:] {
		moved += fmt.Sprintf("%s %s %+d %s of %s; ", strings.TrimSuffix(m.Type, ".v1"), m.Grant, m.Change, m.Unit, m.Number)
	}
	n := opened.Number.String()
	if want := strings.ReplaceAll("advisory.time-deducted g3 -30 minute of N; advisory.time-deducted g2 -60 minute of N; "+
		"advisory.time-credited-back g2 +60 minute of N; advisory.time-credited-back g3 +10 minute of N; ", "N", n); moved != want {
		t.Errorf("it moved %s\nwant     %s", moved, want)
	}
	if b := s.Closing[contract.Minute]; b.Available != 610 || b.Consumed != 20 {
		t.Errorf("closing is %+v", b)
	}
}

// What comes back when the term is over comes back and lapses then, not before;
// what is left lapses when the last day is over, and is still there on it.
func TestAStatementKnowsTheEndOfATerm(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	r.link(ani, c)
	r.now(start.Add(48 * time.Hour))
	ref := r.submit(ani, c.ID)
	r.now(time.Date(2027, 3, 5, 9, 0, 0, 0, time.UTC))
	r.closeIncident(ref, "product-defect")
	r.now(time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC))
	for _, x := range []struct{ from, to, want string }{
		{"2027-02-27", "2027-02-28", "2 2"},
		{"2027-03-01", "2027-03-01", "2 grant.lapsed -2 0"},
		{"2027-03-02", "2027-03-04", "0 0"},
		{"2027-03-02", "2027-03-31", "0 incident.credited-back +1 grant.lapsed -1 0"},
	} {
		s, err := r.auditor.Statement(t.Context(), c.ID, date(x.from), date(x.to))
		must(t, err)
		got := fmt.Sprint(s.Opening[contract.Incident].Available)
		for _, m := range s.Movements {
			if m.Unit == contract.Incident {
				got += fmt.Sprintf(" %s %+d", strings.TrimSuffix(m.Type, ".v1"), m.Change)
			}
		}
		if got += fmt.Sprint(" ", s.Closing[contract.Incident].Available); got != x.want {
			t.Errorf("from %s to %s: %s, want %s", x.from, x.to, got, x.want)
		}
	}
}

func TestWhatNoStatementIsMadeOf(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	for name, x := range map[string]struct {
		id       uuid.UUID
		from, to string
		code     string
	}{
		"an unknown contract": {uuid.New(), "2026-03-01", "2026-03-02", "contract-not-found"},
		"an incident's":       {r.submit(ani, uuid.Nil).Stream, "2026-03-01", "2026-03-02", "contract-not-found"},
		"backwards":           {c.ID, "2026-03-02", "2026-03-01", "invalid-field"},
		"too far":             {c.ID, "2026-03-02", "9999-03-01", "invalid-field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.auditor.Statement(t.Context(), x.id, date(x.from), date(x.to))
			var refusal *domain.Refusal
			if !errors.As(err, &refusal) || refusal.Code != x.code {
				t.Errorf("got %v, want %s", err, x.code)
			}
		})
	}
}

func date(text string) catalog.Date {
	d, err := catalog.ParseDate(text)
	if err != nil {
		panic(err) // a slip of the pen in a test
	}
	return d
}
