package projections

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// A contract that nobody has activated is blank, with a row for each unit that
// its programme includes; an active one has its numbers (R4, R35).
func TestR35_benefitsAreBlankUntilActivated(t *testing.T) {
	onEach(t, testR35_benefitsAreBlankUntilActivated)
}

func testR35_benefitsAreBlankUntilActivated(t *testing.T, on engine) {
	r := newRig(t, on)
	// What is registered cannot be linked by its pair before it is activated;
	// a partner's contracts will be listed without. So: suspend is not blank.
	c := r.register("blank")
	_, err := r.Change(t.Context(), r.by(operator, "activate"), c.ID, &contract.Activate{})
	must(t, err)
	r.link(c, ani)
	r.submit(ani, c.ID)
	r.settle()
	list, err := r.Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].Unit != contract.Incident || list.Items[1].Unit != contract.Minute {
		t.Fatalf("benefits are %+v", list.Items)
	}
	incidents, minutes := list.Items[0], list.Items[1]
	if incidents.Blank || incidents.Balance.Granted != 2 || incidents.Balance.Consumed != 1 || incidents.Remaining != 1 || minutes.Remaining != 60 {
		t.Errorf("benefits are %+v and %+v", incidents, minutes)
	}
	blank := unitsOf(r.row(r.register("blank")), stateRegistered, nil, micros(r.now()))
	if len(blank) != 2 || !blank[0].Blank || !blank[1].Blank || blank[0].Remaining != 0 {
		t.Errorf("a blank contract is %+v", blank)
	}
}

// row is a contract in the directory.
func (r *rig) row(c ledger.ContractAnswer) ContractRow {
	r.t.Helper()
	r.settle()
	list, err := r.Contracts.List(r.t.Context(), r.now(), ContractFilter{AccessID: c.Terms.AccessID}, Page{})
	must(r.t, err)
	if len(list.Items) != 1 {
		r.t.Fatalf("%d contracts have the Access ID %s", len(list.Items), c.Terms.AccessID)
	}
	return list.Items[0]
}

// A second before the end of the term there is what there was; from the instant
// on the contract is expired and everything has lapsed, though nobody has
// recorded it (R5).
func TestR5_expiredFromTheInstantOn(t *testing.T) { onEach(t, testR5_expiredFromTheInstantOn) }

func testR5_expiredFromTheInstantOn(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	r.submit(ani, c.ID)
	r.settle()
	ends := r.row(c).EndsAt
	for _, row := range []struct {
		at                time.Time
		status            contract.Status
		remaining, lapsed int64
	}{
		{ends.Add(-time.Second), contract.StatusActive, 19, 0},
		{ends, contract.StatusExpired, 0, 19},
		{ends.Add(time.Second), contract.StatusExpired, 0, 19},
	} {
		list, err := r.Benefits.OfAccount(t.Context(), row.at, ani.Account, Page{})
		must(t, err)
		b := list.Items[0]
		if b.Status != row.status || b.Remaining != row.remaining || b.Balance.Lapsed != row.lapsed || b.Balance.Consumed != 1 || !b.Balance.Holds() {
			t.Errorf("at %v: %s, %d remain, %+v", row.at, b.Status, b.Remaining, b.Balance)
		}
		active, err := r.Contracts.List(t.Context(), row.at, ContractFilter{Status: contract.StatusActive}, Page{})
		must(t, err)
		if (len(active.Items) == 1) != (row.status == contract.StatusActive) {
			t.Errorf("at %v %d contracts are listed as active", row.at, len(active.Items))
		}
	}
	r.later(ends.Sub(r.now()))
	before := r.linksOf(c.ID)
	must(t, r.Touch(t.Context(), c.ID))
	r.settle()
	list, err := r.Benefits.OfAccount(t.Context(), ends.Add(-time.Second), ani.Account, Page{})
	must(t, err)
	if b := list.Items[0]; b.Balance.Lapsed != 19 || len(before) != 1 {
		t.Errorf("recorded, the balance is %+v", b.Balance)
	}
}

func (r *rig) linksOf(id uuid.UUID) map[uuid.UUID]time.Time {
	r.t.Helper()
	list, err := r.Links.OfContract(r.t.Context(), r.now(), id, Page{})
	must(r.t, err)
	out := map[uuid.UUID]time.Time{}
	for _, l := range list.Items {
		out[l.Account] = l.Since
	}
	return out
}

// A successor links whoever was linked to its predecessor just before its start,
// the same before and after somebody has recorded it (R5, R6): not who came
// later, and also who has left since.
func TestR6_aSuccessorInheritsLinksFromTheInstantOn(t *testing.T) {
	onEach(t, testR6_aSuccessorInheritsLinksFromTheInstantOn)
}

func testR6_aSuccessorInheritsLinksFromTheInstantOn(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	r.link(c, budi)
	next, err := r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "asked")
	must(t, err)
	r.settle()
	starts := r.row(next).StartsAt
	r.later(starts.Sub(r.now()) - time.Second)
	if links := r.linksOf(next.ID); len(links) != 0 {
		t.Errorf("before its start %v have linked the successor", links)
	}
	r.later(2 * time.Second)
	_, err = r.Unlink(t.Context(), r.by(budi, "unlink"), c.ID, budi.Account, "")
	must(t, err)
	r.settle()
	asIf := r.linksOf(next.ID)
	must(t, r.Touch(t.Context(), next.ID))
	r.settle()
	recorded := r.linksOf(next.ID)
	if len(asIf) != 2 || !asIf[ani.Account].Equal(starts) || len(recorded) != 2 || !recorded[budi.Account].Equal(asIf[budi.Account]) {
		t.Errorf("unrecorded they were %v, recorded %v", asIf, recorded)
	}
	if links := r.linksOf(c.ID); len(links) != 1 {
		t.Errorf("the predecessor has the links %v", links)
	}
}

// Accounts that share a contract see its balance, not each other's incidents;
// and their own after they left it (R36).
func TestR36_ownIsWhatThisAccountSubmitted(t *testing.T) {
	onEach(t, testR36_ownIsWhatThisAccountSubmitted)
}

func testR36_ownIsWhatThisAccountSubmitted(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	r.link(c, budi)
	mine := r.submit(ani, c.ID)
	r.submit(budi, c.ID)
	_, err := r.Unlink(t.Context(), r.by(ani, "unlink"), c.ID, ani.Account, "")
	must(t, err)
	r.settle()
	activity, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{})
	must(t, err)
	if len(activity.Items) != 1 || activity.Items[0].Number != mine.Number {
		t.Errorf("ani's activity is %+v", activity.Items)
	}
	for who, want := range map[ledger.Actor]int{ani: 0, budi: 1} {
		benefits, err := r.Benefits.OfAccount(t.Context(), r.now(), who.Account, Page{})
		must(t, err)
		if len(benefits.Items) != want || want == 1 && benefits.Items[0].Balance.Consumed != 2 {
			t.Errorf("benefits of %v are %+v", who.Account, benefits.Items)
		}
	}
}

// Two accounts whose short forms are the same are still two.
func TestR36_accountsWithTheSameShortForm(t *testing.T) {
	onEach(t, testR36_accountsWithTheSameShortForm)
}

func testR36_accountsWithTheSameShortForm(t *testing.T, on engine) {
	r := newRig(t, on)
	other := ani
	copy(other.Account[:8], ani.Account[8:])
	copy(other.Account[8:], ani.Account[:8])
	if accountKey(other.Account) != accountKey(ani.Account) {
		t.Fatal("their short forms differ")
	}
	mine := r.submit(ani, uuid.Nil)
	theirs := r.submit(other, uuid.Nil)
	r.settle()
	for who, want := range map[uuid.UUID]contract.Number{ani.Account: mine.Number, other.Account: theirs.Number} {
		list, err := r.Activity.Of(t.Context(), r.now(), who, ActivityFilter{}, Page{})
		must(t, err)
		if len(list.Items) != 1 || list.Items[0].Number != want {
			t.Errorf("activity of %v is %+v", who, list.Items)
		}
		latest, ok, err := r.Incidents.LatestOf(t.Context(), who)
		must(t, err)
		if !ok || latest.Number != want {
			t.Errorf("the latest of %v is %v", who, latest.Number)
		}
	}
}

// The most urgent incident comes first: by when its first response is due, then
// those that were answered, then the closed ones.
func TestDesk_mostUrgentFirst(t *testing.T) { onEach(t, testDesk_mostUrgentFirst) }

func testDesk_mostUrgentFirst(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	severity := func(s string) func(*ledger.Submission) { return func(w *ledger.Submission) { w.Severity = s } }
	ref := func(in ledger.IncidentAnswer) ledger.IncidentRef {
		return ledger.IncidentRef{Number: in.Number, Stream: c.ID, Owner: ani.Account}
	}
	longClosed := r.submit(ani, c.ID)
	_, err := r.Ledger.Close(t.Context(), r.by(engineer, "close"), ref(longClosed), "resolved", "Done.")
	must(t, err)
	closed := r.submit(ani, c.ID)
	answered := r.submit(ani, c.ID)
	late := r.submit(ani, c.ID, severity("B"))
	r.later(time.Minute)
	soon := r.submit(ani, c.ID, severity("A"))
	_, err = r.Comment(t.Context(), r.by(engineer, "comment"), ref(answered), "On it.")
	must(t, err)
	_, err = r.Ledger.Close(t.Context(), r.by(engineer, "close"), ref(closed), "resolved", "Done.")
	must(t, err)
	r.settle()
	list, err := r.Desk.List(t.Context(), r.now(), DeskFilter{}, Page{})
	must(t, err)
	var got []contract.Number
	for _, row := range list.Items {
		got = append(got, row.Number)
	}
	want := []contract.Number{soon.Number, late.Number, answered.Number, closed.Number, longClosed.Number}
	for i := range want {
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("the desk is %v, want %v", got, want)
		}
	}
	for filter, n := range map[DeskFilter]int{
		{Status: StatusOpen}: 3, {Status: StatusClosed}: 2, {Severity: "B"}: 1, {Unanswered: true}: 2, {Portal: "free"}: 0, {Product: "engine"}: 5, {Text: "STOPPED"}: 5,
	} {
		list, err := r.Desk.List(t.Context(), r.now(), filter, Page{})
		must(t, err)
		if len(list.Items) != n {
			t.Errorf("%+v keeps %d, want %d", filter, len(list.Items), n)
		}
	}
}

// Rows hold the texts of people sealed (R47), and of the Contract ID nothing at
// all (R3).
func TestR47_R3_rowsKeepSecrets(t *testing.T) { onEach(t, testR47_R3_rowsKeepSecrets) }

func testR47_R3_rowsKeepSecrets(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	in := r.submit(ani, c.ID)
	_, err := r.Comment(t.Context(), r.by(ani, "comment"), ledger.IncidentRef{Number: in.Number, Stream: c.ID, Owner: ani.Account}, "It still smokes.")
	must(t, err)
	r.settle()
	var ciphertext []byte
	for _, s := range r.replay() {
		ciphertext = s.Terms().ContractID
	}
	secrets := [][]byte{
		[]byte(c.ContractID), ciphertext, []byte(base64.StdEncoding.EncodeToString(ciphertext)),
		[]byte("citra@example.com"), []byte("ani@example.com"), []byte("at noon"), []byte("still smokes"),
	}
	for name, content := range r.contents() {
		for _, secret := range secrets {
			if len(secret) == 0 || bytes.Contains(content, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
	row := r.row(c)
	if row.Terms.Contact.Clear != nil {
		t.Error("the contact is in clear")
	}
	must(t, r.Ledger.Open(t.Context(), row.Terms))
	if row.Terms.Contact.Clear == nil || row.Terms.Contact.Clear.Email != "citra@example.com" {
		t.Errorf("opened, the contact is %+v", row.Terms.Contact.Clear)
	}
}

// contents are the database's files, or its tables.
func (r *rig) contents() map[string][]byte {
	r.t.Helper()
	out := map[string][]byte{}
	if !r.db.shared {
		files, err := filepath.Glob(filepath.Join(r.dir, "*"))
		must(r.t, err)
		for _, file := range files {
			out[filepath.Base(file)], err = os.ReadFile(file)
			must(r.t, err)
		}
		return out
	}
	for _, table := range strings.Fields(r.tables()) {
		rows, err := r.db.writer.conn.QueryContext(r.t.Context(), "SELECT * FROM "+table)
		must(r.t, err)
		columns, err := rows.Columns()
		must(r.t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new([]byte)
			}
			must(r.t, rows.Scan(values...))
			for _, v := range values {
				out[table] = append(out[table], *v.(*[]byte)...)
			}
		}
		must(r.t, errors.Join(rows.Err(), rows.Close()))
	}
	return out
}

// Who was forgotten is known, with the keys to destroy again (R47).
func TestR47_erasuresAreListed(t *testing.T) { onEach(t, testR47_erasuresAreListed) }

func testR47_erasuresAreListed(t *testing.T, on engine) {
	r := newRig(t, on)
	r.submit(ani, uuid.Nil)
	_, err := r.Erase(t.Context(), r.by(ledger.Actor{Account: operator.Account, Role: ledger.Admin}, "erase"), ani.Account, "asked")
	must(t, err)
	r.settle()
	all, upTo, err := r.Erasures.All(t.Context())
	must(t, err)
	if len(all) != 1 || all[0].Person != ani.Account || len(all[0].Keys) == 0 || upTo != r.Position() {
		t.Errorf("erasures up to %d are %+v", upTo, all)
	}
	must(t, r.RedoErasures(t.Context(), all))
}
