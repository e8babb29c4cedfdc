package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A postRoom is who sends the mails of a test, without sending any.
type postRoom struct {
	*rig
	contract uuid.UUID
	cause    uuid.UUID
}

// postOf is the mails about a contract.
func (r *rig) postOf(c object) postRoom {
	r.t.Helper()
	p := postRoom{rig: r, contract: uuid.MustParse(c["id"].(string))}
	for record, err := range r.store.ReadAll(r.t.Context(), eventstore.Start) {
		must(r.t, err)
		p.cause = record.ID
		break
	}
	return p
}

func (p postRoom) letter(n int, kind mail.Kind) mail.Letter {
	id := p.Keys.Derive(p.contract, fmt.Sprint("mail ", n))
	return mail.Letter{Mail: id, Kind: kind, Cause: p.cause, Language: "id"}
}

func (p postRoom) to(said string) domain.Sealed[mail.Recipient] {
	p.t.Helper()
	sealed, err := p.Ledger.SealRecipient(p.t.Context(), p.Keys.Contact("citra@example.com"), mail.Recipient{Name: "Citra", Email: "citra@example.com", Said: said})
	must(p.t, err)
	return sealed
}

var byItself = ledger.Request{By: ledger.Actor{Role: ledger.System}}

// sent records a mail as sent, and returns its id.
func (p postRoom) sent(n int, kind mail.Kind) string {
	p.t.Helper()
	wish := mail.RecordSent{Letter: p.letter(n, kind), Recipient: p.to(""), Try: 1, MessageID: "<1@example.com>"}
	_, err := p.Ledger.RecordSent(p.t.Context(), byItself, p.contract, wish)
	must(p.t, err)
	return wish.Mail.String()
}

// givenUp records a mail as given up, and returns its id.
func (p postRoom) givenUp(n int, kind mail.Kind) string {
	p.t.Helper()
	wish := mail.RecordGivenUp{Letter: p.letter(n, kind), Recipient: p.to("550 no such user"), Tries: 9, Reason: "refused"}
	_, err := p.Ledger.RecordGivenUp(p.t.Context(), byItself, p.contract, wish)
	must(p.t, err)
	return wish.Mail.String()
}

// someMails are a sent one and a given-up one, of a contract without more.
func (r *rig) someMails() {
	p := r.postOf(r.register(object{"programme": r.programme("SILVER")}))
	p.givenUp(1, mail.Linked)
	must(r.t, r.clock.Set(start.AddDate(0, 0, 1)))
	p.sent(2, mail.IDs)
}

func TestR39MailsAreListedAndFiltered(t *testing.T) {
	r := newRig(t)
	c, other := r.contract(), r.contract()
	p, q := r.postOf(c), r.postOf(other)
	sent, given, foreign := p.sent(1, mail.IDs), p.givenUp(2, mail.Linked), q.givenUp(3, mail.IDs)
	for query, want := range map[string][]string{
		"":                                 {foreign, given, sent},
		"?status=sent":                     {sent},
		"?status=given-up":                 {foreign, given},
		"?status=requested":                {},
		"?kind=ids":                        {foreign, sent},
		"?contract=" + c["id"].(string):    {given, sent},
		"?status=given-up&kind=ids":        {foreign},
		"?contract=" + uuid.New().String(): {},
		"?contract=" + c["id"].(string) + "&kind=expired": {},
	} {
		var got []string
		for _, row := range r.get(r.operator(), "/v1/mails"+query).is(200).items() {
			got = append(got, row["id"].(string))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s lists %v, want %v", query, got, want)
		}
	}
	first := r.get(r.admin(), "/v1/mails?limit=2").is(200)
	second := r.get(r.admin(), "/v1/mails?limit=2&cursor="+first.text("next")).is(200)
	if len(first.items()) != 2 || len(second.items()) != 1 || second.items()[0]["id"] != sent || second.json()["next"] != nil {
		t.Errorf("pages: %s, %s", first.body, second.body)
	}
	r.get(r.operator(), "/v1/mails?status=lost").refuses(400, "malformed-parameter")
	r.get(r.operator(), "/v1/mails?kind=greeting").refuses(400, "malformed-parameter")
	r.get(r.operator(), "/v1/mails?contract=12").refuses(400, "malformed-parameter")
	r.get(r.operator(), "/v1/mails?cursor=x").refuses(400, "malformed-cursor")
	r.get(r.operator(), "/v1/mails?status=given-up&cursor="+first.text("next")).refuses(400, "malformed-cursor")
}

func TestR39AGivenUpMailIsSentAgain(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	p := r.postOf(c)
	given, sent := p.givenUp(1, mail.Linked), p.sent(2, mail.IDs)
	at := "/v1/mails/" + given + "/resend"
	first := r.post(r.operator(), at, object{"reason": "it works again"}, "Idempotency-Key", "once").is(200)
	first.equals("id", given).equals("contract", c["id"]).equals("status", "requested").equals("kind", "linked")
	if first.Header.Get("Ledger-Position") == "" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("answered with %v", first.Header)
	}
	row := only(r.get(r.operator(), "/v1/mails?status=requested&after="+first.Header.Get("Ledger-Position")).is(200))
	if row["id"] != given || row["tries"] != 9.0 || row["reason"] != "refused" || row["said"] != "550 no such user" || row["message_id"] != nil {
		t.Errorf("listed is %v", row)
	}
	history := r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200).items()
	last := history[len(history)-1]
	if data := last["data"].(object); last["type"] != "mail.requested.v1" || data["reason"] != "it works again" ||
		last["stream"] != "mails-"+c["id"].(string) || last["revision"] != 2.0 || history[0]["stream"] != nil {
		t.Errorf("the history ends with %v", last)
	}
	r.post(r.admin(), at, nil).is(200).equals("status", "requested") // without a body, and asked for already
	r.post(r.operator(), at, object{"reason": "another"}, "Idempotency-Key", "once").refuses(422, "idempotency-key-reused")
	p.sent(1, mail.Linked)
	again := r.post(r.operator(), at, object{"reason": "it works again"}, "Idempotency-Key", "once").is(200)
	if again.Header.Get("Idempotency-Replayed") != "true" || string(again.body) != string(first.body) ||
		again.Header.Get("Ledger-Position") != first.Header.Get("Ledger-Position") {
		t.Errorf("again it is %v %s, first it was %s", again.Header, again.body, first.body)
	}
	for _, id := range []string{given, sent} {
		r.post(r.operator(), "/v1/mails/"+id+"/resend", object{}).refuses(409, "already-sent")
	}
	for _, id := range []string{uuid.New().String(), "x", "1234", "{" + given + "}"} {
		r.post(r.operator(), "/v1/mails/"+id+"/resend", object{}).refuses(404, "mail-not-found")
	}
	r.post(r.operator(), at, object{}, "Idempotency-Key", "").refuses(400, "idempotency-key-missing")
	r.post(r.operator(), at, "[]").refuses(400, "malformed-body")
	r.post(r.operator(), at, object{"to": "x"}).refuses(400, "malformed-body")
	r.post(r.operator(), at, object{"reason": "\x00"}).refuses(422, "invalid-field")
}

// After an erasure the address is shown as erased, and nothing else changes.
func TestR47TheAddressOfAMailIsErased(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	p := r.postOf(c)
	given := p.givenUp(1, mail.Linked)
	p.sent(2, mail.IDs)
	_, err := r.Ledger.RecordGivenUp(t.Context(), byItself, p.contract, mail.RecordGivenUp{
		Letter: p.letter(3, mail.Expired), Recipient: domain.Sealed[mail.Recipient]{Person: p.Keys.Contact("budi@example.com")}, Reason: "erased",
	})
	must(t, err)
	look := func() (recipients, said []any) {
		for _, row := range r.get(r.operator(), "/v1/mails").is(200).items() {
			recipients, said = append(recipients, row["recipient"].(object)["email"]), append(said, row["said"])
		}
		return recipients, said
	}
	if to, said := look(); fmt.Sprint(to, said) != "[erased citra@example.com citra@example.com] [<nil> <nil> 550 no such user]" {
		t.Errorf("before the erasure: %v %v", to, said)
	}
	r.post(r.admin(), "/v1/erasures", object{"email": "citra@example.com", "reason": "asked"}).is(200)
	if to, said := look(); fmt.Sprint(to, said) != "[erased erased erased] [<nil> <nil> <nil>]" {
		t.Errorf("after the erasure: %v %v", to, said)
	}
	r.post(r.operator(), "/v1/mails/"+given+"/resend", nil).is(200).equals("recipient", object{"name": "erased", "email": "erased"})
	for _, item := range r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200).items() {
		if item["stream"] != nil && item["type"] != "mail.given-up.v1" && item["data"].(object)["recipient"] != "erased" {
			t.Errorf("the history shows %v", item)
		}
	}
}

// R39: a contract's history tells what was sent, when, to whom and by which try.
func TestR39TheHistoryTellsOfEachMail(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	p := r.postOf(c)
	must(t, r.clock.Set(start.AddDate(0, 0, 1)))
	wish := mail.RecordSent{Letter: p.letter(1, mail.Linked), Recipient: p.to(""), Try: 3, MessageID: "<1@example.com>"}
	_, err := p.Ledger.RecordSent(t.Context(), byItself, p.contract, wish)
	must(t, err)
	history := r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200).items()
	last := history[len(history)-1]
	data := last["data"].(object)
	to, _ := data["recipient"].(object)
	if data["mail"] != wish.Mail.String() || data["kind"] != "linked" || data["try"] != 3.0 || data["message_id"] != "<1@example.com>" ||
		to["name"] != "Citra" || to["email"] != "citra@example.com" || last["recorded_at"] != start.AddDate(0, 0, 1).Format(time.RFC3339) || last["by"].(object)["role"] != "system" {
		t.Errorf("the history ends with %v", last)
	}
}

// A history with mails is paged whole, and takes no cursor but its own.
func TestTheHistoryWithMailsIsPaged(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	p := r.postOf(c)
	p.sent(1, mail.IDs)
	r.link(r.ani(), c).is(201)
	p.sent(2, mail.Linked)
	at := "/v1/contracts/" + c["id"].(string) + "/history"
	var types []string
	for next := ""; ; {
		page := r.get(r.auditor(), at+"?limit=1"+next).is(200)
		types = append(types, only(page)["type"].(string))
		cursor, more := page.json()["next"].(string)
		if !more {
			break
		}
		next = "&cursor=" + cursor
	}
	want := "[contract.registered.v1 contract.activated.v1 grant.added.v1 grant.added.v1 mail.sent.v1 account.linked.v1 mail.sent.v1]"
	if fmt.Sprint(types) != want {
		t.Errorf("the history is %v, want %s", types, want)
	}
	for _, cursor := range []string{"r2", "m2", "r2m", "rm", "r-1m0", "r1m-1", "r1m1x", "r01m0", "r1m99999999999999999999", "x"} {
		r.get(r.auditor(), at+"?cursor="+cursor).refuses(400, "malformed-cursor")
	}
}
