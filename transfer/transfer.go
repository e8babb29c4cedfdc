// Package transfer brings partners with their locations and contacts, contracts,
// opening balances and links in from files that other programs have written, and
// writes what the ledger has into such.
//
// What holds for an import:
//
//   - A file is checked whole, against the catalogue and the ledger, before
//     anything of it is imported; one mistake, and nothing is. Every mistake is
//     reported with its line and column.
//   - What a row says is recorded once, whoever imports it again, and however
//     much later: an import that was stopped goes on where it was, and one that
//     is over changes nothing when it is repeated.
//   - IDs are texts: their leading zeros are digits like others (R1). No Contract
//     ID is in a report, in an export, or in any error (R3).
//   - Memory does not grow with the length of rows, and by some bytes with their
//     number.
package transfer

import (
	"context"
	"io"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/ledger"
)

// A Format is how a file is written.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl" // a JSON object on each line
)

// A Record is what a row is about.
type Record string

// The records, in the order in which they are imported.
const (
	Partner  Record = "partner"
	Location Record = "location"
	Contact  Record = "contact"
	Contract Record = "contract"
	Balance  Record = "balance"
	Link     Record = "link"
)

var records = []Record{Partner, Location, Contact, Contract, Balance, Link}

// Records are the words for records, in the order in which they are imported.
func Records() []string {
	words := make([]string, len(records))
	for i, r := range records {
		words[i] = string(r)
	}
	return words
}

// A File is what is imported. It is read several times.
type File struct {
	Format Format
	Size   int64 // bytes, for progress
	Open   func() (io.ReadCloser, error)
}

// An Importer imports files for somebody.
type Importer struct {
	Ledger  *ledger.Ledger
	Catalog *catalog.Catalog
	By      ledger.Actor
	// Progress, unless nil, is told how many bytes of the file a stage has seen.
	Progress func(stage string, done, total int64)
}

// A Report is what became of an import.
type Report struct {
	DryRun    bool  `json:"dry_run"`
	Rows      int64 `json:"rows"`
	Partners  Tally `json:"partners"`
	Locations Tally `json:"locations"`
	Contacts  Tally `json:"contacts"`
	Contracts Tally `json:"contracts"`
	Balances  Tally `json:"balances"`
	Links     Tally `json:"links"`
	// Years are the membership years that rows of contracts tell of.
	Years Tally `json:"years"`
	// Mistakes are the first of them, in the order of the file; where there are
	// any nothing was imported, unless Started.
	Mistakes     []Mistake `json:"mistakes"`
	MistakeCount int64     `json:"mistake_count"`
	// Started says that the file was found right and importing had begun.
	Started bool `json:"started"`
}

// A Tally counts the rows of one record: found in the file, recorded now, and
// recorded already.
type Tally struct {
	Rows      int64 `json:"rows"`
	New       int64 `json:"new"`
	Unchanged int64 `json:"unchanged"`
}

// of is the tally of a record.
func (r *Report) of(record Record) *Tally {
	switch record {
	case Partner:
		return &r.Partners
	case Location:
		return &r.Locations
	case Contact:
		return &r.Contacts
	case Balance:
		return &r.Balances
	case Link:
		return &r.Links
	}
	return &r.Contracts
}

// A Mistake is something in a file that cannot be imported.
type Mistake struct {
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // of its first byte in the line, from 1
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// mostMistakes bounds a report; all are counted.
const mostMistakes = 1000

// Run checks a file and, unless it is a dry run or has mistakes, imports it. An
// error means that it could not be done, or not to its end: what was imported
// stays, and importing again goes on.
func (i *Importer) Run(ctx context.Context, f File, dryRun bool) (Report, error) {
	c, err := newChecking(i, f)
	if err != nil {
		return Report{}, err
	}
	if err := c.run(ctx); err != nil {
		return c.report(dryRun), err
	}
	report := c.report(dryRun)
	if dryRun || report.MistakeCount > 0 {
		return report, nil
	}
	report.Started = true
	err = i.apply(ctx, f, &report, c.inOrder(), c.called)
	return report, err
}

func (i *Importer) progress(stage string, done, total int64) {
	if i.Progress != nil {
		i.Progress(stage, done, max(total, done))
	}
}
