package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/vault"
)

// NumbersReserved says that a node took a block of a day's counters for incident
// numbers (R25). It is bookkeeping of the ledger: no feed carries it.
type NumbersReserved struct {
	Day  string `json:"day"`  // yymmdd, UTC
	From uint32 `json:"from"` // first counter of the block
	To   uint32 `json:"to"`   // first counter after it
}

// Name implements domain.Event.
func (*NumbersReserved) Name() string { return "numbers.reserved.v1" }

func dayOf(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }

func dayName(at time.Time) string { return at.UTC().Format("060102") }

// numbersBlock is how many counters one append reserves. What is left of a block
// at the end of the day, or of the process, is never used.
const numbersBlock = 4096

// numbers hands out incident numbers. Reserving is an append to the day's
// stream, so that no two nodes have the same block.
type numbers struct {
	store eventstore.Store
	keys  *vault.Keys

	mu       sync.Mutex
	day      int64 // since 1970, UTC
	next, to uint32
	returned []contract.Number // of the day, not used
}

func newNumbers(store eventstore.Store, keys *vault.Keys) *numbers {
	return &numbers{store: store, keys: keys}
}

// take returns a number of the day that nobody else has.
func (n *numbers) take(ctx context.Context, at time.Time) (contract.Number, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	day := dayOf(at)
	if day != n.day {
		n.day, n.next, n.to, n.returned = day, 0, 0, nil
	}
	if last := len(n.returned) - 1; last >= 0 {
		number := n.returned[last]
		n.returned = n.returned[:last]
		return number, nil
	}
	if n.next == n.to {
		err := n.reserve(ctx, at)
		if _, exhausted := err.(*domain.Refusal); exhausted {
			return 0, err
		}
		if err != nil {
			return 0, fmt.Errorf("reserve incident numbers of %s: %w", dayName(at), err)
		}
	}
	number, err := n.keys.MakeNumber(at, n.next)
	if err != nil {
		return 0, err
	}
	n.next++
	return contract.Number(number), nil
}

// giveBack returns a number that was not used, so that refusals cannot use up
// the day's.
func (n *numbers) giveBack(at time.Time, number contract.Number) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if dayOf(at) == n.day && len(n.returned) < numbersBlock {
		n.returned = append(n.returned, number)
	}
}

// reserve takes the next block of the day.
func (n *numbers) reserve(ctx context.Context, at time.Time) error {
	stream := numbersPrefix + dayName(at)
	for range maxTries {
		from, last, err := n.reserved(ctx, stream)
		if err != nil {
			return err
		}
		if from >= vault.NumbersPerDay {
			return domain.Refuse("numbers-exhausted", "try again tomorrow", "all incident numbers of the day were given")
		}
		e := NumbersReserved{Day: dayName(at), From: from, To: min(from+numbersBlock, vault.NumbersPerDay)}
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		meta := Meta{By: Actor{Role: System}, Command: uuid.New()}
		_, err = n.store.Append(ctx, eventstore.Append{
			Stream: stream, Expected: last, At: at,
			Events: []eventstore.Event{{ID: meta.Command, Type: e.Name(), Data: data, Meta: meta.append(nil)}},
		})
		if conflict := new(*eventstore.ConflictError); errors.As(err, conflict) || errors.Is(err, eventstore.ErrUnknown) {
			continue
		}
		if err == nil {
			n.next, n.to = e.From, e.To
		}
		return err
	}
	return ErrBusy
}

// reserved is the first counter of the day that no block holds, and the revision
// of the last block.
func (n *numbers) reserved(ctx context.Context, stream string) (from uint32, last eventstore.Revision, err error) {
	last = eventstore.NoStream
	for r, err := range n.store.ReadStream(ctx, stream, eventstore.LastRevision, eventstore.Backwards) {
		if err != nil {
			return 0, last, err
		}
		var e NumbersReserved
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return 0, last, fmt.Errorf("read %s: %w", r.Type, err)
		}
		return e.To, r.Revision, nil
	}
	return 0, last, nil
}
