package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// grantsTable has a row for each grant; no is the number in its id.
var grantsTable = table{
	name: "grants",
	columns: `contract BIGINT NOT NULL,
	no        BIGINT NOT NULL,
	unit      TEXT NOT NULL,
	unlimited SMALLINT NOT NULL,
	granted   BIGINT NOT NULL,
	adjusted  BIGINT NOT NULL,
	available BIGINT NOT NULL,
	consumed  BIGINT NOT NULL,
	lapsed    BIGINT NOT NULL,
	moved     BIGINT NOT NULL,
	deducted  BIGINT NOT NULL,
	credited  BIGINT NOT NULL,
	ends_at   BIGINT NOT NULL,
	PRIMARY KEY (contract, no)`,
	suffix: "{clustered}",
	order:  "contract, no",
}

// A grantRow is a grant as it lies in its row.
type grantRow struct {
	no                                                    int64
	unit                                                  string
	unlimited                                             bool
	granted, adjusted, available, consumed, lapsed, moved int64
	deducted, credited, endsAt                            int64
	fresh, changed                                        bool
}

// grantColumns are what fields takes, also where there is no grant.
const grantColumns = `COALESCE(g.no, 0), COALESCE(g.unit, ''), COALESCE(g.unlimited, 0), COALESCE(g.granted, 0), COALESCE(g.adjusted, 0),
	COALESCE(g.available, 0), COALESCE(g.consumed, 0), COALESCE(g.lapsed, 0), COALESCE(g.moved, 0), COALESCE(g.deducted, 0), COALESCE(g.credited, 0),
	COALESCE(g.ends_at, 0)`

func (g *grantRow) fields() []any {
	return []any{
		&g.no, &g.unit, &g.unlimited, &g.granted, &g.adjusted, &g.available, &g.consumed, &g.lapsed, &g.moved, &g.deducted, &g.credited, &g.endsAt,
	}
}

// end is when a grant lapses: at its own end or the contract's, whichever comes
// first; 0 where neither is known yet.
func (g *grantRow) end(activated bool, contractEnds int64) int64 {
	if g.endsAt == 0 || activated && contractEnds < g.endsAt {
		return contractEnds
	}
	return g.endsAt
}

// over says whether a grant of a contract is past its end (R5).
func (g *grantRow) over(state string, contractEnds, at int64) bool {
	if state == stateCancelled || state == stateExpired {
		return true
	}
	end := g.end(state != stateRegistered, contractEnds)
	return end != 0 && at >= end
}

func (g *grantRow) consume(quantity int64) {
	g.consumed += quantity
	if !g.unlimited {
		g.available -= quantity
	}
}

// grant adds a grant.
func (b *book) grant(f *contract.GrantAdded) {
	b.grants = append(b.grants, grantRow{
		no: int64(f.Grant), unit: string(f.Unit), unlimited: f.Unlimited, granted: f.Quantity, available: f.Quantity,
		endsAt: micros(f.EndsAt), fresh: true,
	})
}

// move changes a grant.
func (b *book) move(id contract.GrantID, change func(*grantRow)) error {
	for i := range b.grants {
		if g := &b.grants[i]; g.no == int64(id) {
			change(g)
			g.changed = true
			return nil
		}
	}
	return fmt.Errorf("contract %s has no grant %s", b.id, id)
}

// moveParts changes the grants that a movement has parts in.
func (b *book) moveParts(parts []contract.GrantUnits, change func(*grantRow, int64)) error {
	for _, part := range parts {
		if err := b.move(part.Grant, func(g *grantRow) { change(g, part.Quantity) }); err != nil {
			return err
		}
	}
	return nil
}

// moveAway takes what a replacement took along.
func (b *book) moveAway(f *contract.Reissued) error {
	for _, moved := range f.Moved {
		err := b.move(moved.Grant, func(g *grantRow) {
			g.available -= moved.Quantity
			g.moved += moved.Quantity
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *contractsWork) writeGrants(ctx context.Context, b *book) error {
	for i := range b.grants {
		g := &b.grants[i]
		var err error
		switch {
		case g.fresh:
			err = w.tx.exec(ctx, `INSERT INTO {grants} (contract, no, unit, unlimited, granted, adjusted, available, consumed, lapsed, moved, deducted, credited, ends_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				int64(b.seq), g.no, g.unit, number(g.unlimited), g.granted, g.adjusted, g.available, g.consumed, g.lapsed, g.moved, g.deducted, g.credited, g.endsAt)
		case g.changed:
			err = w.tx.exec(ctx, `UPDATE {grants} SET adjusted = ?, available = ?, consumed = ?, lapsed = ?, moved = ?, deducted = ?, credited = ?
				WHERE contract = ? AND no = ?`,
				g.adjusted, g.available, g.consumed, g.lapsed, g.moved, g.deducted, g.credited, int64(b.seq), g.no)
		}
		if err != nil {
			return err
		}
		g.fresh, g.changed = false, false
	}
	return nil
}

// Benefits answers: what may an account use?
type Benefits struct{ reader }

// A Benefit is one unit of one contract that an account has linked, or that is the
// partner's for which it is signed in (R35).
type Benefit struct {
	ContractRow
	Linked bool // false of a partner's contract that the account has not linked
	Unit   contract.Unit
	// Blank says that the contract was never activated: there is nothing yet,
	// rather than 0.
	Blank bool
	// Balance is the unit's, as of the time of the question.
	Balance contract.Balance
	// Remaining is what could be spent were the contract active; 0 where
	// Unlimited.
	Remaining int64
	Unlimited bool
}

// OfAccount are an account's benefits as of a time: the units of each contract
// that it has linked, in the order in which the contracts were registered.
func (b *Benefits) OfAccount(ctx context.Context, at time.Time, account uuid.UUID, p Page) (List[Benefit], error) {
	return b.OfSignIn(ctx, at, account, "", p)
}

// OfSignIn are the benefits of an account that is signed in for a partner,
// likewise: of what it has linked, and of the partner's contracts. An empty partner is
// none.
func (b *Benefits) OfSignIn(ctx context.Context, at time.Time, account uuid.UUID, partner string, p Page) (List[Benefit], error) {
	out := List[Benefit]{Items: []Benefit{}}
	question := []any{"benefits", account, partner}
	var last struct {
		Contract uuid.UUID
		Unit     contract.Unit
	}
	more, err := readCursor(question, p.Cursor, &last)
	if err != nil {
		return out, err
	}
	err = b.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		q := linkedContracts("SELECT c.seq, c.state, c.since, "+contractColumns, account, at)
		if partner != "" {
			q = ownContracts("SELECT c.seq, c.state, c.since, "+contractColumns, account, partner, at)
		}
		if more { // the contract of the last row may have another one
			q.and("c.seq >= (SELECT seq FROM {contracts} WHERE id = ?)", last.Contract[:])
		}
		q.then("ORDER BY c.seq, c.since DESC") // where it is both linked and the partner's, as linked
		rows, err := b.rows(ctx, v, q, at, p.limit()+2)
		if err != nil {
			return err
		}
		if more {
			rows = slices.DeleteFunc(rows, func(r Benefit) bool { return r.ID == last.Contract && unitOrder(r.Unit) <= unitOrder(last.Unit) })
		}
		if len(rows) <= p.limit() {
			out.Items = append(out.Items, rows...)
			return nil
		}
		out.Items = rows[:p.limit()]
		end := &out.Items[p.limit()-1]
		last.Contract, last.Unit = end.ID, end.Unit
		out.Next, err = writeCursor(question, last)
		return err
	})
	return out, err
}

// rows are the units of so many contracts.
func (b *Benefits) rows(ctx context.Context, v *view, q *query, at time.Time, limit int) ([]Benefit, error) {
	type linked struct {
		seq, since int64 // since is 0 of one that is not linked
		state      string
		ContractRow
	}
	var contracts []linked
	err := v.walk(ctx, q.text.String(), q.args, limit, func(scan func(...any) error) (bool, error) {
		var c linked
		err := scanContract(scan, at, &c.ContractRow, &c.seq, &c.state, &c.since)
		if n := len(contracts); n > 0 && contracts[n-1].ID == c.ID {
			return true, err
		}
		contracts = append(contracts, c)
		return len(contracts) < limit, err
	})
	if err != nil {
		return nil, err
	}
	var out []Benefit
	for _, c := range contracts {
		grants, err := v.grants(ctx, c.seq)
		if err != nil {
			return nil, err
		}
		if c.state == stateRegistered && c.Status != contract.StatusRegistered { // it came to life by itself
			c.state = stateActivated
			for _, in := range c.Terms.Included {
				grants = append(grants, grantRow{unit: string(in.Unit), granted: in.Quantity, available: in.Quantity, unlimited: in.Unlimited})
			}
		}
		units := unitsOf(c.ContractRow, c.state, grants, micros(at))
		for i := range units {
			units[i].Linked = c.since > 0
		}
		out = append(out, units...)
	}
	return out, nil
}

func (v *view) grants(ctx context.Context, seq int64) (out []grantRow, err error) {
	err = v.each(ctx, "SELECT "+grantColumns+" FROM {grants} g WHERE g.contract = ? ORDER BY g.no", []any{seq}, func(scan func(...any) error) (bool, error) {
		var g grantRow
		err := scan(g.fields()...)
		out = append(out, g)
		return true, err
	})
	return out, err
}

var unitsInOrder = [...]contract.Unit{contract.Incident, contract.Minute}

func unitOrder(u contract.Unit) int { return slices.Index(unitsInOrder[:], u) }

// unitsOf adds the grants of a contract up as of a time. Incidents are always a
// row; another unit is one where it was granted, or will be on activation.
func unitsOf(c ContractRow, state string, grants []grantRow, at int64) []Benefit {
	var out []Benefit
	for _, unit := range unitsInOrder {
		row := Benefit{ContractRow: c, Unit: unit, Blank: c.Status == contract.StatusRegistered}
		there := unit == contract.Incident || row.Blank && slices.ContainsFunc(c.Terms.Included, func(in contract.IncludedUnits) bool { return in.Unit == unit })
		for i := range grants {
			if g := &grants[i]; g.unit == string(unit) {
				there = true
				row.add(g, g.over(state, micros(c.EndsAt), at))
			}
		}
		if row.Unlimited {
			row.Remaining = 0
		}
		if there {
			out = append(out, row)
		}
	}
	return out
}

func (b *Benefit) add(g *grantRow, over bool) {
	lapsed, available := g.lapsed, g.available
	if over && available > 0 {
		lapsed, available = lapsed+available, 0
	}
	s := &b.Balance
	s.Granted += g.granted
	s.Adjusted += g.adjusted
	s.Available += available
	s.Consumed += g.consumed
	s.Lapsed += lapsed
	s.Moved += g.moved
	s.Deducted += g.deducted
	s.Credited += g.credited
	s.Unlimited = s.Unlimited || g.unlimited
	b.Remaining += available
	b.Unlimited = b.Unlimited || g.unlimited && !over
}
