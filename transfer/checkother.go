package transfer

import (
	"context"
	"crypto/sha1"
	"fmt"
	"slices"
	"strconv"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// other checks a balance's or a link's row, once all contracts of the file are
// known.
func (c *checking) other(ctx context.Context, e *entry) error {
	act, field := e.balance(), "remaining"
	if e.record == Link {
		act, field = c.link(e), "portal"
		if !c.portal(e) {
			return nil
		}
	}
	if first := c.again(act.Contract.String()+act.Name, e.line); first > 0 {
		c.cell(e.row, e.names("contract", "access_id"), fmt.Sprintf("has the %s of line %d again", e.record, first), "remove one of the rows")
		return nil
	}
	kept, err := c.lookUp(ctx, e)
	if err != nil {
		return err
	}
	inFile := c.contracts[e.contract]
	switch {
	case e.contradicts || !c.isCalled(e, kept, inFile):
		c.cell(e.row, "contract", "is another contract than that of the Access ID, or of the two IDs", "name the contract by one or the other")
	case kept.Exists && e.endless():
		if unit, _ := contract.ParseUnit(e.text("unit")); !kept.Balance[unit].Unlimited {
			c.notEndless(e)
		}
	case kept.Exists:
		c.onKept(e, kept, inFile, act, field)
	case inFile == nil:
		c.cell(e.row, e.names("contract", "access_id"), "names no contract of this file or of the ledger", "check every digit, leading zeros too")
	case inFile.programme != nil:
		c.onNew(e, inFile)
	}
	return nil
}

// isCalled says whether a row that names its contract by its id has its Access ID, if
// it has one.
func (c *checking) isCalled(e *entry, kept *ledger.Kept, inFile *known) bool {
	switch {
	case e.text("contract") == "" || e.pair.AccessID == "":
		return true
	case kept.Exists:
		return kept.Terms.AccessID == e.pair.AccessID
	}
	return inFile == nil || inFile.accessID == "" || inFile.accessID == e.pair.AccessID
}

// names is the field by which a row names something, of two.
func (e *entry) names(one, other string) string {
	if e.text(one) != "" {
		return one
	}
	return other
}

// again is the line of an earlier row about the same; 0 where there is none.
func (c *checking) again(what string, line int) int {
	key := sha1.Sum([]byte(what))
	first := c.repeated[key]
	if first == 0 {
		c.repeated[key] = line
	}
	return first
}

// portal checks a link's portal against the catalogue.
func (c *checking) portal(e *entry) bool {
	if e.text("portal") == "" {
		return true
	}
	portal, ok := c.Catalog.Portal(e.text("portal"))
	switch {
	case !ok:
		c.cell(e.row, "portal", "is not in the catalogue", "take one of those that GET /v1/catalog lists")
	case portal.IDs == catalog.IDsNotUsed:
		c.cell(e.row, "portal", "uses no IDs, and so no links", "name the portal at which the account used the contract")
		ok = false
	}
	return ok
}

// onKept checks an act on a contract that the ledger has.
func (c *checking) onKept(e *entry, kept *ledger.Kept, inFile *known, act *ledger.Act, field string) {
	done, otherwise := c.Ledger.Done(kept, act)
	switch {
	case otherwise:
		c.cell(e.row, field, "was imported before, and was another one", "correct the file, or change the contract by hand")
		return
	case done:
		return
	}
	var wishes []contract.Command
	if inFile != nil && inFile.active && kept.Status == contract.StatusRegistered { // an import was stopped in between
		wishes = append(wishes, activate(e.contract).Wish)
	}
	if _, refusal := c.Ledger.Rehearse(kept, append(wishes, act.Wish)...); refusal != nil {
		c.refused(e.row, field, refusal)
	}
}

// onNew checks a row about a contract that the file registers.
func (c *checking) onNew(e *entry, k *known) {
	if e.record == Link {
		switch {
		case e.text("portal") != "" && !slices.Contains(k.programme.Portals, e.text("portal")):
			c.cell(e.row, "portal", "is none that the contract's programme accepts", "name the portal at which the account used the contract")
		case !k.active:
			c.cell(e.row, e.names("contract", "access_id"), fmt.Sprintf("names a contract that line %d does not activate", k.line), "link it once it is active")
		}
		return
	}
	c.balanceOnNew(e, k)
}

// balanceOnNew checks what is left of a unit against what the programme includes.
func (c *checking) balanceOnNew(e *entry, k *known) {
	at := slices.IndexFunc(k.programme.Included, func(in catalog.Included) bool { return in.Unit == e.text("unit") })
	in := catalog.Included{}
	if at >= 0 {
		in = k.programme.Included[at]
	}
	remaining, _ := strconv.ParseInt(e.text("remaining"), 10, 64) // was checked
	switch {
	case e.endless() && !in.Unlimited:
		c.notEndless(e)
	case e.endless():
	case in.Unlimited:
		c.cell(e.row, "unit", "is without limit in the contract's programme", "write unlimited as what remains, or leave the row out")
	case at >= 0 && !k.active && remaining != in.Quantity:
		c.cell(e.row, e.names("contract", "access_id"), fmt.Sprintf("names a contract that line %d does not activate", k.line), "what is left is known once it is active")
	}
}

func (c *checking) notEndless(e *entry) {
	c.cell(e.row, "remaining", "is unlimited, and what the contract has of the unit is not", "write what is left")
}
