package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/eventstore"
)

// The two events of a submission, and how their recorded form begins.
const (
	submittedName = "incident.submitted.v1"
	deductedName  = "incident.deducted.v1"
	numberFirst   = `{"number":"`
)

// Found opens the log anew and counts in it the incidents that were recorded
// whole after a position: submitted, and deducted in the same stream next to
// it. Where one of those acknowledged is not among them, or two share a number,
// it is the count of those that are.
func (s *Site) Found(ctx context.Context, after eventstore.Position, acknowledged []uint64) (found int64, err error) {
	store, err := s.OpenStore()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	recorded := map[uint64]bool{}
	var total int64
	var before eventstore.Record
	for r, err := range store.ReadAll(ctx, after) {
		if err != nil {
			return 0, fmt.Errorf("count incidents: %w", err)
		}
		if r.Type == deductedName && before.Type == submittedName && before.Stream == r.Stream {
			n, err := numberOf(before)
			other, err2 := numberOf(r)
			if err := errors.Join(err, err2); err != nil {
				return 0, fmt.Errorf("count incidents: %w", err)
			}
			if n == other {
				recorded[n] = true
				total++
			}
		}
		before = r
	}
	if kept := intersect(acknowledged, recorded); kept < int64(len(acknowledged)) {
		return kept, nil
	}
	return total, nil
}

// intersect counts the different numbers that were recorded.
func intersect(numbers []uint64, recorded map[uint64]bool) (kept int64) {
	for _, n := range slices.Compact(slices.Sorted(slices.Values(numbers))) {
		if recorded[n] {
			kept++
		}
	}
	return kept
}

// numberOf reads the number with which an incident's events begin.
func numberOf(r eventstore.Record) (uint64, error) {
	rest, ok := bytes.CutPrefix(r.Data, []byte(numberFirst))
	if !ok {
		return 0, fmt.Errorf("%s at %d does not begin with its number", r.Type, r.Position)
	}
	return load.Number(rest)
}

// contractAt is where a body that was rendered for no contract names it.
func contractAt(body []byte) int { return bytes.Index(body, []byte(uuid.Nil.String())) }
