package projections

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// filesProjection answers which files hang on incidents: an engineer may read
// those, and nobody sweeps them (R26).
func filesProjection() *projection {
	return shaped(&projection{
		name: "files", version: 1,
		tables:  []table{filesTable},
		events:  names((*contract.IncidentFilesAttached)(nil)),
		newWork: func(t tx) work { return &filesWork{tx: t} },
	})
}

// filesTable has a row for each file of each account that hangs on an incident,
// with the first of them.
var filesTable = table{
	name: "files",
	columns: `digest {bytes} NOT NULL,
	account {bytes} NOT NULL,
	number  BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (digest, account)`,
	suffix: "{clustered}",
	order:  "digest, account",
}

// filesWork is a batch of attached files.
type filesWork struct {
	tx   tx
	rows []fileRow
}

type fileRow struct {
	digest  []byte
	account uuid.UUID
	number  contract.Number
	at      eventstore.Position
}

func (w *filesWork) load(ctx context.Context, _ []*ledger.Recorded) error {
	if len(w.rows) >= rowsHeld {
		return w.flush(ctx)
	}
	return nil
}

func (w *filesWork) apply(e *ledger.Recorded) error {
	f, ok := e.Event.(*contract.IncidentFilesAttached)
	if !ok {
		return nil
	}
	for _, a := range f.Attachments {
		digest, err := hex.DecodeString(a.SHA256)
		if err != nil {
			return fmt.Errorf("read digest %q of incident %s: %w", a.SHA256, f.Number, err)
		}
		w.rows = append(w.rows, fileRow{digest, f.Texts.Person, f.Number, e.Position})
	}
	return nil
}

func (w *filesWork) flush(ctx context.Context) error {
	for _, r := range w.rows {
		err := w.tx.exec(ctx, "INSERT INTO {files} (digest, account, number, at) VALUES (?, ?, ?, ?) ON CONFLICT (digest, account) DO NOTHING",
			r.digest, r.account[:], int64(r.number), int64(r.at))
		if err != nil {
			return err
		}
	}
	clear(w.rows)
	w.rows = w.rows[:0]
	return nil
}

// Files answers: which files hang on incidents?
type Files struct{ reader }

// Owners are the accounts that have attached a file with a digest, the first of
// them first, at most limit; none for one that no incident has, as far as these
// rows have seen.
func (f *Files) Owners(ctx context.Context, sha256 string, limit int) (accounts []uuid.UUID, err error) {
	digest, err := hex.DecodeString(sha256)
	if err != nil {
		return nil, nil
	}
	err = f.view(ctx, func(v *view) error {
		return v.each(ctx, "SELECT account FROM {files} WHERE digest = ? ORDER BY at, account LIMIT ?", []any{digest, limit}, func(scan func(...any) error) (bool, error) {
			var account uuid.UUID
			if err := scan(&account); err != nil {
				return false, err
			}
			accounts = append(accounts, account)
			return true, nil
		})
	})
	return accounts, err
}

// Attached says whether an account's file hangs on an incident, as far as these
// rows have seen.
func (f *Files) Attached(ctx context.Context, account uuid.UUID, sha256 string) (attached bool, err error) {
	digest, err := hex.DecodeString(sha256)
	if err != nil {
		return false, nil
	}
	err = f.view(ctx, func(v *view) error {
		return v.each(ctx, "SELECT 1 FROM {files} WHERE digest = ? AND account = ?", []any{digest, account[:]}, func(scan func(...any) error) (bool, error) {
			var one int
			attached = true
			return false, scan(&one)
		})
	})
	return attached, err
}
