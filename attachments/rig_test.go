package attachments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/vault"
)

var (
	ani   = uuid.MustParse("00000000-0000-4000-8000-000000000001")
	budi  = uuid.MustParse("00000000-0000-4000-8000-000000000002")
	start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	png   = append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), bytes.Repeat([]byte("picture"), 40)...)
)

// A rig is a folder with a clock that stands.
type rig struct {
	*Folder
	t      testing.TB
	people *vault.PeopleFile
	now    time.Time
}

var limits = catalog.AttachmentLimits{
	MaxBytes: 300 << 10, MaxBytesPerAccount: 1 << 20, MaxPerRequest: 3, Types: []string{"image/png", "text/plain"},
}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, now: start}
	var err error
	r.people, err = vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	t.Cleanup(func() { _ = r.people.Close() })
	r.reopen(filepath.Join(dir, "attachments"))
	return r
}

// reopen is what a process does that starts again.
func (r *rig) reopen(dir string) {
	r.t.Helper()
	var err error
	r.Folder, err = Open(Config{Dir: dir, People: r.people, Limits: limits, Now: func() time.Time { return r.now }, Reserve: 1})
	must(r.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) put(account uuid.UUID, content []byte) Stored {
	r.t.Helper()
	s, err := r.Put(r.t.Context(), account, uuid.New(), bytes.NewReader(content), int64(len(content)))
	must(r.t, err)
	return s
}

// read is what an account reads of a file.
func (r *rig) read(account uuid.UUID, sha256 string) ([]byte, error) {
	c, err := r.Get(r.t.Context(), account, sha256)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	n, err := c.WriteTo(&out)
	if n != int64(out.Len()) {
		r.t.Errorf("said to have written %d bytes of %d", n, out.Len())
	}
	return out.Bytes(), errors.Join(err, c.Close())
}

func (r *rig) reads(account uuid.UUID, sha256 string, want []byte) {
	r.t.Helper()
	got, err := r.read(account, sha256)
	must(r.t, err)
	if !bytes.Equal(got, want) {
		r.t.Errorf("read %d bytes, want %d others", len(got), len(want))
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func wantRefusal(t testing.TB, err error, code string) {
	t.Helper()
	refusal, ok := errors.AsType[*domain.Refusal](err)
	if !ok || refusal.Code != code {
		t.Errorf("got %v, want a refusal with %s", err, code)
	}
}

// left are the names of everything in the folder, without folders.
func (r *rig) left() (names []string) {
	r.t.Helper()
	must(r.t, filepath.WalkDir(r.Dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, strings.TrimPrefix(path, r.Dir+"/"))
		}
		return err
	}))
	return names
}

// failing gives so many bytes and then fails.
type failing struct {
	r    io.Reader
	left int
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errors.New("the line was cut")
	}
	n, err := f.r.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// incidents is an index that a test fills.
type incidents struct {
	files    map[file]bool
	catching func() // while it catches up
}

func (i *incidents) CatchUp(context.Context) error {
	if i.catching != nil {
		i.catching()
	}
	return nil
}

func (i *incidents) Attached(_ context.Context, account uuid.UUID, sha256 string) (bool, error) {
	return i.files[file{account, sha256}], nil
}

func (r *rig) sweep(index *incidents) int {
	r.t.Helper()
	n, err := r.Sweep(r.t.Context(), index)
	must(r.t, err)
	return n
}
