package attachments

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// A store that does not keep to conditions would lose files without a word.
func TestAStoreWithoutConditionsIsRefused(t *testing.T) {
	for name, lax := range map[string]*lax{
		"if there is none":    {ignores: func(c objects.Condition) bool { return c.Absent }},
		"if it is as it was":  {ignores: func(c objects.Condition) bool { return c.Tag != "" }},
		"under any condition": {ignores: func(objects.Condition) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			lax.Store = newStore(t)
			b, err := OpenBucket(Config{Dir: filepath.Join(t.TempDir(), "attachments"), Now: time.Now}, lax)
			must(t, err)
			wantErr(t, b.Try(t.Context()), ErrNoConditions)
			mustBeEmpty(t, lax.Store)
		})
	}
}

// lax is a store that ignores some conditions.
type lax struct {
	objects.Store
	ignores func(objects.Condition) bool
}

func (l *lax) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	if l.ignores(when) {
		when = objects.Condition{}
	}
	return l.Store.Write(ctx, name, body, size, when)
}

func mustBeEmpty(t *testing.T, s objects.Store) {
	t.Helper()
	for name, err := range s.List(t.Context(), "") {
		must(t, err)
		t.Errorf("the trial has left %s", name)
	}
}

// losing is a store that does the nth write, of which the answer is lost.
type losing struct {
	objects.Store
	lose int
	as   error // what is heard instead
	also func()
}

func (l *losing) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	err := l.Store.Write(ctx, name, body, size, when)
	if l.lose--; l.lose == 0 {
		l.also()
		return l.as
	}
	return err
}

// A trial leaves nothing, whichever answer is lost, and whoever does not wait for it;
// and a write that was sent again, since its answer was lost, says nothing against a
// store.
func TestATrialLeavesNothing(t *testing.T) {
	for lose := range 4 {
		for _, as := range []error{ErrUnavailable, objects.ErrChanged} {
			ctx, cancel := context.WithCancel(t.Context())
			store := &losing{newStore(t), lose, as, cancel}
			if as == objects.ErrChanged {
				store.also = func() {}
			}
			b, err := OpenBucket(Config{Dir: filepath.Join(t.TempDir(), "attachments"), Now: time.Now}, store)
			must(t, err)
			err = b.Try(ctx)
			cancel()
			if want := as == ErrUnavailable && lose > 0; want != (err != nil) || want && !errors.Is(err, ErrUnavailable) {
				t.Errorf("the trial whose answer %d is lost as %v says %v", lose, as, err)
			}
			mustBeEmpty(t, store.Store)
		}
	}
}

// What a process that was killed has left of its trial goes with a sweep; one that
// goes on stays, and so does what is not ours.
func TestTrialsThatWereKilledAreSwept(t *testing.T) {
	r, s := newBucket(t)
	name := func(age time.Duration) string {
		return trialPrefix + strconv.FormatInt(r.now.Add(-age).Unix(), 10) + "-" + uuid.NewString()
	}
	stay := []string{name(claimFor / 2), "trial-of-somebody-else"}
	for _, name := range append([]string{name(2 * claimFor)}, stay...) {
		must(t, s.store.Write(t.Context(), name, strings.NewReader("try"), 3, objects.Condition{}))
	}
	r.sweep(&incidents{})
	left := s.left(t)
	for _, name := range stay {
		if _, there := left[name]; !there {
			t.Errorf("%s was swept", name)
		}
	}
	if len(left) != len(stay) {
		t.Errorf("left are %d objects, want %d", len(left), len(stay))
	}
}
