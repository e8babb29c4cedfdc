package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/transfer"
)

type importCmd struct {
	onFolder
	File    string `arg:"" type:"path" help:"The file: CSV with a header, or a JSON object on each line. docs/import.md tells the fields."`
	Format  string `default:"auto" enum:"auto,csv,jsonl" help:"How it is written (${enum}); by its name if left out: .csv, .jsonl, .ndjson."`
	DryRun  bool   `help:"Check the file and import nothing."`
	JSON    bool   `help:"Print the report as JSON."`
	Catalog string `default:"microsoft-2015" placeholder:"FILE|NAME" env:"SUPPORTLEDGER_CATALOG" help:"The catalogue to decide by, ${default} if left out; a running ledger uses its own."`
}

func (importCmd) name() string { return "import" }

// Run imports a file.
func (c *importCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

// store implements modest: what is imported is written once and hardly read.
func (c *importCmd) store() pebblestore.Options {
	return pebblestore.Options{CacheBytes: 16 << 20, LogMemBytes: 8 << 20, IndexMemBytes: 8 << 20}
}

// importMemory is what an import by itself tries to stay below, in bytes: little enough
// to end below 256 MiB with all that Go does not count, and more than what it needs at
// the same time, lest it collects garbage all the while (100,000 contracts took 166 s
// within 112 MiB, and 74 s within 160 MiB).
const importMemory = 160 << 20

func (c *importCmd) on(ctx context.Context, h *house, t *terminal) error {
	file, err := c.file()
	if err != nil {
		return err
	}
	if !h.running {
		defer roomForGarbage(importMemory)()
	}
	l, err := h.decider(c.Catalog)
	if err != nil {
		return err
	}
	i := &transfer.Importer{
		Ledger: l, Catalog: h.catalog, By: ledger.Actor{Role: ledger.Operator},
		Progress: t.progress,
	}
	report, err := i.Run(ctx, file, c.DryRun)
	if told := c.tell(t.out, &report, err); told != nil {
		return told
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", c.File, err)
	}
	if report.MistakeCount > 0 {
		return errFound
	}
	return nil
}

// file finds out how the file is written, and how long it is.
func (c *importCmd) file() (transfer.File, error) {
	f := transfer.File{Format: transfer.Format(c.Format), Open: func() (io.ReadCloser, error) { return os.Open(c.File) }}
	if c.Format == "auto" {
		switch strings.ToLower(filepath.Ext(c.File)) {
		case ".csv":
			f.Format = transfer.CSV
		case ".jsonl", ".ndjson":
			f.Format = transfer.JSONL
		default:
			return f, fmt.Errorf("%w: the name of %s does not say how it is written; add --format csv or --format jsonl", errAskedWrongly, c.File)
		}
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return f, fmt.Errorf("import: %w", err)
	}
	if !info.Mode().IsRegular() {
		return f, fmt.Errorf("%w: %s is no file; it is read several times, so a pipe will not do", errAskedWrongly, c.File)
	}
	f.Size = info.Size()
	return f, nil
}

// tell prints what became of the import.
func (c *importCmd) tell(w io.Writer, r *transfer.Report, failed error) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(r)
	}
	for _, m := range r.Mistakes {
		name := m.Field
		if name != "" {
			name += " "
		}
		hint := ""
		if m.Hint != "" {
			hint = "; " + m.Hint
		}
		fmt.Fprintf(w, "%s:%d:%d: %s%s%s\n", c.File, m.Line, m.Column, name, m.Reason, hint)
	}
	if more := r.MistakeCount - int64(len(r.Mistakes)); more > 0 {
		fmt.Fprintf(w, "and %d mistakes more\n", more)
	}
	switch {
	case !r.Started && r.MistakeCount > 0:
		fmt.Fprintf(w, "%d rows, %d mistakes; nothing was imported\n", r.Rows, r.MistakeCount)
	case !r.Started && failed == nil:
		fmt.Fprintf(w, "%d rows: %s; all of it is right, and nothing was imported\n", r.Rows, counted(r, true, func(t *transfer.Tally) int64 { return t.Rows }))
	case r.Started:
		fmt.Fprintf(w, "%d rows; new: %s; there already: %s\n", r.Rows,
			counted(r, true, func(t *transfer.Tally) int64 { return t.New }), counted(r, false, func(t *transfer.Tally) int64 { return t.Unchanged }))
	}
	return nil
}

// counted tells numbers of all tallies; of a partner's only where the file has any.
func counted(r *transfer.Report, named bool, n func(*transfer.Tally) int64) string {
	var all []string
	for _, of := range []struct {
		what   string
		tally  *transfer.Tally
		always bool
	}{
		{"partners", &r.Partners, false}, {"locations", &r.Locations, false}, {"contacts", &r.Contacts, false},
		{"contracts", &r.Contracts, true}, {"balances", &r.Balances, true}, {"links", &r.Links, true}, {"years", &r.Years, false},
	} {
		if !of.always && of.tally.Rows == 0 {
			continue
		}
		text := strconv.FormatInt(n(of.tally), 10)
		if named {
			text += " " + of.what
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
