package transfer

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/sheet"
)

// A Directory lists all contracts, in an order that does not change.
type Directory interface {
	// Contracts are the ids of the contracts behind a cursor ("" is the
	// beginning), and the next cursor, "" behind the last.
	Contracts(ctx context.Context, cursor string) (ids []uuid.UUID, next string, err error)
}

// An Exporter writes what a ledger has. Each contract is written as it is when
// its rows are; no Contract ID is (R3), and texts of people who were forgotten
// are the word erased.
type Exporter struct {
	Ledger    *ledger.Ledger
	Directory Directory
	// Records are those that are wanted; none: all.
	Records []Record
	// Progress, unless nil, is told how many contracts were written.
	Progress func(contracts int64)
}

// exported are the columns of an export, each where a record that is wanted has it.
// Those that an import takes over have the same names there; of the others it takes no
// notice, so that an export, with the Contract IDs that it does not have, can be
// imported.
var exported = []struct {
	records []Record
	names   []string
}{
	{records, []string{"record"}},
	{onNamed, []string{"partner"}},
	{onPartners, []string{"partner_name", "level", "signature"}},
	{onLocated, []string{"location"}},
	{onLocations, []string{"location_name"}},
	{onPairs, []string{"contract", "access_id"}},
	{onContracts, []string{"programme", "service_name", "partner_id"}},
	{onNamed, []string{"country"}},
	{onTimed, []string{"time_zone"}},
	{onContracts, []string{"status", "registered_on", "starts_on", "expires_on", "renewed_on", "competency", "reference", "predecessor", "successor"}},
	{onNamed, []string{"contact_name", "contact_email", "contact_language"}},
	{onBalances, []string{"unit", "granted", "adjusted", "remaining", "consumed", "lapsed", "moved"}},
	{onLinks, []string{"account", "portal", "linked_at"}},
}

// columns are those that the wanted records have.
func (x *Exporter) columns() (names []string) {
	for _, column := range exported {
		if slices.ContainsFunc(column.records, x.wants) {
			names = append(names, column.names...)
		}
	}
	return names
}

// Write writes an export.
func (x *Exporter) Write(ctx context.Context, format Format, w io.Writer) error {
	out := newRowWriter(format, w, x.columns())
	if err := out.begin(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	each := &exporting{x, out, map[uuid.UUID]bool{}, map[uuid.UUID]map[string]any{}}
	var written int64
	for cursor := ""; ; {
		ids, next, err := x.Directory.Contracts(ctx, cursor)
		if err != nil {
			return fmt.Errorf("list contracts: %w", err)
		}
		for _, id := range ids {
			if err := each.contract(ctx, id); err != nil {
				return fmt.Errorf("export contract %s: %w", id, err)
			}
			if written++; x.Progress != nil {
				x.Progress(written)
			}
		}
		if err := out.flush(); err != nil {
			return fmt.Errorf("write export: %w", err)
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

func (x *Exporter) wants(record Record) bool {
	return len(x.Records) == 0 || slices.Contains(x.Records, record)
}

// exporting is an export under way.
type exporting struct {
	*Exporter
	out      *rowWriter
	partners map[uuid.UUID]bool           // that were looked at: whether the ledger has them, and they were written
	theirs   map[uuid.UUID]map[string]any // what contracts are to these, as cells
}

// contract writes the rows of a contract.
func (x *exporting) contract(ctx context.Context, id uuid.UUID) error {
	var sum contract.Summary
	var balances map[contract.Unit]contract.Balance
	var links map[uuid.UUID]contract.Linked
	err := x.Ledger.View(ctx, id, func(s *contract.State, at time.Time) {
		sum, balances, links = s.Summary(at), s.Balances(at), maps.Clone(s.Links())
	})
	if err != nil || sum.Terms == nil {
		return err
	}
	terms := *sum.Terms // the state's own is not opened
	if err := x.Ledger.Open(ctx, domain.Event(&terms)); err != nil {
		return err
	}
	if x.wants(Contract) || x.wants(Partner) || x.wants(Location) || x.wants(Contact) {
		if err := x.partner(ctx, terms.PartnerID); err != nil {
			return err
		}
	}
	theirs := x.theirs[id]
	delete(x.theirs, id)
	same := map[string]any{"contract": id.String(), "access_id": terms.AccessID}
	if x.wants(Contract) {
		cells := contractCells(&terms, &sum)
		maps.Copy(cells, theirs)
		if id, err := uuid.Parse(terms.PartnerID); err == nil && x.partners[id] {
			cells["partner"] = id.String()
		}
		if err := x.out.write(Contract, same, cells); err != nil {
			return err
		}
	}
	if x.wants(Balance) && sum.Status != contract.StatusRegistered { // which is blank (R4)
		for _, u := range slices.Sorted(maps.Keys(balances)) {
			if err := x.out.write(Balance, same, balanceCells(u, balances[u])); err != nil {
				return err
			}
		}
	}
	if x.wants(Link) {
		for _, account := range slices.SortedFunc(maps.Keys(links), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
			if err := x.out.write(Link, same, map[string]any{"account": account.String(), "portal": links[account].Portal, "linked_at": moment(links[account].At)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func contractCells(terms *contract.Registered, sum *contract.Summary) map[string]any {
	cells := map[string]any{
		"programme": terms.Programme, "service_name": terms.ServiceName, "partner_id": terms.PartnerID, "country": terms.Country,
		"time_zone": terms.TimeZone, "status": string(sum.Status), "registered_on": terms.RegisteredOn.String(),
		"starts_on": sum.StartsOn.String(), "expires_on": sum.ExpiresOn.String(),
		"predecessor": idOrEmpty(terms.Predecessor), "successor": idOrEmpty(sum.Successor()),
		"contact_name": domain.ErasedText, "contact_email": domain.ErasedText, "contact_language": terms.Language,
	}
	if contact := terms.Contact.Clear; contact != nil {
		cells["contact_name"], cells["contact_email"] = contact.Name, contact.Email
	}
	return cells
}

func balanceCells(u contract.Unit, b contract.Balance) map[string]any {
	cells := map[string]any{
		"unit": string(u), "granted": b.Granted, "adjusted": b.Adjusted, "remaining": b.Available,
		"consumed": b.Consumed, "lapsed": b.Lapsed, "moved": b.Moved,
	}
	if b.Unlimited {
		cells["granted"], cells["remaining"] = unlimited, unlimited
	}
	return cells
}

func idOrEmpty(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// A rowWriter writes rows in a format.
type rowWriter struct {
	csv     *csv.Writer   // or
	json    *json.Encoder // one of them
	columns []string
}

func newRowWriter(format Format, w io.Writer, columns []string) *rowWriter {
	if format == JSONL {
		return &rowWriter{json: json.NewEncoder(w)}
	}
	return &rowWriter{csv: csv.NewWriter(w), columns: columns}
}

func (w *rowWriter) begin() error {
	if w.csv == nil {
		return nil
	}
	return w.csv.Write(w.columns)
}

// write writes a row: of CSV every column, of an object the members that have
// something in them.
func (w *rowWriter) write(record Record, same, cells map[string]any) error {
	maps.Copy(cells, same)
	cells["record"] = string(record)
	if w.csv == nil {
		maps.DeleteFunc(cells, func(_ string, v any) bool { return v == "" })
		return w.json.Encode(cells)
	}
	line := make([]string, len(w.columns))
	for i, name := range w.columns {
		switch v := cells[name].(type) {
		case string:
			line[i] = sheet.Escape(v)
		case int64:
			line[i] = strconv.FormatInt(v, 10)
		}
	}
	return w.csv.Write(line)
}

func (w *rowWriter) flush() error {
	if w.csv == nil {
		return nil
	}
	w.csv.Flush()
	return w.csv.Error()
}
