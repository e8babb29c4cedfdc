package attachments

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// A Bucket keeps files in a store that several nodes share. Each account has a
// document there (holdings) by which everything is decided: who changes it, does
// so in the place of the one that he has read, or begins anew. The bytes lie in
// objects that are never changed.
//
// What is on its way lies in Dir, on this machine, which is one process's own.
type Bucket struct {
	intake
	objects objects.Store

	lines  [64]turns // of accounts that this process changes, one after another
	trying turns
	tried  bool // the store keeps to conditions; whose turn it is may look
}

// turns are taken by one at a time; nobody waits longer than his context.
type turns chan struct{}

func newTurns() turns { return make(turns, 1) }

func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, ctx.Err()
	case <-ctx.Done():
		return func() {}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// Bounds of what a crash leaves behind.
const (
	// claimFor is how long a claim holds: longer than it takes to record an
	// incident, by as much as nodes' clocks, and a sweep's look, may lag behind.
	claimFor = time.Hour
	// lookAnew is how long a sweep relies on having seen every incident.
	lookAnew = claimFor / 2
)

// slowest is how many bytes of a file come in a second at least.
const slowest = 4 << 10

// comingFor is how long a file may take until it is kept; as long, and until the
// next sweep, one counts that a killed node has left.
func (f *intake) comingFor() time.Duration {
	return time.Hour + time.Duration(f.Limits.MaxBytes/slowest)*time.Second
}

// attempts bounds how often a change begins anew because of others'.
const attempts = 30

const (
	documentName = "account.json"
	filePrefix   = "file-"
	partPrefix   = "part-"
)

// ErrNoConditions says that a store ignores the conditions under which objects are
// to be written.
var ErrNoConditions = errors.New("the store does not keep to If-None-Match and If-Match when it writes, by which nodes do not overwrite each other's decisions: " +
	"use one that does, or a newer version of it")

// OpenBucket opens a bucket. Nothing is asked of the store yet.
func OpenBucket(c Config, o objects.Store) (*Bucket, error) {
	b := &Bucket{trying: newTurns()}
	for i := range b.lines {
		b.lines[i] = newTurns()
	}
	err := b.open(c)
	b.passing = true
	b.objects = &counting{o, b.metrics.failed}
	return b, err
}

func documentOf(account uuid.UUID) string { return account.String() + "/" + documentName }

// newObject is a name that no object has had.
func newObject(account uuid.UUID, prefix string) string {
	return account.String() + "/" + prefix + uuid.NewString()
}

// read reads an account's document, and the tag by which it is replaced; a new one,
// and none, where there is none.
func (b *Bucket) read(ctx context.Context, account uuid.UUID) (*holdings, string, error) {
	h := newHoldings()
	o, err := b.objects.Read(ctx, documentOf(account))
	if errors.Is(err, objects.ErrNone) {
		return h, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(o)
	if err = errors.Join(err, o.Close()); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := json.Unmarshal(body, h); err != nil {
		return nil, "", &CorruptError{documentOf(account), err.Error()}
	}
	if h.Format != holdingsFormat {
		return nil, "", &CorruptError{documentOf(account), fmt.Sprintf("its format is %d, which this version does not know", h.Format)}
	}
	return h, o.Tag, nil
}

func (b *Bucket) write(ctx context.Context, account uuid.UUID, h *holdings, tag string) error {
	h.Revision++
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return b.objects.Write(ctx, documentOf(account), bytes.NewReader(body), int64(len(body)), objects.Condition{Absent: tag == "", Tag: tag})
}

// change changes an account's document, by one after another, whoever they are. do
// may be asked several times, also when what it did was written already: it must
// find that. Where it has changed nothing, nothing is written.
func (b *Bucket) change(ctx context.Context, account uuid.UUID, do func(*holdings) (changed bool, err error)) (*holdings, error) {
	if err := b.Try(ctx); err != nil {
		return nil, err
	}
	done, err := b.lines[int(account[15])%len(b.lines)].take(ctx)
	defer done()
	if err != nil {
		return nil, err
	}
	for i := range attempts {
		h, tag, err := b.read(ctx, account)
		if err != nil {
			return nil, err
		}
		changed, err := do(h)
		if err != nil || !changed {
			return h, err
		}
		if err := b.write(ctx, account, h, tag); !errors.Is(err, objects.ErrChanged) {
			return h, err
		}
		pause := time.NewTimer(rand.N(time.Duration(i+1) * 10 * time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("%w: others changed the account's files %d times meanwhile", ErrUnavailable, attempts)
}

// find opens a file as the account's document has it.
func (b *Bucket) find(ctx context.Context, of file) (held, *objects.Object, error) {
	if !IsDigest(of.sha256) {
		return held{}, nil, ErrUnknown
	}
	var last string
	for {
		h, _, err := b.read(ctx, of.account)
		if err != nil {
			return held{}, nil, err
		}
		f, ok := h.Files[of.sha256]
		if !ok || f.Object == last { // the document knows it, and it is not there
			return f, nil, ErrUnknown
		}
		o, err := b.objects.Read(ctx, f.Object)
		if !errors.Is(err, objects.ErrNone) {
			return f, o, err
		}
		last = f.Object // replaced or swept since the document was read, or lost
	}
}

// Get implements Shelf.
func (b *Bucket) Get(ctx context.Context, account uuid.UUID, sha256 string) (*Content, error) {
	of := file{account, sha256}
	f, o, err := b.find(ctx, of)
	if err != nil {
		return nil, outcome("read attachment", err)
	}
	c, h, err := newContent(of, f.Object, o, o.Size)
	if err != nil {
		return nil, err
	}
	return b.unlock(ctx, account, c, h)
}
