// Package attachments keeps the files that people upload before they submit an
// incident (R26), in a folder.
//
// What holds:
//
//   - A file is an account's own. Two accounts that upload the same bytes have a
//     file each, sealed under keys of their own, so that nothing that one of them
//     asks is answered otherwise, or in another time, because of the other.
//   - A file that was acknowledged survives kill -9 and power loss, whole. One
//     that was not is not there.
//   - What a file holds is sealed under a key of its own, which is sealed under
//     the account's (R47): once that was erased nobody can read the file, here or
//     in any copy. Files do not leave the folder because of it.
//   - What is read was checked against the digest that it was asked by: damage is
//     an error, and its last part is never handed out.
//   - Where there is no room nothing is kept, the error is ErrFull, and asking
//     again helps once there is.
//
// All methods are safe for concurrent use. One process at a time may have a
// folder open.
package attachments

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/vault"
)

// UnusedFor is how long a file is kept that hangs on no incident, and an upload
// that does not go on (R26).
const UnusedFor = 24 * time.Hour

// rememberFor is how long a repeat of an upload is recognised by its command.
const rememberFor = 30 * 24 * time.Hour

// Errors that are not refusals.
var (
	// ErrFull says that there is no room; nothing was kept.
	ErrFull = errors.New("there is no room for the file")
	// ErrUnknown says that the account has no such file, or no such upload.
	ErrUnknown = errors.New("the account has no such file")
	// ErrErased says that the account's key was erased, and with it the file.
	ErrErased = errors.New("the file was erased with its owner's key")
)

// The codes of refusals.
const (
	TooLarge      = "attachment-too-large"
	TypeNotTaken  = "attachment-type-not-taken"
	QuotaExceeded = "attachment-quota-exceeded"
	KeyReused     = "idempotency-key-reused"
	OffsetDiffers = "upload-offset"
	UploadBusy    = "upload-busy"
)

// A SourceError says that the bytes to be kept did not come whole.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return fmt.Sprintf("read the file: %v", e.Err) }

// Unwrap is why.
func (e *SourceError) Unwrap() error { return e.Err }

// A CorruptError says that a file is not what was written.
type CorruptError struct{ Path, Reason string }

func (e *CorruptError) Error() string {
	return fmt.Sprintf("attachment %s is damaged: %s", e.Path, e.Reason)
}

// Config is what a Folder needs. All but Logger and Reserve are required, but
// for a folder that is only verified or copied: there Dir is enough, and without
// People nobody can tell what its files hold.
type Config struct {
	Dir    string
	People vault.People
	Limits catalog.AttachmentLimits
	Now    func() time.Time
	Logger *slog.Logger
	// Reserve is how many bytes of the disk are left to others, before all to
	// the log; 0 is DefaultReserve.
	Reserve int64
}

// DefaultReserve is what is left of the disk unless configured: more than the log
// keeps for itself, so that files stop before it does.
const DefaultReserve = 256 << 20

// A Folder keeps files.
type Folder struct {
	Config
	log     *slog.Logger
	metrics *metrics
	free    func(dir string) (uint64, error) // replaced by tests of a full disk

	mu       sync.Mutex
	used     *usages
	reserved map[uuid.UUID]int64 // bytes that are on their way, by account
	coming   int64               // of all accounts
	claims   map[file]claim
	sweeps   uint64             // that were begun
	busy     map[uuid.UUID]bool // uploads that somebody sends to
}

// A file is an account's bytes with a digest.
type file struct {
	account uuid.UUID
	sha256  string
}

// Stored is what is known of a file that is kept.
type Stored struct {
	SHA256     string // lower-case hex
	Type       string // sniffed from its content, without parameters
	Size       int64  // bytes
	UploadedAt time.Time
	Replayed   bool // it was kept under this command before
}

// Open opens a folder, which is made if there is none, and clears away what was
// on its way when a process was killed.
func Open(c Config) (*Folder, error) {
	f := &Folder{
		Config: c, log: c.Logger, metrics: newMetrics(), free: freeBytes, used: newUsages(),
		reserved: map[uuid.UUID]int64{}, claims: map[file]claim{}, busy: map[uuid.UUID]bool{},
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.Reserve == 0 {
		f.Reserve = DefaultReserve
	}
	if err := os.RemoveAll(f.incoming()); err != nil {
		return nil, fmt.Errorf("open attachments: %w", err)
	}
	if err := os.MkdirAll(f.incoming(), 0o700); err != nil {
		return nil, fmt.Errorf("open attachments: %w", err)
	}
	if err := errors.Join(syncDir(filepath.Dir(f.Dir)), syncDir(f.Dir)); err != nil {
		return nil, fmt.Errorf("open attachments: %w", err)
	}
	return f, nil
}

func (f *Folder) incoming() string               { return filepath.Join(f.Dir, "incoming") }
func (f *Folder) dirOf(account uuid.UUID) string { return filepath.Join(f.Dir, account.String()) }
func (f *Folder) path(of file) string            { return filepath.Join(f.dirOf(of.account), of.sha256) }
func (f *Folder) keyPath(a, key uuid.UUID) string {
	return filepath.Join(f.dirOf(a), keyPrefix+key.String())
}

// Names in an account's folder that are not those of files.
const (
	keyPrefix    = "key-"    // what was uploaded by a command
	uploadPrefix = "upload-" // an upload that goes on, as far as it has got
	jsonSuffix   = ".json"   // what is known of it
)

// IsDigest says whether a text is a SHA-256 as files are named by: 64 hexadecimal
// digits in lower case.
func IsDigest(text string) bool {
	if len(text) != 64 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// makeDir makes an account's folder, durably.
func (f *Folder) makeDir(account uuid.UUID) error {
	err := os.Mkdir(f.dirOf(account), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(f.Dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// settle writes a small file durably, whole or not at all, but for its name: the
// caller syncs the folder that it lies in.
func (f *Folder) settle(path string, content []byte) error {
	tmp, err := os.CreateTemp(f.incoming(), "")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
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
func (f *Folder) sealKey(ctx context.Context, account uuid.UUID) (key *[32]byte, box []byte, err error) {
	key = newKey()
	box, err = f.People.Seal(ctx, account, key[:])
	return key, box, err
}

// openKey opens a file's key; ErrErased where it is gone.
func (f *Folder) openKey(ctx context.Context, account uuid.UUID, box []byte) (*[32]byte, error) {
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
