package transfer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/ledger"
)

// checking looks at a whole file and records nothing.
type checking struct {
	*Importer
	file     File
	rows     int64
	tallies  Report // of rows alone
	mistakes []Mistake
	count    int64

	places    map[place]*knownPlace            // partners and their locations
	kept      *lru.Cache[string, *keptPartner] // by what files call them
	belonging bool                             // some row names its partner by reference
	contracts map[uuid.UUID]*known
	called    called
	years     map[uuid.UUID]*year // by partner
	repeated  map[[20]byte]int    // other rows by what they are: the line
}

// known is a contract that the file registers.
type known struct {
	line      int
	accessID  string             // where the file calls the contract something
	active    bool               // will be
	programme *catalog.Programme // nil where the catalogue has none
}

func newChecking(i *Importer, f File) (*checking, error) {
	kept, err := lru.New[string, *keptPartner](mostKept)
	if err != nil {
		return nil, err
	}
	return &checking{
		Importer: i, file: f, kept: kept, places: map[place]*knownPlace{}, contracts: map[uuid.UUID]*known{}, called: called{},
		years: map[uuid.UUID]*year{}, repeated: map[[20]byte]int{},
	}, nil
}

// wrong notes a mistake. Of more than a report holds those stay that come first
// in the file.
func (c *checking) wrong(m Mistake) {
	c.count++
	c.mistakes = append(c.mistakes, m)
	if len(c.mistakes) >= 2*mostMistakes {
		c.trim()
	}
}

func (c *checking) trim() {
	slices.SortStableFunc(c.mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	c.mistakes = c.mistakes[:min(len(c.mistakes), mostMistakes)]
}

// cell notes a mistake about a field of a row.
func (c *checking) cell(r *row, name, reason, hint string) {
	at := r.at(name)
	c.wrong(Mistake{at.line, at.column, name, reason, hint})
}

func (c *checking) report(dryRun bool) Report {
	c.trim()
	r := c.tallies
	r.DryRun, r.Rows, r.Mistakes, r.MistakeCount = dryRun, c.rows, c.mistakes, c.count
	if r.Mistakes == nil {
		r.Mistakes = []Mistake{}
	}
	return r
}

func (c *checking) run(ctx context.Context) error {
	if err := c.read(ctx, c.wrong, c.row); err != nil {
		return err
	}
	if c.belonging || c.tallies.Balances.Rows+c.tallies.Links.Rows > 0 { // all partners and contracts are known now
		if err := c.read(ctx, func(Mistake) {}, c.otherRow); err != nil {
			return err
		}
	}
	if err := c.checkYears(ctx); err != nil {
		return err
	}
	c.progress("check", c.file.Size, c.file.Size)
	return nil
}

// read reads the file once.
func (c *checking) read(ctx context.Context, mistake func(Mistake), each func(context.Context, *row) error) error {
	all, seen, done, err := c.file.open(mistake)
	if err != nil {
		return err
	}
	for {
		r, err := all.next()
		if errors.Is(err, io.EOF) {
			return done()
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			c.progress("check", seen(), c.file.Size)
			err = each(ctx, r)
		}
		if err != nil {
			return errors.Join(err, done())
		}
	}
}

// row checks what can be said of a row by itself, and of a contract's row all.
func (c *checking) row(ctx context.Context, r *row) error {
	c.rows++
	before := c.count
	c.forms(r)
	if c.count > before {
		return nil
	}
	e, err := c.entry(ctx, r, c.called)
	if err != nil {
		return err
	}
	c.tallies.of(e.record).Rows++
	switch e.record {
	case Partner:
		return c.partnerRow(ctx, &e)
	case Location:
		c.belonging = true
		return c.locationRow(ctx, &e)
	case Contact:
		c.belonging = true
	case Contract:
		c.belonging = c.belonging || e.text("partner") != ""
		return c.contract(ctx, &e)
	}
	return nil
}

// otherRow checks a balance's or a link's row, and what a row says of a partner
// that may stand behind it, unless its form is wrong, which was noted.
func (c *checking) otherRow(ctx context.Context, r *row) error {
	form := checking{Importer: c.Importer}
	if form.forms(r); form.count > 0 {
		return nil
	}
	e, err := c.entry(ctx, r, c.called)
	if err != nil {
		return err
	}
	switch e.record {
	case Partner:
		return nil
	case Location:
		return c.location(ctx, &e)
	case Contact:
		return c.contact(ctx, &e)
	case Contract:
		return c.belongs(ctx, &e)
	}
	return c.other(ctx, &e)
}

// forms checks every field for itself, and which there are.
func (c *checking) forms(r *row) {
	record := r.record()
	if reason := isRecord(string(record)); reason != "" {
		c.cell(r, "record", reason, fieldOf("record").hint)
		return
	}
	for i := range fields {
		f := &fields[i]
		text := r.text(f.name)
		switch {
		case text == "" && slices.Contains(f.required, record):
			c.cell(r, f.name, "is missing", f.hint)
		case text == "":
		case !slices.Contains(f.records, record):
			c.cell(r, f.name, "is not for a "+string(record), "leave it empty on such rows")
		default:
			if reason := f.reason(text); reason != "" {
				c.cell(r, f.name, reason, f.hint)
			}
		}
	}
	c.together(r, record)
}

// together checks fields that depend on each other.
func (c *checking) together(r *row, record Record) {
	has := func(name string) bool { return r.text(name) != "" }
	switch {
	case record == Contract:
		c.theirs(r, has)
		return
	case record == Partner || record == Location || record == Contact:
		return
	case has("contract") && !has("contract_id"):
	case !has("access_id") && !has("contract_id"):
		c.cell(r, "access_id", "is missing", "name the contract by its two IDs, or by its id in the ledger")
	case !has("access_id"):
		c.cell(r, "access_id", "is missing beside the contract_id", "write both IDs")
	case !has("contract_id"):
		c.cell(r, "contract_id", "is missing beside the access_id", "write both IDs")
	}
	if record != Link {
		return
	}
	switch {
	case has("account") && (has("issuer") || has("subject")):
		c.cell(r, "account", "is there beside issuer and subject", "name the account by one or the other")
	case has("account"):
	case !has("issuer") && !has("subject"):
		c.cell(r, "issuer", "is missing", "name the account by issuer and subject, or by its id in the ledger")
	case !has("issuer"):
		c.cell(r, "issuer", "is missing beside the subject", "write both")
	case !has("subject"):
		c.cell(r, "subject", "is missing beside the issuer", "write both")
	}
}

// theirs checks the fields by which a contract is its partner's.
func (c *checking) theirs(r *row, has func(string) bool) {
	switch {
	case has("partner") && has("partner_id") && r.text("partner") != r.text("partner_id"):
		c.cell(r, "partner", "is there beside partner_id, and another one", "name the partner by one or the other")
	case has("renewed_on") && !has("partner"):
		c.cell(r, "renewed_on", "is there without partner", "name the partner whose membership was renewed")
	case has("renewed_on") && has("starts_on") && r.text("renewed_on") != r.text("starts_on"):
		c.cell(r, "renewed_on", "is another day than starts_on: the term of a year's contract begins with the year", "correct one of the days, or leave starts_on out")
	case has("renewed_on") && has("location"):
		c.cell(r, "renewed_on", "is there beside location: a contract is a year's, or a toolkit's", "leave one of them out")
	case !has("location") && !has("competency") && !has("reference"):
	case !has("partner"):
		c.cell(r, "partner", "is missing beside the location", "name the partner whose location has bought the toolkit")
	case !has("location"):
		c.cell(r, "location", "is missing beside the competency or the reference", "name the location that has bought the toolkit")
	case !has("competency"):
		c.cell(r, "competency", "is missing beside the location", "write the one that the location has earned")
	case !has("reference"):
		c.cell(r, "reference", "is missing beside the location", "write that of the toolkit's purchase")
	}
}

// refused notes a rule's refusal at the field that it is about.
func (c *checking) refused(r *row, field string, refusal *domain.Refusal) {
	reason := refusal.Detail
	if len(refusal.Fields) > 0 && fieldOf(refusal.Fields[0].Name) != nil {
		field, reason = refusal.Fields[0].Name, refusal.Fields[0].Reason
	}
	// Refusals quote what was asked for; a report quotes nothing of the file.
	reason, _, _ = strings.Cut(reason, ": \"")
	c.cell(r, field, reason, refusal.Hint)
}

// differs notes that the ledger has something else.
func (c *checking) differs(r *row, field string) {
	c.cell(r, field, "is another one in the ledger, which has this contract already", "correct the file, or change the contract by hand")
}

// lookUp is what the ledger has of a contract.
func (c *checking) lookUp(ctx context.Context, e *entry) (*ledger.Kept, error) {
	return c.Ledger.Kept(ctx, e.contract)
}
