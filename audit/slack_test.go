package audit_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// overlapping is a log in which several nodes have written: some records stand
// after others that are later by up to the slack.
type overlapping struct {
	eventstore.Store
	ahead map[eventstore.Position]time.Duration
}

func (s overlapping) Slack() time.Duration { return time.Minute }

func (s overlapping) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.shifted(s.Store.ReadAll(ctx, after))
}

func (s overlapping) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.shifted(s.Store.ReadAllBackwards(ctx, before))
}

func (s overlapping) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return s.shifted(s.Store.ReadStream(ctx, stream, from, dir))
}

func (s overlapping) shifted(records iter.Seq2[eventstore.Record, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range records {
			r.RecordedAt = r.RecordedAt.Add(s.ahead[r.Position])
			if !yield(r, err) {
				return
			}
		}
	}
}

// overlap makes the last record of one contract later than those that follow it.
func overlap(t *testing.T, r *rig, by time.Duration) overlapping {
	t.Helper()
	first, second := r.register("pack"), r.register("blank")
	r.change(second.ID, &contract.Activate{})
	r.change(second.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 100, Reason: "pack"})
	r.link(ani, first)
	r.link(budi, second)
	for n := range 30 {
		r.now(start.Add(time.Duration(n) * 10 * time.Second))
		r.submit(budi, second.ID)
		if n == 12 {
			r.submit(ani, first.ID)
		}
	}
	records := r.records()
	i := slices.IndexFunc(records, func(x eventstore.Record) bool {
		return x.Stream == first.ID.String() && x.Type == "incident.deducted.v1"
	})
	return overlapping{r.store, map[eventstore.Position]time.Duration{records[i].Position: by}}
}

// Where several nodes write, times may overlap by the store's slack and no more;
// in a stream not at all.
func TestTimesOverlapByTheStoresSlackAtMost(t *testing.T) {
	verify := func(s eventstore.Store) string {
		result, err := (&audit.Verifier{Store: s}).Verify(t.Context())
		must(t, err)
		if result.Finding == nil {
			return ""
		}
		return result.Finding.Law
	}
	s := overlap(t, newRig(t), 55*time.Second)
	if law := verify(s); law != "" {
		t.Errorf("within the slack: %s", law)
	}
	if law := verify(struct{ eventstore.Store }{s}); law != audit.LawTime {
		t.Errorf("in a store without slack: %q", law)
	}
	if law := verify(overlap(t, newRig(t), 2*time.Minute)); law != audit.LawTime {
		t.Errorf("beyond the slack: %q", law)
	}
	for at := range s.ahead { // the record before it in its stream is now the later one
		s.ahead[at-1], s.ahead[at] = s.ahead[at], 0
	}
	if law := verify(s); law != audit.LawTime {
		t.Errorf("in one stream: %q", law)
	}
}

// A time stands for the last position recorded by then, though records before it
// may be later.
func TestATimeStandsForTheLastPositionThoughTimesOverlap(t *testing.T) {
	r := newRig(t)
	s := overlap(t, r, 55*time.Second)
	auditor, err := audit.New(s, r.clock)
	must(t, err)
	for _, record := range r.records()[10:] { // wherever the search looks
		if record.Position%3 == 0 {
			s.ahead[record.Position] = 55 * time.Second
		}
	}
	id, err := uuid.Parse(r.records()[0].Stream)
	must(t, err)
	var records []eventstore.Record
	for record, err := range s.ReadAll(t.Context(), eventstore.Start) {
		must(t, err)
		records = append(records, record)
	}
	for second := range 290 {
		at := start.Add(time.Duration(second) * time.Second)
		want := eventstore.Start
		for _, record := range records {
			if !record.RecordedAt.After(at) {
				want = record.Position
			}
		}
		got, err := auditor.BalanceAt(t.Context(), id, audit.Moment{Time: at})
		must(t, err)
		if got.AsOf.Position != want {
			t.Fatalf("at %s: position %v, want %v", at, got.AsOf.Position, want)
		}
	}
}
