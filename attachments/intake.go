package attachments

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/internal/durably"
	"github.com/supportledger/supportledger/vault"
)

// An intake is what a file goes through before it is kept, wherever that is:
// limits, sniffing, sealing, and a place on this machine's disk until it is whole.
type intake struct {
	Config
	log     *slog.Logger
	metrics *metrics
	free    func(dir string) (uint64, error) // replaced by tests of a full disk
	passing bool                             // what comes in does not stay on this disk
	way     string                           // a folder of this process's own
	lock    *os.File                         // that says so, as long as it is open

	mu     sync.Mutex
	coming int64              // bytes that are on their way, of all accounts
	busy   map[uuid.UUID]bool // uploads that somebody sends to
}

// open makes the folder if there is none, and clears away what was on its way to
// processes that were killed.
func (f *intake) open(c Config) error {
	f.Config, f.log, f.metrics, f.free, f.busy = c, c.Logger, newMetrics(), freeBytes, map[uuid.UUID]bool{}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.Reserve == 0 {
		f.Reserve = DefaultReserve
	}
	if err := f.openWay(); err != nil {
		return fmt.Errorf("open attachments: %w", err)
	}
	if err := errors.Join(durably.Names(filepath.Dir(f.Dir)), durably.Names(f.Dir)); err != nil {
		return fmt.Errorf("open attachments: %w", err)
	}
	return nil
}

func (f *intake) young(since time.Time) bool { return f.Now().Sub(since) <= UnusedFor }

// An incoming file is complete, and not yet in its place.
type incoming struct {
	Stored
	account uuid.UUID
	path    string
}

// discard removes the file unless it was put in its place.
func (in *incoming) discard() { _ = os.Remove(in.path) }

// receive writes what comes to a file that nobody knows.
func (f *intake) receive(ctx context.Context, account uuid.UUID, r io.Reader, most int64) (_ *incoming, err error) {
	from := &source{r: r}
	head := make([]byte, 512) // what sniffing looks at
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &SourceError{err}
	}
	if n == 0 {
		return nil, domain.RefuseField("body", "is empty; send the file's bytes")
	}
	kind, err := f.sniff(head[:n])
	if err != nil {
		return nil, err
	}
	if int64(n) > most {
		return nil, f.refuseMore(most)
	}
	key, box, err := f.sealKey(ctx, account)
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(f.incoming(), "")
	if err != nil {
		return nil, err
	}
	in := &incoming{account: account, path: tmp.Name(), Stored: Stored{Type: kind, UploadedAt: f.Now().UTC()}}
	defer func() {
		if err = errors.Join(err, tmp.Close()); err != nil {
			in.discard()
		}
	}()
	w, err := newWriter(tmp, &header{account, kind, in.UploadedAt, box}, key)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(head[:n]); err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(from, most-int64(n)+1), make([]byte, 64<<10))
	}
	switch {
	case from.err != nil:
		return nil, &SourceError{from.err}
	case err != nil:
		return nil, err
	case w.size > most:
		return nil, f.refuseMore(most)
	}
	digest, err := w.finish(!f.passing)
	in.SHA256, in.Size = hexOf(digest), w.size
	return in, err
}

// A source remembers why it could not be read, so that it is not taken for the
// disk's fault.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// sniff finds a file's type by its first bytes, and refuses one that is not taken.
func (f *intake) sniff(head []byte) (string, error) {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil || !slices.Contains(f.Limits.Types, kind) {
		return "", domain.Refuse(TypeNotTaken, "send one of "+strings.Join(f.Limits.Types, ", "), "by its content the file is %s, which is not taken", kind)
	}
	return kind, nil
}

// mustHaveRoom leaves the reserve to the log. The caller holds the lock.
func (f *intake) mustHaveRoom(size int64) error {
	free, err := f.free(f.Dir)
	if err != nil {
		return outcome("look how much room there is", err)
	}
	if free < uint64(f.Reserve+f.coming+size) {
		return ErrFull
	}
	return nil
}

func (f *intake) occupy(id uuid.UUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[id] {
		return false
	}
	f.busy[id] = true
	return true
}

func (f *intake) vacate(id uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, id)
}

// outcome names an error of the disk for what it is.
func outcome(doing string, err error) error {
	if err == nil || errors.Is(err, ErrFull) {
		return err
	}
	if noRoom(err) || errors.Is(err, vault.ErrFull) {
		return fmt.Errorf("%s: %w: %w", doing, ErrFull, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// sealKey makes a key for a file and seals it under the account's.
func (f *intake) sealKey(ctx context.Context, account uuid.UUID) (key *[32]byte, box []byte, err error) {
	key = newKey()
	box, err = f.People.Seal(ctx, account, key[:])
	return key, box, err
}

// openKey opens a file's key; ErrErased where it is gone.
func (f *intake) openKey(ctx context.Context, account uuid.UUID, box []byte) (*[32]byte, error) {
	text, err := f.People.Open(ctx, account, box)
	if errors.Is(err, vault.ErrErased) {
		return nil, ErrErased
	}
	if err == nil && len(text) != 32 {
		err = errors.New("its key is not one")
	}
	if err != nil {
		return nil, err
	}
	return (*[32]byte)(text), nil
}

func refuseReused() error {
	return domain.Refuse(KeyReused, "use a new Idempotency-Key for a new request", "this Idempotency-Key was used before with another body")
}

func hexOf(digest [32]byte) string { return hex.EncodeToString(digest[:]) }

func (f *intake) refuseTooLarge() error {
	return domain.Refuse(TooLarge, "send a smaller file, or several", "a file may have at most %d bytes", f.Limits.MaxBytes)
}

// refuseMore refuses a file that turned out to be larger than there was room for.
func (f *intake) refuseMore(most int64) error {
	if most < f.Limits.MaxBytes {
		return f.refuseQuota()
	}
	return f.refuseTooLarge()
}

func (f *intake) refuseQuota() error {
	return domain.Refuse(QuotaExceeded, fmt.Sprintf("files that hang on no incident are swept after %v; wait for that, or attach less", UnusedFor),
		"all files of an account may take at most %d bytes", f.Limits.MaxBytesPerAccount)
}
