package esdb_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// A damager shows a stream's records as it likes, or ends there.
type damager struct {
	eventstore.Store
	show *atomic.Pointer[func(r *eventstore.Record) (shown bool)]
}

func (d damager) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range d.Store.ReadStream(ctx, stream, from, dir) {
			if show := d.show.Load(); err == nil && show != nil && !(*show)(&r) || !yield(r, err) {
				return
			}
		}
	}
}

// R42: a stream that ends in the middle of an append is damaged, and whoever reads it is
// told so instead of being shown what was never all of it; unless the rest comes.
func TestR42_APartOfAnAppendIsDamage(t *testing.T) {
	t.Parallel()
	d := damager{show: new(atomic.Pointer[func(*eventstore.Record) bool])}
	c := newCluster(t, func(c *esdbwire.Config) { d.Store = c.Store; c.Store = d })
	c.start()
	s := open(t, c.address)
	defer s.Close()
	_, err := s.Append(soon(t), facts("s", eventstore.NoStream, 1))
	must(t, err)
	_, err = s.Append(soon(t), facts("s", 0, 3))
	must(t, err)
	read := func(dir eventstore.Direction, from eventstore.Revision) (n int, err error) {
		for _, err := range s.ReadStream(soon(t), "s", from, dir) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	as := func(show func(r *eventstore.Record) bool) { d.show.Store(&show) }
	for _, damage := range []struct {
		said string
		left int
		show func(r *eventstore.Record) bool
	}{
		{"before revision 3, where 1 more", 3, func(r *eventstore.Record) bool { return r.Revision < 3 }},
		{"before revision 2, where 2 more", 2, func(r *eventstore.Record) bool { return r.Revision < 2 }},
		{"revision 2 stands where 2 more", 2, func(r *eventstore.Record) bool {
			if r.Revision == 2 {
				r.Meta = bytes.Replace(r.Meta, []byte(`,"behind":1`), nil, 1)
			}
			return true
		}},
	} {
		as(damage.show)
		n, err := read(eventstore.Forwards, 0)
		if corrupt := new(eventstore.CorruptError); !errors.As(err, &corrupt) || n != damage.left || corrupt.Position == eventstore.Start ||
			!strings.Contains(err.Error(), "stream s ") || !strings.Contains(err.Error(), damage.said) {
			t.Errorf("after %d records: %v, want %d and that something is %q", n, err, damage.left, damage.said)
		}
	}
	var reads atomic.Int64
	as(func(r *eventstore.Record) bool { return r.Revision < 2 || reads.Add(1) > 3 })
	for _, from := range []eventstore.Revision{0, 2} {
		if n, err := read(eventstore.Forwards, from); err != nil || n != 4-int(from) {
			t.Errorf("when the rest has come, from revision %d on: %d records, %v", from, n, err)
		}
	}
	if n, err := read(eventstore.Backwards, 2); err != nil || n != 3 {
		t.Errorf("backwards from within an append: %d records, %v", n, err)
	}
}
