package audit_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
)

// rounds is a log of some thousand records: contracts that are spent in turn.
func rounds(t testing.TB, contracts, turns int) (tape, []uuid.UUID) {
	t.Helper()
	r := newRig(t)
	ids := r.packs(contracts, turns)
	for range turns {
		for _, id := range ids {
			r.submit(ani, id)
		}
	}
	return tape{records: r.records()}, ids
}

// onAny does something with one processor and with several.
func onAny(t *testing.T, do func(t *testing.T)) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, n := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(n)
		for range 3 {
			do(t)
		}
	}
}

// The stages do not wait for each other; what they find is the same all the same.
func TestVerifyFindsTheSameHoweverFarItHasRead(t *testing.T) {
	whole, ids := rounds(t, 8, 150)
	first, second := ids[2], ids[5]
	for name, forgery := range map[string]struct {
		law   string
		forge func(*forger)
	}{
		"two balances": {audit.LawBalance, func(f *forger) {
			for _, turn := range []int{140, 130, 120, 70} {
				f.set(f.find(ids[turn%8], "incident.deducted", turn), "remaining", 7)
			}
		}},
		// The deduction is missing; before the next record of its stream shows it,
		// another stream has gone wrong.
		"unsettled as of the other": {audit.LawAtomic, func(f *forger) {
			f.set(f.find(second, "incident.deducted", 100), "remaining", 7)
			f.remove(f.find(first, "incident.deducted", 100))
			f.find(first, "incident.submitted", 100)
		}},
		"unsettled just before the other": {audit.LawAtomic, func(f *forger) {
			f.remove(f.find(first, "incident.deducted", 100))
			f.set(f.find(ids[3], "incident.submitted", 100), "account", uuid.New())
			f.find(first, "incident.submitted", 100)
		}},
		"a later one in the same stream": {audit.LawNumber, func(f *forger) {
			f.remove(f.find(first, "incident.deducted", 140))
			again := f.records[f.find(first, "incident.submitted", 20)].Data
			i := f.find(second, "incident.submitted", 90)
			f.records[i].Data = again
		}},
		"a time that runs backwards": {audit.LawTime, func(f *forger) {
			f.set(f.find(first, "incident.deducted", 140), "remaining", 7)
			i := f.find(second, "incident.submitted", 60)
			f.records[i].RecordedAt = f.records[i].RecordedAt.AddDate(-1, 0, 0)
		}},
		"an end that cannot be read": {audit.LawDecodes, func(f *forger) {
			f.at = len(f.records) - 1
			f.records[f.at].Data = []byte("{")
		}},
		"a record that cannot be read": {audit.LawDecodes, func(f *forger) {
			f.set(f.find(first, "incident.deducted", 140), "remaining", 7)
			f.records[f.find(second, "incident.submitted", 60)].Data = []byte("{")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &forger{t: t, tape: &tape{records: slices.Clone(whole.records)}}
			forgery.forge(f)
			want := play(t, f.tape, nil)
			if got := want.Finding; got == nil || got.Law != forgery.law || got.Position != f.records[f.at].Position {
				t.Fatalf("found %v, want %q at %d", got, forgery.law, f.records[f.at].Position)
			}
			onAny(t, func(t *testing.T) {
				for _, memory := range []int64{0, 30_000} {
					got := play(t, f.tape, func(v *audit.Verifier) { v.Memory = memory })
					if *got.Finding != *want.Finding || memory == 0 && got.Records != want.Records {
						t.Fatalf("found %v after %d records, then %v after %d", want.Finding, want.Records, got.Finding, got.Records)
					}
				}
			})
		})
	}
}

func TestVerifyComesToTheSameOnAnyNumberOfProcessors(t *testing.T) {
	whole, _ := rounds(t, 8, 100)
	want := play(t, &whole, nil)
	if want.Finding != nil || want.Records != int64(len(whole.records)) {
		t.Fatalf("found %+v", want)
	}
	onAny(t, func(t *testing.T) {
		var told []audit.Progress
		got := play(t, &whole, func(v *audit.Verifier) {
			v.Memory = 50_000
			v.Progress = func(p audit.Progress) { told = append(told, p) }
		})
		if got != want {
			t.Fatalf("found %+v, want %+v", got, want)
		}
		for i, p := range told {
			if p.Done > p.Total || i > 0 && p.Done < told[i-1].Done {
				t.Fatalf("progress was told as %+v", told)
			}
		}
	})
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	whole, _ := rounds(t, 2, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	whole.damage = ctx.Err() // as a store says it
	before := runtime.NumGoroutine()
	if _, err := (&audit.Verifier{Store: &whole}).Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	// Those that have said that they are done may still be on their way out.
	for late := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("%d goroutines before, %d afterwards", before, runtime.NumGoroutine())
		}
	}
}
