package audit_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A saga is a log in which everything happens that may happen.
type saga struct {
	*rig
	pack, renewal, blank, replacement, endless, cancelled, free uuid.UUID
}

func tell(t testing.TB) *saga {
	s := &saga{rig: newRig(t)}
	s.packAndItsRenewal()
	s.blankAndItsReplacement()
	s.endlessOne()
	s.cancelledOne()
	s.others()
	s.now(start.AddDate(1, 0, 2), s.pack, s.renewal, s.replacement, s.endless)
	s.submit(ani, s.renewal)
	s.mails()
	return s
}

func (s *saga) packAndItsRenewal() {
	c := s.register("pack")
	s.pack = c.ID
	s.link(ani, c)
	one := s.submit(ani, c.ID)
	s.closeIncident(one, "product-defect")
	_, err := s.Reopen(s.t.Context(), s.by(ani, "reopen"), one, "again")
	must(s.t, err)
	_, err = s.Comment(s.t.Context(), s.by(engineer, "comment"), one, "Looking at it.")
	must(s.t, err)
	_, err = s.ChangeSeverity(s.t.Context(), s.by(ani, "severity"), one, "B", "a way around")
	must(s.t, err)
	s.closeIncident(one, "resolved")
	_, err = s.Reclassify(s.t.Context(), s.by(engineer, "reclassify"), one, "duplicate", "it was one")
	must(s.t, err)
	s.change(c.ID, &contract.Suspend{Reason: "unpaid"})
	s.change(c.ID, &contract.Resume{Reason: "paid"})
	s.submit(ani, c.ID)
	renewed, err := s.Renew(s.t.Context(), s.by(operator, "renew"), c.ID, "one more year")
	must(s.t, err)
	s.renewal = renewed.ID
}

func (s *saga) blankAndItsReplacement() {
	c := s.register("blank")
	s.blank = c.ID
	s.change(c.ID, &contract.Activate{Reason: "asked"})
	s.change(c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 5, Reason: "bought"})
	s.change(c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 2, ExpiresOn: catalog.Date{Year: 2026, Month: 6, Day: 30}, Reason: "gift"})
	s.change(c.ID, &contract.Adjust{Grant: 1, Quantity: -1, Reason: "too many"})
	s.link(ani, c)
	s.link(budi, c)
	late := s.submit(budi, c.ID)
	s.now(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), c.ID)
	s.closeIncident(late, "product-defect") // its grant has lapsed
	s.submit(ani, c.ID)
	replaced, err := s.Reissue(s.t.Context(), s.by(operator, "reissue"), c.ID, []uuid.UUID{ani.Account}, "leaked")
	must(s.t, err)
	s.replacement = replaced.ID
	s.submit(ani, s.replacement)
}

func (s *saga) endlessOne() {
	c := s.register("endless")
	s.endless = c.ID
	s.change(c.ID, &contract.Activate{Reason: "asked"})
	s.link(budi, c)
	s.closeIncident(s.submit(budi, c.ID), "product-defect")
	s.submit(budi, c.ID)
}

func (s *saga) cancelledOne() {
	c := s.register("pack")
	s.cancelled = c.ID
	s.link(ani, c)
	ref := s.submit(ani, c.ID)
	s.change(c.ID, &contract.Cancel{Reason: "a mistake"})
	s.closeIncident(ref, "duplicate") // the credit lapses at once
}

func (s *saga) others() {
	ref := s.submit(ani, uuid.Nil)
	s.free = ref.Stream
	s.closeIncident(ref, "resolved")
	pair := ledger.Pair{AccessID: "0123456789", ContractID: "9876543210"}
	_, err := s.Link(s.t.Context(), s.by(budi, "link"), pair, "desk", "")
	refused(s.t, err, contract.PairNotValid)
	_, err = s.Erase(s.t.Context(), s.by(operator, "erase"), budi.Account, "asked")
	must(s.t, err)
}

// mails of the pack, and of the incident that no contract pays for: one that
// went, one that was given up, asked for and went, one that was given up for
// good, one that another node had given up, and one that time has caused.
func (s *saga) mails() {
	_, err := s.SwitchMailsOn(s.t.Context())
	must(s.t, err)
	cause := s.records()[0].ID
	s.sent(s.pack, letter(1, cause))
	s.givenUp(s.pack, letter(2, cause))
	_, err = s.ResendMail(s.t.Context(), s.by(operator, "resend"), s.pack, letter(2, cause).Mail, "asked")
	must(s.t, err)
	s.sent(s.pack, letter(2, cause))
	s.givenUp(s.pack, letter(3, cause))
	s.sent(s.pack, letter(3, cause))
	s.givenUp(s.free, letter(4, cause))
	last := letter(5, uuid.Nil)
	last.Kind = mail.Expiring
	s.sent(s.pack, last)
}

func TestVerifyFindsNothingWrongWithASaga(t *testing.T) {
	s := tell(t)
	var told []audit.Progress
	v := &audit.Verifier{Store: s.store, Pair: s.pairs, Progress: func(p audit.Progress) { told = append(told, p) }}
	result, err := v.Verify(t.Context())
	must(t, err)
	if result.Finding != nil {
		t.Fatal(result.Finding)
	}
	if result.Contracts != 6 || result.Incidents != 10 || result.Records != int64(len(s.records())) || result.Pending != 0 || len(result.Digest) != 64 {
		t.Errorf("counted %+v", result)
	}
	if len(told) == 0 || told[len(told)-1].Done != told[len(told)-1].Total {
		t.Errorf("progress was told as %+v", told)
	}
	again, err := v.Verify(t.Context())
	must(t, err)
	if again != result {
		t.Errorf("once %+v, then %+v", result, again)
	}
}

// With hardly any memory the log is read many times, to the same result.
func TestVerifyInLittleMemory(t *testing.T) {
	s := tell(t)
	whole := play(t, &tape{records: s.records()}, nil)
	for _, memory := range []int64{1, 10_000, 20_000} {
		readings := 0
		small := play(t, &tape{records: s.records()}, func(v *audit.Verifier) {
			v.Memory = memory
			v.Progress = func(p audit.Progress) { readings++ }
		})
		if small != whole || memory == 1 && readings < 4 {
			t.Errorf("with %d bytes, in %d readings: %+v, want %+v", memory, readings, small, whole)
		}
	}
	f := &forger{t: t, tape: &tape{records: s.records()}}
	f.set(f.find(s.renewal, "incident.deducted", 1), "remaining", 7)
	small := play(t, f.tape, func(v *audit.Verifier) { v.Memory = 1 })
	if small.Finding == nil || small.Finding.Law != audit.LawBalance || small.Finding.Position != f.records[f.at].Position {
		t.Errorf("in many readings found %v", small.Finding)
	}
}

// sparse says that its records stand much further apart than they do.
type sparse struct {
	*tape
	readings *int
}

func (s sparse) Spacing() float64 { return 1_000_000 }

func (s sparse) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	*s.readings++
	return s.tape.ReadAll(ctx, after)
}

// A log that has more records than its positions let expect is not read more often.
func TestVerifyReadsOnceWhateverWasExpected(t *testing.T) {
	s, readings := tell(t), 0
	log := sparse{&tape{records: s.records()}, &readings}
	v := audit.Verifier{Store: log}
	result, err := v.Verify(t.Context())
	must(t, err)
	if result.Finding != nil || result.Records != int64(len(s.records())) || readings != 1 {
		t.Errorf("in %d readings: %+v", readings, result)
	}
}

func TestVerifyNamesTheFirstOfTwo(t *testing.T) {
	s := tell(t)
	for _, memory := range []int64{0, 1, 5000, 10_000, 20_000} {
		f := &forger{t: t, tape: &tape{records: s.records()}}
		f.set(f.find(s.renewal, "incident.deducted", 1), "remaining", 7)
		f.set(f.find(s.pack, "incident.deducted", 1), "remaining", 7)
		got := play(t, f.tape, func(v *audit.Verifier) { v.Memory = memory }).Finding
		if got == nil || got.Position != f.records[f.at].Position {
			t.Errorf("with %d bytes found %v, want position %v", memory, got, f.records[f.at].Position)
		}
	}
}

func TestR2_VerifyChecksThePairs(t *testing.T) {
	s := tell(t)
	f := &forger{t: t, tape: &tape{records: s.records()}}
	f.set(f.find(s.blank, "contract.registered", 1), "access_id", "0000000000")
	got := play(t, f.tape, func(v *audit.Verifier) { v.Pair = s.pairs }).Finding
	if got == nil || got.Law != audit.LawPair || got.Position != f.records[f.at].Position {
		t.Errorf("found %v", got)
	}
}

// A crash between the two appends of a renewal is no damage: the ledger completes
// it.
func TestR6_ASuccessorThatACrashLeftOutIsPending(t *testing.T) {
	s := &saga{rig: newRig(t)}
	s.packAndItsRenewal()
	f := &forger{t: t, tape: &tape{records: s.records()}}
	for i := f.find(s.renewal, "contract.registered", 1); i < len(f.records); {
		f.remove(i)
	}
	if got := play(t, f.tape, nil); got.Finding != nil || got.Pending != 1 {
		t.Errorf("found %v, %d pending", got.Finding, got.Pending)
	}
}

func TestVerifyReportsReadModels(t *testing.T) {
	s := &tape{records: tell(t).records()}
	for _, want := range []*audit.Finding{nil, {Law: audit.LawProjection, Found: "a row too many"}} {
		got := play(t, s, func(v *audit.Verifier) {
			v.Projections = func(context.Context, func(done, total int64)) (*audit.Finding, error) { return want, nil }
		})
		if got.Finding != want {
			t.Errorf("found %v, want %v", got.Finding, want)
		}
	}
	v := &audit.Verifier{Store: s, Projections: func(context.Context, func(done, total int64)) (*audit.Finding, error) {
		return nil, errors.New("no such table")
	}}
	if _, err := v.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("what could not be found out was answered with %v", err)
	}
}

func TestVerifyReportsTheIndex(t *testing.T) {
	s := &tape{records: tell(t).records()}
	for err, law := range map[error]string{
		nil: "", &eventstore.CorruptError{Position: 7, Where: "index", Reason: "an entry too many"}: audit.LawIndex,
	} {
		got := play(t, s, func(v *audit.Verifier) {
			v.Index = func(context.Context, func(done, total int64)) error { return err }
		}).Finding
		if (got == nil) != (law == "") || got != nil && (got.Law != law || got.Position != 7) {
			t.Errorf("found %v, want %q", got, law)
		}
	}
}

func TestR42_VerifyNamesDamage(t *testing.T) {
	s := &tape{records: tell(t).records(), damage: &eventstore.CorruptError{Position: 41, Where: "log", Reason: "checksum"}}
	got := play(t, s, nil).Finding
	if got == nil || got.Law != audit.LawChecksum || got.Position != 41 {
		t.Errorf("found %v", got)
	}
}
