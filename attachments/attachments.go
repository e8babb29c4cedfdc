// Package attachments keeps the files that people upload before they submit an
// incident (R26), in a folder, or in a store that several nodes share.
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
//     in any copy. Files do not leave their place because of it.
//   - What is read was checked against the digest that it was asked by: damage is
//     an error, and its last part is never handed out.
//   - Where there is no room nothing is kept, the error is ErrFull, and asking
//     again helps once there is.
//   - Where a store that nodes share cannot be reached, the error is
//     ErrUnavailable, and what was not acknowledged may be asked for again.
//
// All methods are safe for concurrent use. Any number of processes may have a
// bucket open. Where several have the same folder open, each counts what an account
// stores, and knows what is claimed, by itself.
package attachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/internal/durably"
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
	// ErrUnavailable says that the store of a Bucket cannot be reached now.
	ErrUnavailable = objects.ErrUnavailable
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

// A Shelf keeps files: a Folder of one machine, or a Bucket that several nodes
// share. Both keep every promise of this package.
type Shelf interface {
	// Put keeps an account's file, and is durable when it returns. command is what
	// a repeat is recognised by: the same bytes again are answered as the first
	// time, others are refused. length is the number of bytes where it is known,
	// else -1.
	//
	// Refusals are TooLarge, TypeNotTaken, QuotaExceeded, KeyReused and, for an
	// empty file, domain.InvalidField; a *SourceError means that r failed.
	Put(ctx context.Context, account, command uuid.UUID, r io.Reader, length int64) (Stored, error)
	// Get opens an account's file: ErrUnknown where it has none with this digest,
	// ErrErased where nobody can read it any more.
	Get(ctx context.Context, account uuid.UUID, sha256 string) (*Content, error)
	// Claim finds an account's files by their digests and keeps them from being
	// swept until they are released, and as long after that as a sweep may not know
	// what they were attached to. missing are the places in the list of those that
	// the account has not uploaded, or that were erased; where there are any,
	// nothing is claimed.
	Claim(ctx context.Context, account uuid.UUID, digests []string) (files []Stored, missing []int, release func(), err error)
	// Begin begins an upload of so many bytes under an id, durably. Beginning it
	// again finds it as far as it has got.
	Begin(ctx context.Context, account, id uuid.UUID, length int64) (Upload, error)
	// Status is how far an account's upload has got; ErrUnknown where there is none.
	Status(ctx context.Context, account, id uuid.UUID) (Upload, error)
	// Append adds a part to an upload, which must have come as far as offset, and
	// says how far it is then: what has come is durable, also where r fails, in
	// which case the error is a *SourceError. With the last part the upload becomes
	// a file. Refusals are OffsetDiffers, UploadBusy, and those of Put.
	Append(ctx context.Context, account, id uuid.UUID, offset int64, r io.Reader) (Upload, error)
	// Sweep removes the files that hang on no incident UnusedFor after they were
	// uploaded, uploads that have not gone on for as long, and what is remembered
	// of commands when it need not be any more (R26). It says how many files went.
	Sweep(ctx context.Context, index Index) (swept int, err error)
	// Check holds a file that hangs on an incident against what is recorded of it.
	// A file whose owner was forgotten, and every file where there are no keys of
	// people, is held against its checksum only.
	Check(ctx context.Context, account uuid.UUID, a contract.Attachment) error
	// Close lets go of the place of what is on its way. Nothing may be any more.
	Close() error
	Measured
}

// A Folder keeps files.
type Folder struct {
	intake

	used     *usages
	reserved map[uuid.UUID]int64 // bytes that are on their way, by account
	claims   map[file]claim
	sweeps   uint64 // that were begun
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
// on its way to processes that were killed.
func Open(c Config) (*Folder, error) {
	f := &Folder{used: newUsages(), reserved: map[uuid.UUID]int64{}, claims: map[file]claim{}}
	return f, f.open(c)
}

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
	return durably.Names(f.Dir)
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
