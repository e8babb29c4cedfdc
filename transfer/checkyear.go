package transfer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// A year is the membership year that rows of contracts tell of (R28).
type year struct {
	partner   string // as the file calls it
	renewedOn catalog.Date
	at        cell // where the first of them says so
	contracts []partner.YearContract
	lines     []int // of the contracts
}

// belongs checks that the partner of a contract's row is one of the file or of the
// ledger, and what the contract is to it.
func (c *checking) belongs(ctx context.Context, e *entry) error {
	at := place{e.text("partner"), e.text("location")}
	if at.partner == "" {
		return nil
	}
	kept, err := c.keep(ctx, at.partner)
	if err != nil || !c.knows(kept, e) {
		return err
	}
	switch {
	case at.location != "":
		c.toolkit(kept, c.would(kept, at), e)
	case e.text("renewed_on") != "":
		return c.inYear(ctx, kept, c.would(kept, at).Terms().Level, e)
	}
	return nil
}

// toolkit checks a contract's row that says which location has bought it.
func (c *checking) toolkit(kept *keptPartner, would *partner.State, e *entry) {
	if first := c.again("toolkit "+kept.ID.String()+e.text("reference"), e.line); first > 0 {
		c.cell(e.row, "reference", fmt.Sprintf("is that of line %d again", first), "check the references; each is good for one toolkit")
		return
	}
	act := c.partnerAct(kept.KeptPartner, e)
	if done, otherwise := c.Ledger.PartnerDone(kept.KeptPartner, act); done && !otherwise {
		return
	}
	if refusal := c.Ledger.RehearsePartner(would, act.Wish); refusal != nil {
		c.refused(e.row, "reference", refusal)
	}
}

// inYear checks a contract's row that says in which year it belongs, and takes it
// into that year.
func (c *checking) inYear(ctx context.Context, kept *keptPartner, level string, e *entry) error {
	on := e.date("renewed_on")
	kind := c.kindOf(level, e.text("programme"))
	if kind == "" {
		c.cell(e.row, "renewed_on", "is for the contracts of the partner's membership, and this programme is none of them", "correct the programme, or leave renewed_on out")
		return nil
	}
	of := c.years[kept.ID]
	if of == nil {
		of = &year{partner: e.text("partner"), renewedOn: on, at: e.at("renewed_on")}
		c.years[kept.ID] = of
	}
	if of.renewedOn != on {
		c.cell(e.row, "renewed_on", fmt.Sprintf("is another year than that of line %d", of.at.line), "import the year that runs, and renew the next one by a call, which makes its contracts")
		return nil
	}
	if i := slices.IndexFunc(of.contracts, func(y partner.YearContract) bool { return y.Kind == kind }); i >= 0 {
		c.cell(e.row, "renewed_on", fmt.Sprintf("has the %s contract of line %d again", kind, of.lines[i]), "a year has one; leave renewed_on out on the other")
		return nil
	}
	of.contracts = append(of.contracts, partner.YearContract{Kind: kind, Contract: e.contract, Programme: e.text("programme")})
	of.lines = append(of.lines, e.line)
	return c.promise(ctx, level, e)
}

// kindOf is what a contract of a programme is to a year of a level; "" where it is
// nothing.
func (i *Importer) kindOf(level, programme string) partner.Kind {
	membership, ok := i.Catalog.Membership(level)
	switch {
	case !ok:
	case programme == membership.Core:
		return partner.KindCore
	case programme == membership.Signature:
		return partner.KindSignature
	}
	return ""
}

// promise checks that a year's contract which is blank may be so still: it comes to
// life by itself.
func (c *checking) promise(ctx context.Context, level string, e *entry) error {
	on := c.promiseOn(level, e)
	if on.IsZero() {
		return nil
	}
	kept, err := c.lookUp(ctx, e)
	if err != nil || kept.Exists {
		return err
	}
	zone, err := time.LoadLocation(e.text("time_zone"))
	if err != nil {
		return nil // which was noted
	}
	if !c.Ledger.Now().Before(on.StartOf(zone)) {
		c.cell(e.row, "renewed_on", "means that the contract came to life by itself on "+on.String()+", and its status says that it did not", "write active, or leave renewed_on out")
	} else if _, refusal := c.Ledger.Rehearse(nil, c.register(e, on).Wish); refusal != nil {
		c.refused(e.row, "renewed_on", refusal)
	}
	return nil
}

// promiseOn is the day on which a year's blank contract comes to life by itself;
// no date where it does not.
func (i *Importer) promiseOn(level string, e *entry) (on catalog.Date) {
	membership, ok := i.Catalog.Membership(level)
	if e.active() || !ok {
		return on
	}
	core, known := i.Catalog.Programme(membership.Core)
	programme, ok := i.Catalog.Programme(e.text("programme"))
	if !known || !ok {
		return on
	}
	return programme.ActivatesOn(core, e.date("renewed_on"))
}

// promiseOf is the day on which a contract that is to be registered comes to life
// by itself.
func (a *applying) promiseOf(ctx context.Context, e *entry) (on catalog.Date, err error) {
	if e.text("renewed_on") == "" || e.active() {
		return on, nil
	}
	kept, err := a.Ledger.KeptPartner(ctx, e.text("partner"))
	if err != nil || kept.Terms == nil {
		return on, err
	}
	return a.promiseOn(kept.Terms.Level, e), nil
}

// inOrder are the years of the file, by where they stand in it.
func (c *checking) inOrder() []*year {
	all := make([]*year, 0, len(c.years))
	for _, y := range c.years {
		all = append(all, y)
	}
	slices.SortFunc(all, func(a, b *year) int { return cmp.Compare(a.at.line, b.at.line) })
	return all
}

// checkYears checks the years of the file against the ledger, once all of their
// contracts are known.
func (c *checking) checkYears(ctx context.Context) error {
	for _, y := range c.inOrder() {
		if len(y.contracts) == 0 {
			continue
		}
		kept, err := c.keep(ctx, y.partner)
		if err != nil {
			return err
		}
		c.tallies.Years.Rows++
		if refusal := c.Ledger.RehearsePartner(c.would(kept, place{partner: y.partner}), y.wish()); refusal != nil {
			reason := refusal.Detail
			if len(refusal.Fields) > 0 {
				reason = refusal.Fields[0].Reason
			}
			c.wrong(Mistake{y.at.line, y.at.column, "renewed_on", reason, refusal.Hint})
		}
	}
	return nil
}

func (y *year) wish() *partner.TakeOverYear {
	return &partner.TakeOverYear{RenewedOn: y.renewedOn, Contracts: y.contracts}
}

// runYears tells partners of the years whose contracts were imported.
func (a *applying) runYears(ctx context.Context, years []*year) error {
	for _, y := range years {
		if err := ctx.Err(); err != nil {
			return err
		}
		changed, err := a.year(ctx, y)
		if err := a.count(&a.report.Years, y.at, "renewed_on", changed, err); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) year(ctx context.Context, y *year) (changed bool, err error) {
	kept, err := a.Ledger.KeptPartner(ctx, y.partner)
	if err != nil {
		return false, err
	}
	for i := range y.contracts {
		of, err := a.Ledger.Kept(ctx, y.contracts[i].Contract)
		if err != nil {
			return false, err
		}
		if promised := of.Promise(); promised != nil {
			y.contracts[i].ActivatesOn, y.contracts[i].ActivatesAt = promised.ActivatesOn, promised.ActivatesAt
		}
	}
	slices.SortFunc(y.contracts, func(a, b partner.YearContract) int { return cmp.Compare(a.Kind, b.Kind) })
	return a.Ledger.ImportPartner(ctx, a.By, kept, &ledger.PartnerAct{
		Partner: kept.ID, Name: "year " + y.renewedOn.String(), Content: []byte(y.renewedOn.String()), Wish: y.wish(),
	})
}
