package ledger_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

var postOffice = ledger.Request{By: ledger.Actor{Role: ledger.System}, Trace: [16]byte{1, 2, 3}}

// sealed is citra's address, sealed.
func (r *rig) sealed(said string) mail.RecordSent {
	r.t.Helper()
	to, err := r.SealRecipient(r.t.Context(), r.keys.Contact("citra@example.com"), mail.Recipient{Name: "Citra", Email: "citra@example.com", Said: said})
	must(r.t, err)
	return mail.RecordSent{Recipient: to, Try: 1, MessageID: "<m@example.com>"}
}

func about(n int) mail.Letter {
	return mail.Letter{Mail: mailID(n), Kind: mail.IDs, Cause: uuid.UUID{1}, Language: "id"}
}

func mailID(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)) }

func (r *rig) sent(l *ledger.Ledger, contract uuid.UUID, n int) ledger.Receipt {
	r.t.Helper()
	wish := r.sealed("")
	wish.Letter = about(n)
	receipt, err := l.RecordSent(r.t.Context(), postOffice, contract, wish)
	must(r.t, err)
	return receipt
}

func (r *rig) givenUp(l *ledger.Ledger, contract uuid.UUID, n int) ledger.Receipt {
	r.t.Helper()
	wish := mail.RecordGivenUp{Letter: about(n), Recipient: r.sealed("550 no such user").Recipient, Tries: 9, Reason: "unreachable"}
	receipt, err := l.RecordGivenUp(r.t.Context(), postOffice, contract, wish)
	must(r.t, err)
	return receipt
}

func (r *rig) standing(l *ledger.Ledger, contract uuid.UUID, n int) mail.Status {
	r.t.Helper()
	standing, err := l.MailStanding(r.t.Context(), contract, mailID(n))
	must(r.t, err)
	return standing.Status
}

// recordAt is the record at a position, read.
func (r *rig) recordAt(p eventstore.Position) ledger.Recorded {
	r.t.Helper()
	for record, err := range r.store.ReadAll(r.t.Context(), p-1) {
		must(r.t, err)
		recorded, err := ledger.Decode(record)
		must(r.t, err)
		return recorded
	}
	r.t.Fatalf("there is no record at %v", p)
	return ledger.Recorded{}
}

func TestR39_ASendingIsRecordedBesideItsContract(t *testing.T) {
	r := newRig(t)
	id := r.active(1).ID
	if got := r.standing(r.Ledger, id, 1); got != mail.Unrecorded {
		t.Errorf("before anything was sent the mail is %q", got)
	}
	receipt := r.sent(r.Ledger, id, 1)
	record := r.recordAt(receipt.Position)
	if !receipt.Changed || record.Stream != "mails-"+id.String() || record.Revision != 0 || record.Meta.By.Role != ledger.System || record.Meta.Trace != postOffice.Trace {
		t.Errorf("recorded is %+v as %+v", receipt, record)
	}
	sent := record.Event.(*mail.Sent)
	if sent.Letter != about(1) || sent.Try != 1 || !sent.At.Equal(start) {
		t.Errorf("recorded is %+v", sent)
	}
	if got := r.standing(r.Ledger, id, 1); got != mail.StatusSent {
		t.Errorf("afterwards the mail is %q", got)
	}
	if again := r.sent(r.Ledger, id, 1); again.Changed || again.Position != receipt.Position {
		t.Errorf("recorded again it is %+v", again)
	}
	if got := r.standing(r.Ledger, r.active(1).ID, 1); got != mail.Unrecorded {
		t.Errorf("of another contract the mail is %q", got)
	}
}

// What one node has recorded, another knows, and so does every node after a
// restart.
func TestR39_AMailThatWasSentIsKnownEverywhere(t *testing.T) {
	r := newRig(t)
	id, other := r.active(1).ID, r.another()
	r.sent(r.Ledger, id, 0)
	if r.standing(other, id, 0) != mail.StatusSent || r.standing(other, id, 1) != mail.Unrecorded {
		t.Fatal("known before it was sent")
	}
	r.sent(r.Ledger, id, 1)
	if got := r.standing(other, id, 1); got != mail.StatusSent {
		t.Errorf("another node says %q", got)
	}
	r.givenUp(other, id, 2)
	r.sent(r.Ledger, id, 2) // it was still trying
	if got := r.types(ledger.MailsOf(id)); got != "mail.sent mail.sent mail.given-up mail.sent" {
		t.Errorf("recorded is %s", got)
	}
	r.restart()
	if a, b := r.standing(r.Ledger, id, 1), r.standing(r.Ledger, id, 2); a != mail.StatusSent || b != mail.StatusSent {
		t.Errorf("after a restart they are %q and %q", a, b)
	}
	_, err := r.RecordGivenUp(t.Context(), postOffice, id, mail.RecordGivenUp{Letter: about(1), Reason: "unreachable"})
	refused(t, err, mail.AlreadySent)
}

func TestR39_AGivenUpMailCanBeSentAgain(t *testing.T) {
	r := newRig(t)
	id := r.active(1).ID
	_, err := r.ResendMail(t.Context(), r.by(operator, "resend"), id, mailID(1), "asked")
	refused(t, err, mail.NotFound)
	r.givenUp(r.Ledger, id, 1)
	wish := r.by(operator, "resend")
	first, err := r.ResendMail(t.Context(), wish, id, mailID(1), "asked")
	must(t, err)
	record := r.recordAt(first.Position)
	if asked, ok := record.Event.(*mail.Requested); !ok || asked.Letter != about(1) || record.Meta.By != operator {
		t.Errorf("recorded is %+v by %+v", record.Event, record.Meta.By)
	}
	r.restart()
	standing, err := r.MailStanding(t.Context(), id, mailID(1))
	must(t, err)
	if standing.Status != mail.StatusRequested || standing.Tries != 9 || standing.Letter != about(1) {
		t.Errorf("after a restart it stands as %+v", standing)
	}
	again, err := r.ResendMail(t.Context(), wish, id, mailID(1), "asked")
	must(t, err)
	if !again.Replayed || again.Position != first.Position {
		t.Errorf("asked again under the same key: %+v, want that of %v", again, first.Position)
	}
	wish.Body = []byte("another")
	_, err = r.ResendMail(t.Context(), wish, id, mailID(1), "asked")
	refused(t, err, "idempotency-key-reused")
	held, err := r.ResendMail(t.Context(), r.by(operator, "resend"), id, mailID(1), "asked")
	must(t, err)
	if held.Changed || held.Replayed {
		t.Errorf("asked again under another key: %+v", held)
	}
	r.sent(r.Ledger, id, 1)
	_, err = r.ResendMail(t.Context(), r.by(operator, "resend"), id, mailID(1), "asked")
	refused(t, err, mail.AlreadySent)
	wish.Body = []byte("resend")
	late, err := r.ResendMail(t.Context(), wish, id, mailID(1), "asked")
	must(t, err)
	for _, got := range []ledger.MailAnswer{again, held, late} {
		if got.Receipt = first.Receipt; !reflect.DeepEqual(got, first) || got.Letter != about(1) || got.Recipient.Clear.Email != "citra@example.com" {
			t.Errorf("answered with\n%+v, first with\n%+v", got, first)
		}
	}
	if got := r.types(ledger.MailsOf(id)); got != "mail.given-up mail.requested mail.sent" {
		t.Errorf("recorded is %s", got)
	}
}

// Many senders on two nodes record each mail once, whoever comes first.
func TestR39_SendersOnTwoNodesRecordEachMailOnce(t *testing.T) {
	r := newRig(t)
	contracts := []uuid.UUID{r.active(1).ID, r.active(1).ID}
	nodes := []*ledger.Ledger{r.Ledger, r.another()}
	wish := r.sealed("")
	const mails, senders = 50, 8
	var changed sync.Map
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := range mails {
				n = (n + sender*7) % mails
				mine := wish
				mine.Letter = about(n)
				receipt, err := nodes[sender%2].RecordSent(t.Context(), postOffice, contracts[n%2], mine)
				if err != nil {
					t.Error(err)
				}
				if receipt.Changed {
					if _, twice := changed.LoadOrStore(n, receipt.Position); twice {
						t.Errorf("mail %d was recorded twice", n)
					}
				}
			}
		})
	}
	all.Wait()
	for n := range mails {
		position, ok := changed.Load(n)
		if !ok {
			t.Errorf("mail %d was recorded by nobody", n)
			continue
		}
		if sent, ok := r.recordAt(position.(eventstore.Position)).Event.(*mail.Sent); !ok || sent.Mail != mailID(n) {
			t.Errorf("at position %v stands %+v, not mail %d", position, sent, n)
		}
	}
	if a, b := r.types(ledger.MailsOf(contracts[0])), r.types(ledger.MailsOf(contracts[1])); strings.Count(a+" "+b, "mail.sent") != mails {
		t.Errorf("recorded are %s and %s", a, b)
	}
}

func TestR39_MailsBeginWhereTheyWereFirstSwitchedOn(t *testing.T) {
	r := newRig(t)
	r.active(1)
	if _, on, err := r.MailsSince(t.Context()); on || err != nil {
		t.Errorf("never switched on, they are on (%v, %v)", on, err)
	}
	nodes := []*ledger.Ledger{r.Ledger, r.another(), r.another()}
	starts := make([]ledger.MailsStart, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() {
			var err error
			if starts[i], err = node.SwitchMailsOn(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	must(t, r.clock.Set(start.Add(time.Hour)))
	r.active(1)
	r.restart()
	again, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	found, on, err := r.MailsSince(t.Context())
	must(t, err)
	if slices.ContainsFunc(slices.Concat(starts, []ledger.MailsStart{again, found}), func(s ledger.MailsStart) bool { return s != starts[0] }) || !on {
		t.Errorf("they begin at %+v", starts)
	}
	e, ok := r.recordAt(found.Position).Event.(*ledger.MailsSwitchedOn)
	if !ok || !e.At.Equal(found.At) || !e.At.Equal(start) || r.types("mails") != "mail.switched-on" {
		t.Errorf("at %+v stands %+v; recorded is %s", found, e, r.types("mails"))
	}
}

// Memory does not grow with the contracts that mails were about, and what was put
// out is read again.
func TestR39_TheMailsOfManyContractsTakeLittleMemory(t *testing.T) {
	r := newRig(t)
	const limit, contracts = 8 << 10, 40
	r.LimitMails(limit)
	wish := r.sealed("")
	wish.Letter = about(1)
	var all sync.WaitGroup
	for n := range contracts {
		all.Go(func() {
			for range 3 {
				if _, err := r.RecordSent(t.Context(), postOffice, mailID(n), wish); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for n := range contracts {
		if r.standing(r.Ledger, mailID(n), 1) != mail.StatusSent || r.standing(r.Ledger, mailID(n), 2) != mail.Unrecorded {
			t.Errorf("the mails of contract %d are forgotten", n)
		}
	}
	if n, weight := r.MailsKept(); n < 2 || n >= contracts || weight > limit {
		t.Errorf("%d are kept, which weigh %d, with room for %d", n, weight, limit)
	}
}

// The address of a mail is shown where it was opened, and erased with its person.
func TestR47_TheAddressOfAMailIsForgottenWithItsPerson(t *testing.T) {
	r := newRig(t)
	id, person := r.active(1).ID, r.keys.Contact("citra@example.com")
	long := r.sealed(strings.Repeat("x", 999) + "é and more")
	must(t, r.OpenRecipient(t.Context(), &long.Recipient))
	if said := long.Recipient.Clear.Said; said != strings.Repeat("x", 999) {
		t.Errorf("what was said is cut to %d bytes: ...%q", len(said), said[990:])
	}
	positions := []eventstore.Position{r.givenUp(r.Ledger, id, 1).Position}
	asked, err := r.ResendMail(t.Context(), r.by(operator, "resend"), id, mailID(1), "asked")
	must(t, err)
	positions = append(positions, asked.Position, r.sent(r.Ledger, id, 2).Position)
	shown := func(open bool) (all []string) {
		for _, p := range positions {
			e := r.recordAt(p).Event
			if open {
				must(t, r.Open(t.Context(), e))
			}
			b, err := ledger.Shown(e)
			must(t, err)
			all = append(all, string(b))
		}
		return all
	}
	for _, text := range shown(false) {
		if strings.Contains(text, "recipient") || !strings.Contains(text, `"language":"id"`) {
			t.Errorf("not opened it shows as %s", text)
		}
	}
	for _, text := range shown(true) {
		if !strings.Contains(text, `"recipient":{"name":"Citra","email":"citra@example.com"`) || strings.Contains(text, "box") {
			t.Errorf("opened it shows as %s", text)
		}
	}
	early := r.sealed("") // before the erasure, and recorded after it
	early.Letter = about(3)
	_, err = r.Erase(t.Context(), r.by(operator, "erase"), person, "asked")
	must(t, err)
	late, err := r.RecordSent(t.Context(), postOffice, id, early)
	must(t, err)
	positions = append(positions, late.Position)
	for _, text := range shown(true) {
		if !strings.Contains(text, `"recipient":"erased"`) {
			t.Errorf("after the erasure it shows as %s", text)
		}
	}
}

// TestARecordedSwitchReadsForEver holds the shape of mail.switched-on.v1, which
// was released and does not change.
func TestARecordedSwitchReadsForEver(t *testing.T) {
	const golden = `{"at":"2026-03-01T09:00:00Z"}`
	if data, err := json.Marshal(&ledger.MailsSwitchedOn{At: start}); err != nil || string(data) != golden {
		t.Errorf("written as %s (%v), want %s", data, err, golden)
	}
	if name := (*ledger.MailsSwitchedOn)(nil).Name(); name != "mail.switched-on.v1" {
		t.Errorf("it is called %s", name)
	}
}

func TestStreamsOfMailsNameTheirContract(t *testing.T) {
	id := uuid.New()
	if got, ok := ledger.MailedContract(ledger.MailsOf(id)); !ok || got != id {
		t.Errorf("%s is of %v (%v)", ledger.MailsOf(id), got, ok)
	}
	for _, other := range []string{"mails", "mails-", id.String(), "mails-" + id.String()[1:], "guesses"} {
		if _, ok := ledger.MailedContract(other); ok {
			t.Errorf("%s is taken for the mails of a contract", other)
		}
	}
}
