package audit

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/sheet"
)

// statementColumns are those of a statement as CSV.
var statementColumns = []string{
	"line", "at", "unit", "type", "number", "grant", "change", "available", "consumed", "lapsed", "granted", "adjusted", "moved", "position", "reason",
}

// WriteCSV writes the statement as lines of CSV: one of opening for each unit,
// one for each movement, one of closing for each unit. What is without limit is
// the word unlimited.
func (s *Statement) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{statementColumns}
	for _, u := range s.units() {
		rows = append(rows, append([]string{"opening", s.From.String(), string(u), "", "", "", ""}, balanceCells(s.Opening[u], "", "")...))
	}
	for _, m := range s.Movements {
		position := ""
		if m.Position > 0 {
			position = m.Position.String()
		}
		rows = append(rows, append([]string{
			"movement", m.At.Format(time.RFC3339Nano), string(m.Unit), m.Type, m.Number, m.Grant.String(), strconv.FormatInt(m.Change, 10),
		}, balanceCells(m.Balance, position, sheet.Escape(m.Reason))...))
	}
	for _, u := range s.units() {
		rows = append(rows, append([]string{"closing", s.To.String(), string(u), "", "", "", ""}, balanceCells(s.Closing[u], "", "")...))
	}
	return out.WriteAll(rows)
}

func balanceCells(b contract.Balance, position, reason string) []string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	available, granted := n(b.Available), n(b.Granted)
	if b.Unlimited {
		available, granted = unlimited, unlimited
	}
	return []string{available, n(b.Consumed), n(b.Lapsed), granted, n(b.Adjusted), n(b.Moved), position, reason}
}

const unlimited = "unlimited"

// units are those that the statement is about, in a fixed order.
func (s *Statement) units() []contract.Unit {
	out := []contract.Unit{contract.Incident}
	if _, there := s.Closing[contract.Minute]; there {
		out = append(out, contract.Minute)
	}
	return out
}

// WriteText writes the statement for people.
func (s *Statement) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%s - %s\ncontract %s, %s at the end\n%s to %s (%s)", s.AccessID, s.ServiceName, s.Contract, s.Status, s.From, s.To, s.TimeZone)
	fmt.Fprintf(out, ", as of %s\n\n", s.AsOf.Time.Format(time.RFC3339))
	fmt.Fprintln(out, "WHEN\tWHAT\tNUMBER\tGRANT\tCHANGE\tUNIT\tLEFT\tUSED\tLAPSED\tREASON")
	line := func(when, what, number, grant, change string, u contract.Unit, b contract.Balance, reason string) {
		left := strconv.FormatInt(b.Available, 10)
		if b.Unlimited {
			left = unlimited
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", when, what, number, grant, change, u, left, b.Consumed, b.Lapsed, oneLine(reason))
	}
	for _, u := range s.units() {
		line(s.From.String(), "opening", "", "", "", u, s.Opening[u], "")
	}
	for _, m := range s.Movements {
		line(m.At.Format(time.RFC3339), strings.TrimSuffix(m.Type, ".v1"), m.Number, m.Grant.String(), fmt.Sprintf("%+d", m.Change), m.Unit, m.Balance, m.Reason)
	}
	for _, u := range s.units() {
		line(s.To.String(), "closing", "", "", "", u, s.Closing[u], "")
	}
	return out.Flush()
}

// oneLine keeps a text from breaking a table, or from steering a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}
