package esdb

import (
	"fmt"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

// Where a node has named the leader there is no rest before the next lane, unless they
// name each other and none takes an append; after any other end there is one.
func TestALaneThatWasReferredIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	var l lanes
	rests := func(broken error, good bool) bool {
		l.now = &lane{broken: fmt.Errorf("%w: %w", eventstore.ErrUnavailable, broken), good: good}
		if l.usable() != nil {
			t.Fatal("a lane that has ended is in use")
		}
		return !l.after.IsZero()
	}
	for i := range mostReferrals {
		if rests(errReferred, false) {
			t.Fatalf("a rest after %d referrals", i+1)
		}
	}
	if !rests(errReferred, false) || l.rest != laneRest {
		t.Errorf("nodes that name each other are asked again after %v", l.rest)
	}
	if rests(errReferred, true) {
		t.Error("a rest after a leader that was deposed")
	}
	for _, want := range []any{laneRest, 2 * laneRest} {
		if !rests(errNoLeader, false) || l.rest != want {
			t.Errorf("a cluster without a leader is asked again after %v, want %v", l.rest, want)
		}
	}
}
