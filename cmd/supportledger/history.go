package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

type historyCmd struct {
	onFolder
	Contract string `arg:"" help:"The contract's id."`
	JSON     bool   `help:"Print one JSON value per event, with its data."`
}

func (historyCmd) name() string { return "history" }

// Run prints a history.
func (c *historyCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *historyCmd) on(ctx context.Context, h *house, t *terminal) error {
	id, err := uuid.Parse(c.Contract)
	if err != nil {
		return fmt.Errorf("%w: %q is not the id of a contract, such as 2666d29d-e0e6-8a61-815a-4befe847e4bd", errAskedWrongly, c.Contract)
	}
	var open audit.Opener
	if h.people != nil {
		open = h.openTexts
	}
	print := newHistoryPrinter(t.out, c.JSON)
	for item, err := range h.auditor.Replay(ctx, id, open) {
		if err != nil {
			return err
		}
		if err := print.item(&item); err != nil {
			return fmt.Errorf("print history: %w", err)
		}
	}
	return print.table.Flush()
}

// historyPrinter prints items as a table, or as lines of JSON.
type historyPrinter struct {
	json  *json.Encoder
	table *tabwriter.Writer
	last  contract.Balance
	lines int
}

func newHistoryPrinter(w io.Writer, asJSON bool) *historyPrinter {
	p := &historyPrinter{table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if asJSON {
		p.json = json.NewEncoder(w)
	}
	return p
}

// flushEvery is after how many lines the columns' widths are settled.
const flushEvery = 200

func (p *historyPrinter) item(item *audit.Item) error {
	if p.json != nil {
		return p.json.Encode(item)
	}
	if p.lines == 0 {
		fmt.Fprintln(p.table, "POSITION\tSTREAM\tREV\tRECORDED\tEVENT\tBY\tINCIDENTS\tLEFT\tUSED\tLAPSED")
	}
	b := item.Balances[contract.Incident]
	fmt.Fprintf(p.table, "%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", item.Position, streamOf(item), item.Revision, item.RecordedAt.Format(time.RFC3339),
		strings.TrimSuffix(item.Type, ".v1"), who(item.By), change(p.last, b), left(b), b.Consumed, b.Lapsed)
	p.last = b
	if p.lines++; p.lines%flushEvery == 0 {
		return p.table.Flush()
	}
	return nil
}

// streamOf says whose revisions an item's belongs to: those of the mails about a
// contract are counted for themselves. Positions count all that is in the log.
func streamOf(item *audit.Item) string {
	if item.Stream != "" {
		return "mails"
	}
	return "contract"
}

func who(a ledger.Actor) string {
	if a.Account == uuid.Nil {
		return string(a.Role)
	}
	return string(a.Role) + " " + a.Account.String()[:8]
}

// change is how an event moved what is left.
func change(before, after contract.Balance) string {
	if d := after.Available - before.Available; d != 0 {
		return fmt.Sprintf("%+d", d)
	}
	if d := after.Consumed - before.Consumed; after.Unlimited && d != 0 {
		return fmt.Sprintf("%+d", -d)
	}
	return ""
}

func left(b contract.Balance) string {
	if b.Unlimited {
		return "unlimited"
	}
	return fmt.Sprint(b.Available)
}
