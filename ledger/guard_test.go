package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

func TestR8_FiveFailuresOfAnAccountCloseTheDoorForFifteenMinutes(t *testing.T) {
	r := newRig(t)
	right := r.pair(r.active(5))
	guess := func(n int) error {
		_, err := r.Link(t.Context(), r.by(budi, "link"), ledger.Pair{AccessID: fmt.Sprintf("%010d", n), ContractID: "0000000000"}, "desk", "")
		return err
	}
	for n := range 5 {
		refused(t, guess(n), "pair-not-valid")
	}
	refused(t, guess(6), "too-many-tries")
	_, err := r.Link(t.Context(), r.by(budi, "link"), right, "desk", "")
	refused(t, err, "too-many-tries")
	if wait, ok := ledger.RetryAfter(err); !ok || wait != 15*time.Minute {
		t.Errorf("the wait is %v, want 15m", wait)
	}
	_, err = r.another().Link(t.Context(), r.by(budi, "link"), right, "desk", "")
	refused(t, err, "too-many-tries") // counted on all nodes together
	if _, err = r.Link(t.Context(), r.by(ani, "link"), right, "desk", ""); err != nil {
		t.Errorf("another account was refused too: %v", err)
	}
	r.restart()
	_, err = r.Link(t.Context(), r.by(budi, "link"), right, "desk", "")
	refused(t, err, "too-many-tries") // and over a restart
	must(t, r.clock.Set(start.Add(15*time.Minute)))
	_, err = r.Link(t.Context(), r.by(budi, "link"), right, "desk", "")
	must(t, err)
}

func TestR8_AVolleyCannotOutrunTheCount(t *testing.T) {
	r := newRig(t)
	requests := make([]ledger.Request, callers)
	for i := range requests {
		requests[i] = r.by(budi, "link")
	}
	errs := make([]error, callers)
	volley(callers, func(i int) {
		_, errs[i] = r.Link(context.Background(), requests[i], ledger.Pair{AccessID: fmt.Sprintf("%010d", i), ContractID: "0000000000"}, "desk", "")
	})
	count := make(map[string]int)
	for _, err := range errs {
		var refusal *domain.Refusal
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		count[refusal.Code]++
	}
	if count["pair-not-valid"] != 5 || count["too-many-tries"] != callers-5 {
		t.Errorf("%d guesses at once were answered %v, want 5 not valid", callers, count)
	}
}

// Nodes do not wait for each other's tries, and still let no more through together
// than one alone.
func TestR8_AVolleyOnSeveralNodesCannotOutrunTheCount(t *testing.T) {
	r := newRig(t)
	nodes := []*ledger.Ledger{r.Ledger, r.another(), r.another()}
	for round := range 10 {
		guesser := ledger.Actor{Account: uuid.New(), Role: ledger.Customer}
		requests := make([]ledger.Request, callers)
		for i := range requests {
			requests[i] = r.by(guesser, "link")
		}
		var count [2]atomic.Int64
		volley(callers, func(i int) {
			_, err := nodes[i%3].Link(context.Background(), requests[i], ledger.Pair{AccessID: fmt.Sprintf("%06d%04d", round, i), ContractID: "0000000000"}, "desk", "")
			var refusal *domain.Refusal
			switch {
			case !errors.As(err, &refusal):
				t.Error(err)
			case refusal.Code == "pair-not-valid":
				count[0].Add(1)
			default:
				count[1].Add(1)
				if wait, ok := ledger.RetryAfter(err); !ok || wait != 15*time.Minute {
					t.Errorf("the wait is %v, want 15m", wait)
				}
			}
		})
		if count[0].Load() != 5 || count[1].Load() != callers-5 {
			t.Fatalf("%d guesses at once on three nodes: %d not valid, %d too many, want 5 not valid", callers, count[0].Load(), count[1].Load())
		}
	}
	if got := strings.Count(r.types("guesses"), "link.refused"); got != 50 {
		t.Errorf("%d failures are recorded, want 50", got)
	}
}

func TestR8_TwentyFailuresOnAnAccessIDCloseItToEveryAccount(t *testing.T) {
	r := newRig(t)
	right := r.pair(r.active(5))
	someone := func() ledger.Actor { return ledger.Actor{Account: uuid.New(), Role: ledger.Customer} }
	for range 20 {
		_, err := r.Link(t.Context(), r.by(someone(), "link"), ledger.Pair{AccessID: right.AccessID, ContractID: "0000000000"}, "desk", "")
		refused(t, err, "pair-not-valid")
	}
	_, err := r.Link(t.Context(), r.by(someone(), "link"), right, "desk", "")
	refused(t, err, "too-many-tries")
	must(t, r.clock.Set(start.Add(time.Hour)))
	_, err = r.Link(t.Context(), r.by(someone(), "link"), right, "desk", "")
	must(t, err)
}

// Whoever tries with many accounts from one address, as a trusted proxy states it, is
// stopped too; on whichever node, and over a restart.
func TestR8_TwentyFailuresFromAnAddressCloseItToEveryAccount(t *testing.T) {
	r := newRig(t)
	right := r.pair(r.active(5))
	tries := 0
	try := func(on *ledger.Ledger, address string, pair ledger.Pair) error {
		tries++
		wish := r.by(ledger.Actor{Account: uuid.New(), Role: ledger.Customer}, "link")
		wish.Address = address
		_, err := on.Link(t.Context(), wish, pair, "desk", "")
		return err
	}
	guess := func() ledger.Pair {
		return ledger.Pair{AccessID: fmt.Sprintf("%010d", tries), ContractID: "0000000000"}
	}
	another := r.another()
	for range 10 {
		refused(t, try(r.Ledger, "192.0.2.7", guess()), "pair-not-valid")
		refused(t, try(another, "192.0.2.7", guess()), "pair-not-valid")
	}
	refused(t, try(r.Ledger, "192.0.2.7", right), "too-many-tries")
	r.restart()
	err := try(r.Ledger, "192.0.2.7", right)
	refused(t, err, "too-many-tries")
	if wait, ok := ledger.RetryAfter(err); !ok || wait != time.Hour {
		t.Errorf("the wait is %v, want an hour", wait)
	}
	must(t, try(r.Ledger, "192.0.2.8", right))
	must(t, try(r.Ledger, "", right))
	if got := r.types("guesses"); strings.Count(got, "link.refused link.located") != 20 {
		t.Errorf("recorded are %s", got)
	}
	for record, err := range r.store.ReadStream(t.Context(), "guesses", 0, eventstore.Forwards) {
		must(t, err)
		if strings.Contains(string(record.Data), "192.0.2") {
			t.Errorf("an address is recorded in clear: %s", record.Data)
		}
	}
	must(t, r.clock.Set(start.Add(time.Hour)))
	must(t, try(r.Ledger, "192.0.2.7", right))
}

func TestR15_AnotherContractsIDsLinkAndSpendInOneAppendOrNotAtAll(t *testing.T) {
	r := newRig(t)
	c := r.active(1)
	pair := r.pair(c)
	wish := request(uuid.Nil)
	wish.Pair = &pair
	answer, err := r.Submit(t.Context(), r.by(ani, "submit"), wish)
	must(t, err)
	if answer.Contract != c.ID || *answer.Remaining != 0 {
		t.Errorf("answered %+v", answer)
	}
	_, err = r.Submit(t.Context(), r.by(budi, "submit"), wish)
	refused(t, err, "pair-not-valid") // none is left, but the pair is not budi's to know about
	want := "contract.registered contract.activated grant.added account.linked incident.submitted incident.deducted"
	if got := r.types(c.ID.String()); got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	if got := r.types("guesses"); got != "link.refused" {
		t.Errorf("failures recorded: %q, want one", got)
	}
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), wish)
	refused(t, err, "none-available") // ani has linked it and may know
}
