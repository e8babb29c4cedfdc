package esdb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// Whoever waits for what other nodes record is told, while this one appends a lot,
// and afterwards, when it appends nothing.
func TestWaitersHearOfOtherNodesWhateverThisOneDoes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	here, there := open(t, c.address), open(t, c.address)
	defer func() { must(t, here.Close()); must(t, there.Close()) }()
	ctx, stop := context.WithCancel(context.Background())
	busy := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := here.Append(soon(t), facts("own", eventstore.Revision(100*i)-1, 100)); err != nil {
				busy <- err
				return
			}
		}
		busy <- nil
	}()
	hear := func(name string) {
		t.Helper()
		done, err := there.Append(soon(t), facts(name, eventstore.NoStream, 1))
		must(t, err)
		must(t, here.Wait(soon(t), done.Position-1))
	}
	began := time.Now()
	for i := 0; time.Since(began) < 2*time.Second; i++ {
		hear(fmt.Sprint("meanwhile-", i))
	}
	stop()
	must(t, <-busy)
	for i := range 20 {
		head, err := here.Head(soon(t))
		must(t, err)
		waited := make(chan error, 1)
		go func() { waited <- here.Wait(soon(t), head) }()
		hear(fmt.Sprint("afterwards-", i))
		must(t, <-waited)
	}
}
