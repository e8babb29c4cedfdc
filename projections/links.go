package projections

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// linksTable has a row for each account that was ever linked to a contract; until
// is 0 while it is. Ended links stay, since who was linked when its term started
// decides whom a successor links (R6).
var linksTable = table{
	name: "links",
	columns: `contract {bytes} NOT NULL,
	account {bytes} NOT NULL,
	portal  TEXT NOT NULL,
	since   BIGINT NOT NULL,
	until   BIGINT NOT NULL,
	PRIMARY KEY (contract, account)`,
	suffix:  "{clustered}",
	indexes: []string{"by_account: (account, contract)"},
	order:   "contract, account",
}

type linkKey struct{ contract, account uuid.UUID }

// A linkChange is what became of a link in a batch.
type linkChange struct {
	linked       bool // in this batch, from since on
	portal       string
	since, until int64
}

func (w *contractsWork) link(b *book, f *contract.AccountLinked, e *ledger.Recorded) {
	since := f.At // of an inherited link the start of the term, whenever that was recorded (R5)
	if since.IsZero() {
		since = e.RecordedAt
	}
	w.links[linkKey{b.id, f.Account}] = &linkChange{linked: true, portal: f.Portal, since: micros(since)}
}

func (w *contractsWork) unlink(b *book, f *contract.AccountUnlinked, e *ledger.Recorded) {
	key := linkKey{b.id, f.Account}
	c := w.links[key]
	if c == nil {
		c = new(linkChange)
		w.links[key] = c
	}
	c.until = micros(e.RecordedAt)
}

func (w *contractsWork) writeLinks(ctx context.Context) error {
	for key, c := range w.links {
		var err error
		if c.linked {
			err = w.tx.exec(ctx, `INSERT INTO {links} (contract, account, portal, since, until) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (contract, account) DO UPDATE SET portal = excluded.portal, since = excluded.since, until = excluded.until`,
				key.contract[:], key.account[:], c.portal, c.since, c.until)
		} else {
			err = w.tx.exec(ctx, "UPDATE {links} SET until = ? WHERE contract = ? AND account = ?", c.until, key.contract[:], key.account[:])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Links answers: who uses which contract?
type Links struct{ reader }

// A Link is an account that has linked a contract.
type Link struct {
	ContractRow
	Account uuid.UUID
	Since   time.Time
}

// linkedContracts selects, as c, the contracts that an account has linked as of a
// time: those that it is linked to, and successors that have started since, which
// link whoever was linked to their predecessor just before (R6), recorded or not
// (R5).
func linkedContracts(columns string, account uuid.UUID, at time.Time) *query {
	return selecting(columns+` FROM (
		SELECT l.since, c.* FROM {links} l JOIN {contracts} c ON c.id = l.contract WHERE l.account = ? AND l.until = 0
		UNION ALL
		SELECT c.inherits_at, c.* FROM {links} l JOIN {contracts} c ON c.inherits_from = l.contract WHERE l.account = ? AND `+inherits+`
	) c`, account[:], account[:], micros(at))
}

// ownContracts selects those, and a partner's contracts besides, with a since of 0.
func ownContracts(columns string, account uuid.UUID, partner string, at time.Time) *query {
	return selecting(columns+` FROM (
		SELECT l.since, c.* FROM {links} l JOIN {contracts} c ON c.id = l.contract WHERE l.account = ? AND l.until = 0
		UNION ALL
		SELECT c.inherits_at, c.* FROM {links} l JOIN {contracts} c ON c.inherits_from = l.contract WHERE l.account = ? AND `+inherits+`
		UNION ALL
		SELECT 0, c.* FROM {contracts} c WHERE c.partner_id = ? AND c.partner_id <> ''
	) c`, account[:], account[:], micros(at), partner)
}

// inherits is the condition that a link l of the contract that c inherits from
// has become one of c, which nobody has recorded.
const inherits = `c.inherits_at > 0 AND c.inherits_at <= ?
	AND l.since < c.inherits_at AND (l.until = 0 OR l.until >= c.inherits_at)
	AND NOT EXISTS (SELECT 1 FROM {links} x WHERE x.contract = c.id AND x.account = l.account AND x.until = 0)`

// OfAccount are the contracts that an account has linked as of a time, in the
// order of their registration.
func (l *Links) OfAccount(ctx context.Context, at time.Time, account uuid.UUID, p Page) (List[Link], error) {
	var out List[Link]
	q := linkedContracts("SELECT c.since, "+contractColumns, account, at)
	question := []any{"links of account", account}
	var last uuid.UUID
	if more, err := readCursor(question, p.Cursor, &last); err != nil {
		return out, err
	} else if more {
		q.and("c.seq > (SELECT seq FROM {contracts} WHERE id = ?)", last[:])
	}
	q.then("ORDER BY c.seq")
	err := l.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		var more bool
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, row *Link) (bool, error) {
			var since int64
			err := scanContract(scan, at, &row.ContractRow, &since)
			row.Account, row.Since = account, instant(since)
			return true, err
		})
		if more && err == nil {
			out.Next, err = writeCursor(question, out.Items[len(out.Items)-1].ID)
		}
		return err
	})
	return out, err
}

// OfContract are the accounts that have linked a contract as of a time, in the
// order of their ids. Nobody has linked an unknown contract.
func (l *Links) OfContract(ctx context.Context, at time.Time, id uuid.UUID, p Page) (List[Link], error) {
	var out List[Link]
	q := selecting("SELECT c.account, c.since, "+contractColumns+` FROM (
		SELECT l.account, l.since, c.* FROM {links} l JOIN {contracts} c ON c.id = l.contract WHERE l.contract = ? AND l.until = 0
		UNION ALL
		SELECT l.account, c.inherits_at, c.* FROM {contracts} c JOIN {links} l ON l.contract = c.inherits_from WHERE c.id = ? AND `+inherits+`
	) c`, id[:], id[:], micros(at))
	question := []any{"links of contract", id}
	var last uuid.UUID
	if more, err := readCursor(question, p.Cursor, &last); err != nil {
		return out, err
	} else if more {
		q.and("c.account > ?", last[:])
	}
	q.then("ORDER BY c.account")
	err := l.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		var more bool
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, row *Link) (bool, error) {
			var since int64
			err := scanContract(scan, at, &row.ContractRow, &row.Account, &since)
			row.Since = instant(since)
			return true, err
		})
		if more && err == nil {
			out.Next, err = writeCursor(question, out.Items[len(out.Items)-1].Account)
		}
		return err
	})
	return out, err
}
