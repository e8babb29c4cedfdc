package attachments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// trialPrefix begins the names of trials; when each began follows, in seconds since
// 1970, and what no other has.
const trialPrefix = "trial-"

// Try sees, once, that the store keeps to conditions, and is ErrNoConditions where
// it does not: it would lose files without a word. Nothing is changed before. The
// object that it is tried with has a name of its own, and is removed whatever comes
// of it; what is left where the store goes away, or this process, is swept.
func (b *Bucket) Try(ctx context.Context) error {
	done, err := b.trying.take(ctx)
	defer done()
	if err != nil || b.tried {
		return err
	}
	name := trialPrefix + strconv.FormatInt(b.Now().Unix(), 10) + "-" + uuid.NewString()
	err = b.try(ctx, name)
	if left := b.objects.Remove(context.WithoutCancel(ctx), name); err == nil {
		err = left
	}
	b.tried = err == nil
	return err
}

func (b *Bucket) try(ctx context.Context, name string) error {
	write := func(when objects.Condition) error {
		return b.objects.Write(ctx, name, bytes.NewReader([]byte("try")), 3, when)
	}
	err := write(objects.Condition{Absent: true})
	if errors.Is(err, objects.ErrChanged) { // nobody else has the name: it was written, and the answer lost
		err = b.mustHave(ctx, name)
	}
	if err != nil {
		return err
	}
	for _, when := range []objects.Condition{{Absent: true}, {Tag: "00000000000000000000000000000000"}} {
		err := write(when)
		if err == nil {
			return ErrNoConditions
		}
		if !errors.Is(err, objects.ErrChanged) {
			return err
		}
	}
	return nil
}

func (b *Bucket) mustHave(ctx context.Context, name string) error {
	o, err := b.objects.Read(ctx, name)
	if errors.Is(err, objects.ErrNone) {
		return fmt.Errorf("%w: it says that an object is there, and then that it is not", ErrUnavailable)
	}
	if err != nil {
		return err
	}
	return o.Close()
}

// isOldTrial says whether a name is that of a trial which is over, whoever began it.
func (b *Bucket) isOldTrial(name string) bool {
	rest, ok := strings.CutPrefix(name, trialPrefix)
	if !ok {
		return false
	}
	began, _, _ := strings.Cut(rest, "-")
	seconds, err := strconv.ParseInt(began, 10, 64)
	return err == nil && b.Now().Sub(time.Unix(seconds, 0)) > claimFor
}
