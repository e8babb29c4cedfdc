package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A forgery is one wrong record in a log that is otherwise right: which law it
// breaks, and what was done. The record at fault is the one that was touched
// or looked for last.
type forgery struct {
	law   string
	forge func(s *saga, f *forger)
}

var forgeries = map[string]forgery{
	// The log.
	"a position again":           {audit.LawPositions, func(s *saga, f *forger) { f.at = 9; f.records[9].Position = 9 }},
	"time that runs backwards":   {audit.LawTime, func(s *saga, f *forger) { f.at = 9; f.records[9].RecordedAt = start.Add(-time.Second) }},
	"a revision that is missing": {audit.LawRevisions, func(s *saga, f *forger) { f.find(s.pack, "incident.closed", 1); f.records[f.at].Revision++ }},
	"a stream that begins late":  {audit.LawRevisions, func(s *saga, f *forger) { f.find(s.pack, "contract.registered", 1); f.records[f.at].Revision++ }},
	"an event id again":          {audit.LawEventID, func(s *saga, f *forger) { f.at = 30; f.records[30].ID = f.records[3].ID }},
	"no event id":                {audit.LawEventID, func(s *saga, f *forger) { f.at = 30; f.records[30].ID = uuid.Nil }},
	"metadata cut short":         {audit.LawMetadata, func(s *saga, f *forger) { f.at = 30; f.records[30].Meta = f.records[30].Meta[:40] }},
	"a type that is unknown":     {audit.LawDecodes, func(s *saga, f *forger) { f.at = 30; f.records[30].Type = "incident.vanished.v1" }},
	"a payload that is no JSON":  {audit.LawDecodes, func(s *saga, f *forger) { f.at = 30; f.records[30].Data = []byte("{") }},
	"a command in two parts": {audit.LawCommand, func(s *saga, f *forger) {
		first := f.find(s.pack, "contract.registered", 1)
		i := f.find(s.pack, "incident.commented", 1)
		f.records[i].Meta = f.records[first].Meta
	}},
	"an erasure in another's stream": {audit.LawStream, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "person.erased", 1), "person", uuid.New())
	}},
	"a refusal in a contract's stream": {audit.LawStream, func(s *saga, f *forger) {
		f.add("link.refused", map[string]any{}, f.find(s.pack, "incident.closed", 1))
	}},
	"an address in a contract's stream": {audit.LawStream, func(s *saga, f *forger) {
		f.add("link.located", map[string]any{}, f.find(s.pack, "incident.closed", 1))
	}},
	"a contract's event in a stream of another kind": {audit.LawStream, func(s *saga, f *forger) {
		f.records[f.find(uuid.Nil, "link.refused", 1)].Type = "contract.suspended.v1"
	}},
	"numbers reserved twice": {audit.LawNumber, func(s *saga, f *forger) {
		i := f.find(uuid.Nil, "numbers.reserved", 1)
		f.records[i+1].Meta = withCommand(f.records[i+1].Meta, uuid.New())
		f.copy(i, i+1, true)
	}},

	// Streams.
	"a stream that begins in the middle": {audit.LawOneContract, func(s *saga, f *forger) {
		f.remove(f.find(s.blank, "contract.registered", 1))
		f.find(s.blank, "contract.activated", 1)
	}},
	"two contracts in a stream": {audit.LawOneContract, func(s *saga, f *forger) {
		f.copy(f.find(s.blank, "contract.registered", 1), f.find(s.blank, "account.linked", 1), true)
	}},
	"a deduction where no contract pays": {audit.LawOneContract, func(s *saga, f *forger) {
		i := f.find(s.free, "incident.closed", 1)
		f.add("incident.deducted", map[string]any{"number": number(f, s.free), "grant": "g1", "unit": "incident", "quantity": 1}, i)
	}},
	"no Contract ID": {audit.LawPair, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "contract.registered", 1), "contract_id", nil)
	}},

	// States and terms.
	"resumed without a suspension": {audit.LawState, func(s *saga, f *forger) { f.remove(f.find(s.pack, "contract.suspended", 1)) }},
	"suspended twice": {audit.LawState, func(s *saga, f *forger) {
		i := f.find(s.pack, "contract.suspended", 1)
		f.copy(i, i+1, true)
	}},
	"activated twice": {audit.LawState, func(s *saga, f *forger) {
		f.copy(f.find(s.blank, "contract.activated", 1), f.find(s.blank, "account.linked", 1), true)
	}},
	"a deduction while suspended": {audit.LawState, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "contract.resumed", 1))
		f.find(s.pack, "incident.submitted", 2)
	}},
	"a grant after the end": {audit.LawState, func(s *saga, f *forger) {
		f.add("grant.added", grant("g3", 5), f.find(s.cancelled, "incident.closed", 1))
	}},
	"an adjustment before activation": {audit.LawState, func(s *saga, f *forger) {
		f.add("grant.added", grant("g1", 5), f.find(s.blank, "contract.activated", 1))
		f.add("grant.adjusted", map[string]any{"grant": "g1", "unit": "incident", "quantity": 1, "available": 6}, f.find(s.blank, "contract.activated", 1))
	}},
	"cancelled twice": {audit.LawState, func(s *saga, f *forger) {
		f.add("contract.cancelled", map[string]any{"reason": "again"}, f.find(s.cancelled, "incident.closed", 1))
	}},
	"expired, and expired again": {audit.LawState, func(s *saga, f *forger) {
		i := f.find(s.pack, "grant.lapsed", 2)
		f.copy(f.find(s.pack, "contract.expired", 1), i+1, true)
	}},
	"expired before its end": {audit.LawTerm, func(s *saga, f *forger) {
		f.copy(f.find(s.pack, "contract.expired", 1), f.find(s.pack, "contract.suspended", 1), true)
	}},
	"a term of thirteen months": {audit.LawTerm, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "contract.activated", 1), "expires_on", "2027-03-28")
	}},
	"a grant that ends on another day": {audit.LawTerm, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "grant.added", 1), "expires_on", "2026-06-30")
	}},
	"an end on another day": {audit.LawTerm, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "contract.activated", 1), "ends_at", time.Date(2027, 3, 5, 0, 0, 0, 0, time.UTC))
	}},
	"a term that begins too early": {audit.LawTerm, func(s *saga, f *forger) {
		i := f.find(s.renewal, "contract.activated", 2)
		r := f.records[i]
		f.remove(i)
		f.put(r, f.find(s.renewal, "grant.added", 2)+1)
	}},

	// Lapses.
	"an expiry that leaves something": {audit.LawLapse, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "grant.lapsed", 2))
		f.find(s.pack, "grant.lapsed", 1)
	}},
	"a cancellation that leaves something": {audit.LawLapse, func(s *saga, f *forger) {
		f.remove(f.find(s.cancelled, "grant.lapsed", 1))
		f.find(s.cancelled, "incident.closed", 1)
		f.remove(f.find(s.cancelled, "grant.lapsed", 1))
		f.find(s.cancelled, "contract.cancelled", 1)
	}},
	"a credit after the end that does not lapse": {audit.LawLapse, func(s *saga, f *forger) {
		f.remove(f.find(s.cancelled, "grant.lapsed", 3))
		f.find(s.cancelled, "incident.credited-back", 1)
	}},
	"a lapse before the end": {audit.LawLapse, func(s *saga, f *forger) {
		f.add("grant.lapsed", map[string]any{"grant": "g2", "unit": "minute", "quantity": 600, "ended_at": start}, f.find(s.pack, "contract.suspended", 1))
	}},
	"a lapse of a part": {audit.LawLapse, func(s *saga, f *forger) { f.set(f.find(s.pack, "grant.lapsed", 1), "quantity", 1) }},
	"a lapse for an end that is to come": {audit.LawLapse, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "grant.lapsed", 1), "ended_at", start.AddDate(2, 0, 0))
	}},

	// Links.
	"linked twice": {audit.LawLinks, func(s *saga, f *forger) {
		f.copy(f.find(s.blank, "account.linked", 1), f.find(s.blank, "account.linked", 2), true)
	}},
	"unlinked twice": {audit.LawLinks, func(s *saga, f *forger) {
		f.add("account.unlinked", map[string]any{"account": uuid.New()}, f.find(s.blank, "incident.submitted", 1))
	}},
	"spent without a link": {audit.LawLinks, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "account.linked", 1))
		f.find(s.pack, "incident.submitted", 1)
	}},
	"a link taken over from a stranger": {audit.LawLinks, func(s *saga, f *forger) {
		f.set(f.find(s.renewal, "account.linked", 1), "inherited", uuid.New())
	}},

	// Successors.
	"a predecessor that names nobody": {audit.LawRenewal, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "contract.renewed", 1))
		f.find(s.renewal, "contract.registered", 1)
	}},
	"a successor that names another": {audit.LawRenewal, func(s *saga, f *forger) {
		f.set(f.find(s.renewal, "contract.registered", 1), "predecessor", s.endless)
	}},
	"renewed twice": {audit.LawRenewal, func(s *saga, f *forger) {
		f.add("contract.renewed", map[string]any{"successor": uuid.New(), "starts_on": "2027-03-01"}, f.find(s.pack, "contract.expired", 1))
	}},
	"a renewal within the term": {audit.LawRenewal, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "contract.renewed", 1), "starts_on", "2027-02-28")
	}},
	"a renewal that starts another day": {audit.LawRenewal, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "contract.renewed", 1), "starts_on", "2027-04-01")
		f.find(s.renewal, "contract.activated", 1)
	}},
	"a replacement that gets more": {audit.LawReissue, func(s *saga, f *forger) {
		f.set(f.find(s.replacement, "grant.added", 1), "quantity", 10)
	}},
	"a replacement that gets nothing": {audit.LawReissue, func(s *saga, f *forger) {
		f.remove(f.find(s.replacement, "grant.added", 1))
		f.find(s.replacement, "account.linked", 1)
	}},
	"a reissue that leaves something": {audit.LawReissue, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "contract.reissued", 1), "moved", []any{})
	}},
	"a reissue without an end": {audit.LawReissue, func(s *saga, f *forger) {
		f.remove(f.find(s.blank, "contract.cancelled", 1))
		f.find(s.blank, "account.unlinked", 1)
	}},
	"a reissue that keeps a link too many": {audit.LawReissue, func(s *saga, f *forger) {
		f.remove(f.find(s.blank, "account.unlinked", 1))
		f.find(s.blank, "contract.cancelled", 1)
	}},

	// Incidents.
	"a submission that deducts nothing": {audit.LawAtomic, func(s *saga, f *forger) {
		f.remove(f.find(s.blank, "incident.deducted", 1))
		f.find(s.blank, "incident.submitted", 1)
	}},
	"a closing that should credit back": {audit.LawAtomic, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "incident.credited-back", 1))
		f.find(s.pack, "incident.closed", 1)
	}},
	"a deduction that comes too late": {audit.LawAtomic, func(s *saga, f *forger) {
		i := f.find(s.pack, "incident.deducted", 1)
		late := f.records[i]
		f.remove(i)
		f.records = slices.Insert(f.records, f.find(s.cancelled, "contract.registered", 1), late)
		f.renumber()
		f.find(s.pack, "incident.submitted", 1)
	}},
	"a closing that should not credit back": {audit.LawAtomic, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "incident.closed", 1), "decrement", true)
		f.find(s.pack, "incident.credited-back", 1)
	}},
	"a reopening that deducts nothing": {audit.LawAtomic, func(s *saga, f *forger) {
		f.remove(f.find(s.pack, "incident.deducted", 2))
		f.find(s.pack, "incident.reopened", 1)
	}},
	"included units that are not granted": {audit.LawAtomic, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "grant.added", 1), "quantity", 30)
	}},
	"another grant paid": {audit.LawPayer, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "incident.deducted", 1), "grant", "g1")
	}},
	"a credit to another grant": {audit.LawIncident, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "incident.credited-back", 1), "grant", "g1")
	}},
	"closed twice": {audit.LawIncident, func(s *saga, f *forger) {
		i := f.find(s.free, "incident.closed", 1)
		f.copy(i, i+1, true)
	}},
	"reopened while open": {audit.LawIncident, func(s *saga, f *forger) {
		f.copy(f.find(s.pack, "incident.reopened", 1), f.find(s.pack, "incident.commented", 1), true)
	}},
	"reclassified from what it was not": {audit.LawIncident, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "incident.reclassified", 1), "previous", "product-defect")
	}},
	"an incident of nowhere": {audit.LawIncident, func(s *saga, f *forger) {
		f.set(f.find(s.pack, "incident.commented", 1), "number", number(f, s.free))
	}},
	"deducted twice": {audit.LawOnce, func(s *saga, f *forger) {
		i := f.find(s.pack, "incident.deducted", 1)
		f.copy(i, i+1, false)
	}},
	"credited back twice": {audit.LawOnce, func(s *saga, f *forger) {
		i := f.find(s.pack, "incident.credited-back", 1)
		f.copy(i, i+1, false)
	}},
	"two units for one incident": {audit.LawOnce, func(s *saga, f *forger) { f.set(f.find(s.pack, "incident.deducted", 1), "quantity", 2) }},

	// Mails.
	"a mail sent twice": {audit.LawMail, func(s *saga, f *forger) {
		i := f.find(uuid.Nil, "mail.sent", 1)
		f.copy(i, i+1, true)
	}},
	"given up after it was sent": {audit.LawMail, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "mail.given-up", 1), "mail", letter(1, uuid.Nil).Mail)
	}},
	"given up twice without a wish": {audit.LawMail, func(s *saga, f *forger) {
		i := f.find(uuid.Nil, "mail.given-up", 1)
		f.copy(i, i+1, true)
	}},
	"asked for though it was sent": {audit.LawMail, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "mail.requested", 1), "mail", letter(1, uuid.Nil).Mail)
	}},
	"asked for before it was given up": {audit.LawMail, func(s *saga, f *forger) {
		f.remove(f.find(uuid.Nil, "mail.given-up", 1))
		f.find(uuid.Nil, "mail.requested", 1)
	}},
	"a sending without a Message-ID": {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "message_id", nil) }},
	"a sending by no try":            {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "try", 0) }},
	"a sending to nobody":            {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "recipient", nil) }},
	"given up without a reason":      {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.given-up", 1), "reason", nil) }},
	"a mail of a kind that is none":  {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "kind", "greeting") }},
	"a mail without an id":           {audit.LawMail, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "mail", uuid.Nil) }},
	"mails that are switched on twice": {audit.LawMail, func(s *saga, f *forger) {
		i := f.find(uuid.Nil, "mail.switched-on", 1)
		f.copy(i, i+1, true)
	}},
	"mails that are switched on elsewhere": {audit.LawStream, func(s *saga, f *forger) {
		f.records[f.find(uuid.Nil, "mail.switched-on", 1)].Stream = "mail"
	}},
	"a contract's event among its mails": {audit.LawStream, func(s *saga, f *forger) {
		f.add("contract.suspended", map[string]any{}, f.find(uuid.Nil, "mail.sent", 1)+1)
	}},
	"a mail in a contract's stream": {audit.LawStream, func(s *saga, f *forger) {
		f.add("mail.sent", letter(9, f.records[0].ID), f.find(s.pack, "incident.closed", 1))
	}},
	"a mail among failed tries": {audit.LawStream, func(s *saga, f *forger) {
		f.add("mail.sent", letter(9, f.records[0].ID), f.find(uuid.Nil, "link.refused", 1))
	}},
	"a mail that nothing has caused": {audit.LawMailCause, func(s *saga, f *forger) { f.set(f.find(uuid.Nil, "mail.sent", 1), "cause", nil) }},
	"a sending for what never happened": {audit.LawMailCause, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "mail.sent", 1), "cause", uuid.New())
	}},
	"given up for what never happened": {audit.LawMailCause, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "mail.given-up", 1), "cause", uuid.New())
	}},
	"asked for what never happened": {audit.LawMailCause, func(s *saga, f *forger) {
		f.set(f.find(uuid.Nil, "mail.requested", 1), "cause", uuid.New())
	}},
	"a mail before its cause": {audit.LawMailCause, func(s *saga, f *forger) {
		i := f.find(uuid.Nil, "mail.sent", 1)
		f.set(i, "cause", f.records[i+1].ID)
	}},
	"mails of nothing": {audit.LawMailCause, func(s *saga, f *forger) {
		for i := range f.records {
			if f.records[i].Stream == ledger.MailsOf(s.pack) {
				f.records[i].Stream = ledger.MailsOf(uuid.UUID{1})
			}
		}
		f.find(uuid.Nil, "mail.sent", 1)
	}},
	"a wish for a mail that is recorded twice": {audit.LawCommand, func(s *saga, f *forger) {
		asked := f.find(uuid.Nil, "mail.requested", 1)
		given := f.find(uuid.Nil, "mail.given-up", 3)
		meta := f.records[asked].Meta
		f.records[given].Stream = ledger.MailsOf(s.pack)
		f.renumber()
		f.records[given].Meta = meta
		f.at = given
	}},

	// Balances and numbers.
	"a balance afterwards that is not": {audit.LawBalance, func(s *saga, f *forger) { f.set(f.find(s.pack, "incident.deducted", 1), "remaining", 1) }},
	"a limit where there is none":      {audit.LawBalance, func(s *saga, f *forger) { f.set(f.find(s.endless, "incident.deducted", 1), "remaining", 1) }},
	"more deducted than there is": {audit.LawBalance, func(s *saga, f *forger) {
		f.set(f.find(s.blank, "grant.added", 2), "quantity", 0)
	}},
	"a grant of another number": {audit.LawBalance, func(s *saga, f *forger) { f.set(f.find(s.blank, "grant.added", 2), "grant", "g7") }},
	"an adjustment below zero": {audit.LawBalance, func(s *saga, f *forger) {
		i := f.find(s.blank, "grant.adjusted", 1)
		f.set(i, "quantity", -6)
		f.set(i, "available", -1)
	}},
	"an adjustment of no limit": {audit.LawBalance, func(s *saga, f *forger) {
		f.add("grant.adjusted", map[string]any{"grant": "g1", "unit": "incident", "quantity": 1, "available": 1}, f.find(s.endless, "incident.submitted", 1))
	}},
	"a number with another check digit": {audit.LawNumber, func(s *saga, f *forger) {
		i := f.find(s.pack, "incident.submitted", 1)
		n := []byte(number(f, s.pack))
		n[14] = '0' + (n[14]-'0'+1)%10
		f.set(i, "number", string(n))
	}},
	"a number given twice": {audit.LawNumber, func(s *saga, f *forger) {
		f.set(f.find(s.endless, "incident.submitted", 1), "number", number(f, s.pack))
		f.set(f.find(s.endless, "incident.submitted", 1), "number", number(f, s.pack))
	}},
}

// number is that of a stream's first incident.
func number(f *forger, stream uuid.UUID) string {
	e, err := contract.Decode("incident.submitted.v1", f.records[f.find(stream, "incident.submitted", 1)].Data)
	must(f.t, err)
	return e.(*contract.IncidentSubmitted).Number.String()
}

func grant(id string, quantity int) map[string]any {
	return map[string]any{"grant": id, "unit": "incident", "quantity": quantity, "source": "added"}
}

func TestVerifyNamesEveryBrokenLaw(t *testing.T) {
	s := tell(t)
	proven := make(map[string]bool)
	for name, forgery := range forgeries {
		t.Run(name, func(t *testing.T) {
			f := &forger{t: t, tape: &tape{records: append([]eventstore.Record(nil), s.records()...)}}
			forgery.forge(s, f)
			want := f.records[f.at]
			got := play(t, f.tape, nil).Finding
			if got == nil {
				t.Fatalf("nothing was found, want %q", forgery.law)
			}
			if got.Law != forgery.law || got.Stream != want.Stream || got.Revision != want.Revision || got.Type != want.Type {
				t.Errorf("found %v\nwant %q at %s@%d %s", got, forgery.law, want.Stream, want.Revision, want.Type)
			}
		})
		proven[forgery.law] = true
	}
	for _, law := range []string{
		audit.LawPositions, audit.LawTime, audit.LawRevisions, audit.LawEventID, audit.LawMetadata, audit.LawDecodes,
		audit.LawStream, audit.LawCommand, audit.LawPair, audit.LawOneContract, audit.LawState, audit.LawTerm, audit.LawLapse,
		audit.LawLinks, audit.LawRenewal, audit.LawReissue, audit.LawAtomic, audit.LawPayer, audit.LawIncident, audit.LawOnce,
		audit.LawBalance, audit.LawNumber, audit.LawMail, audit.LawMailCause,
	} {
		if !proven[law] {
			t.Errorf("no forgery breaks %q", law)
		}
	}
}
