package projections

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

var postOffice = ledger.Request{By: ledger.Actor{Role: ledger.System}}

// letter is one of a few mails.
func letter(n int, kind mail.Kind) mail.Letter {
	return mail.Letter{Mail: uuid.UUID{8: 1, 15: byte(n)}, Kind: kind, Cause: uuid.UUID{15: 99}, Language: "id"}
}

// sealed is citra's address, sealed.
func (r *rig) sealed(said string) domain.Sealed[mail.Recipient] {
	r.t.Helper()
	to, err := r.SealRecipient(context.Background(), r.keys.Contact("citra@example.com"), mail.Recipient{Name: "Citra", Email: "citra@example.com", Said: said})
	must(r.t, err)
	return to
}

// sent records a mail as sent.
func (r *rig) sent(id uuid.UUID, about mail.Letter) mail.RecordSent {
	r.t.Helper()
	wish := mail.RecordSent{Letter: about, Recipient: r.sealed(""), Try: 2, MessageID: "<m@example.com>"}
	_, err := r.RecordSent(context.Background(), postOffice, id, wish)
	must(r.t, err)
	return wish
}

// givenUp records a mail as given up.
func (r *rig) givenUp(id uuid.UUID, about mail.Letter) mail.RecordGivenUp {
	r.t.Helper()
	wish := mail.RecordGivenUp{Letter: about, Recipient: r.sealed("550 nobody"), Tries: 9, Reason: "unreachable"}
	_, err := r.RecordGivenUp(context.Background(), postOffice, id, wish)
	must(r.t, err)
	return wish
}

func (r *rig) resend(id uuid.UUID, about mail.Letter) {
	r.t.Helper()
	_, err := r.ResendMail(context.Background(), r.by(operator, "resend"), id, about.Mail, "asked")
	must(r.t, err)
}

func (r *rig) mail(about mail.Letter) MailRow {
	r.t.Helper()
	r.settle()
	row, ok, err := r.Mails.Find(context.Background(), about.Mail)
	must(r.t, err)
	if !ok {
		r.t.Fatalf("mail %s is not found", about.Mail)
	}
	return row
}

// A row says what was recorded of its mail last, whether it was written in one
// batch or in many.
func TestR39_AMailIsShownAsItWasRecordedLast(t *testing.T) {
	onEach(t, testR39_AMailIsShownAsItWasRecordedLast)
}

func testR39_AMailIsShownAsItWasRecordedLast(t *testing.T, on engine) {
	for name, look := range map[string]bool{"in one batch": false, "one by one": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, on)
			id, about := r.register("pack").ID, letter(1, mail.Closed)
			check := func(want MailRow) {
				t.Helper()
				want.Letter, want.Contract, want.At = about, id, r.now()
				if got := r.mail(about); !reflect.DeepEqual(got, want) {
					t.Errorf("the mail is\n%+v, want\n%+v", got, want)
				}
			}
			given := r.givenUp(id, about)
			if look {
				check(MailRow{Recipient: given.Recipient, Status: mail.StatusGivenUp, Tries: 9, Reason: "unreachable"})
			}
			r.later(time.Hour)
			r.resend(id, about)
			if look {
				check(MailRow{Recipient: given.Recipient, Status: mail.StatusRequested, Tries: 9, Reason: "unreachable"})
			}
			r.later(time.Hour)
			sent := r.sent(id, about)
			check(MailRow{Recipient: sent.Recipient, Status: mail.StatusSent, Tries: 2, MessageID: "<m@example.com>"})
		})
	}
	r := newRig(t, on)
	about := letter(1, mail.Expiring)
	about.Cause = uuid.Nil
	_, err := r.RecordGivenUp(t.Context(), postOffice, uuid.UUID{1}, mail.RecordGivenUp{Letter: about, Recipient: domain.Sealed[mail.Recipient]{Person: ani.Account}, Reason: "erased"})
	must(t, err)
	want := MailRow{Letter: about, Contract: uuid.UUID{1}, Recipient: domain.Sealed[mail.Recipient]{Person: ani.Account}, Status: mail.StatusGivenUp, Reason: "erased", At: start}
	if got := r.mail(about); !reflect.DeepEqual(got, want) {
		t.Errorf("the mail is\n%+v, want\n%+v", got, want)
	}
	if _, ok, err := r.Mails.Find(t.Context(), uuid.UUID{7}); ok || err != nil {
		t.Errorf("a mail that never was is found (%v, %v)", ok, err)
	}
}

func TestR39_MailsAreFiltered(t *testing.T) { onEach(t, testR39_MailsAreFiltered) }

func testR39_MailsAreFiltered(t *testing.T, on engine) {
	r := newRig(t, on)
	a, b := r.register("pack").ID, r.register("pack").ID
	r.sent(a, letter(1, mail.IDs))
	r.givenUp(a, letter(2, mail.Linked))
	r.givenUp(b, letter(3, mail.IDs))
	r.givenUp(b, letter(4, mail.Closed))
	r.resend(b, letter(4, mail.Closed))
	r.givenUp(a, letter(5, mail.Closed))
	r.sent(a, letter(5, mail.Closed))
	r.settle()
	for _, row := range []struct {
		filter MailFilter
		want   []byte
	}{
		{MailFilter{}, []byte{5, 4, 3, 2, 1}},
		{MailFilter{Status: mail.StatusSent}, []byte{5, 1}},
		{MailFilter{Status: mail.StatusGivenUp}, []byte{3, 2}},
		{MailFilter{Status: mail.StatusRequested}, []byte{4}},
		{MailFilter{Contract: a}, []byte{5, 2, 1}},
		{MailFilter{Kind: mail.IDs}, []byte{3, 1}},
		{MailFilter{Kind: mail.IDs, Contract: b, Status: mail.StatusGivenUp}, []byte{3}},
		{MailFilter{Kind: mail.FewLeft}, nil},
		{MailFilter{Contract: uuid.UUID{1}}, nil},
	} {
		list, err := r.Mails.List(t.Context(), r.now(), row.filter, Page{})
		must(t, err)
		var got []byte
		for _, item := range list.Items {
			got = append(got, item.Mail[15])
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%+v lists %v, want %v", row.filter, got, row.want)
		}
		walked := walk(t, func(p Page) (List[MailRow], error) { return r.Mails.List(t.Context(), r.now(), row.filter, p) },
			func(m MailRow) uuid.UUID { return m.Mail })
		if len(walked) != len(row.want) {
			t.Errorf("%+v: %d were walked, want %d", row.filter, len(walked), len(row.want))
		}
	}
	for _, f := range []MailFilter{{Status: "lost"}, {Kind: "greeting"}} {
		_, err := r.Mails.List(t.Context(), r.now(), f, Page{})
		if refusal, ok := errors.AsType[*domain.Refusal](err); !ok || refusal.Code != domain.InvalidField {
			t.Errorf("%+v is answered with %v", f, err)
		}
	}
}

// mails does this or that with one of a few mails.
func (h *history) mails(t *rapid.T) error {
	id := h.some(t).ID
	n, kinds := rapid.IntRange(1, 5).Draw(t, "mail"), mail.Kinds()
	about := letter(n, kinds[n%len(kinds)])        // a mail is of one kind
	about.Mail = uuid.NewSHA1(id, []byte{byte(n)}) // and belongs to one contract
	ctx := context.Background()
	var err error
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		_, err = h.RecordSent(ctx, postOffice, id, mail.RecordSent{Letter: about, Recipient: h.sealed(""), Try: 1, MessageID: "<m@example.com>"})
	case 1:
		_, err = h.RecordGivenUp(ctx, postOffice, id, mail.RecordGivenUp{Letter: about, Recipient: h.sealed("550"), Tries: 3, Reason: "unreachable"})
	case 2:
		_, err = h.ResendMail(ctx, h.by(operator, "resend"), id, about.Mail, "asked")
	}
	return err
}

// checkMails compares every row with what the log says of its mail.
func (h *history) checkMails(t *rapid.T) {
	ctx := context.Background()
	states := map[uuid.UUID]*mail.State{}
	mails := map[uuid.UUID]bool{}
	for rec, err := range h.store.ReadAll(ctx, eventstore.Start) {
		must(h.t, err)
		id, ok := ledger.MailedContract(rec.Stream)
		if !ok {
			continue
		}
		e, err := ledger.Decode(rec)
		must(h.t, err)
		if states[id] == nil {
			states[id] = new(mail.State)
		}
		mail.Evolve(states[id], e.Event.(mail.Event))
	}
	list, err := h.Mails.List(ctx, h.now(), MailFilter{}, Page{Limit: MaxLimit})
	must(h.t, err)
	for _, row := range list.Items {
		if mails[row.Mail] {
			t.Fatalf("mail %s is listed twice", row.Mail)
		}
		mails[row.Mail] = true
		want := states[row.Contract].Standing(row.Mail)
		if row.Status != want.Status || want.Status != mail.StatusSent && (row.Letter != want.Letter || row.Tries != want.Tries || !row.At.Equal(want.At)) {
			t.Fatalf("mail %s is listed as\n%+v, want\n%+v", row.Mail, row, want)
		}
	}
}
