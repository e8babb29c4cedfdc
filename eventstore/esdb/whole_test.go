package esdb_test

import (
	"errors"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
)

// A cluster that holds a part of a log is refused, by a Store that was open before,
// too, until the rest is there. Whoever brings the rest may open it.
func TestAPartOfALogIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	finishing := func(o *esdb.Options) { o.Finishing = true }
	before, copier := open(t, c.address), open(t, c.address, finishing)
	defer before.Close()
	defer copier.Close()
	a := facts("a", eventstore.NoStream, 2)
	a.Copied, a.Unfinished = true, true
	_, err := begin(t, copier, a)()
	must(t, err)
	for _, open := range []func() error{
		func() error {
			_, err := esdb.Open(soon(t), esdb.Options{Connection: "esdb://" + c.address + "?tls=false"})
			return err
		},
		func() error { _, err := before.Head(soon(t)); return err },
		func() error { _, err := before.Append(soon(t), facts("b", eventstore.NoStream, 1)); return err },
	} {
		if err := open(); !errors.Is(err, esdb.ErrUnfinished) || !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("a part of a log: %v", err)
		}
	}
	must(t, open(t, c.address, finishing).Close())
	a = facts("a", 1, 1)
	a.Copied = true
	_, err = begin(t, copier, a)()
	must(t, err)
	if _, err := before.Head(soon(t)); err != nil {
		t.Errorf("when all of it is there: %v", err)
	}
	_, err = before.Append(soon(t), facts("b", eventstore.NoStream, 1))
	must(t, err)
	must(t, open(t, c.address).Close())
}
