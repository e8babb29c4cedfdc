package attachments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// A rig is a shelf with a clock that stands.
type rig struct {
	Shelf
	ground
	t      testing.TB
	dir    string
	in     *intake
	people *vault.PeopleFile
	now    time.Time
}

// A ground is what a shelf stands on, and how tests look at it and spoil it.
type ground interface {
	open(t testing.TB, c Config) (Shelf, *intake)
	raw(t testing.TB, of file) []byte           // what is kept of a file; nil where nothing is
	spoil(t testing.TB, of file, body []byte)   // nil: it is lost
	left(t testing.TB) map[string][]byte        // everything that is kept of files, uploads and commands
	used(t testing.TB, account uuid.UUID) int64 // what counts for the quota
	claimed(t testing.TB) int                   // how many files are kept from being swept
	rubbish(t testing.TB, id uuid.UUID)         // leaves what a killed process has written of ani's upload
	partsName(id uuid.UUID) string              // where all that has come of it lies, if at one place
}

// grounds are those that the rules hold on.
func grounds() map[string]func(testing.TB) ground {
	return map[string]func(testing.TB) ground{
		"folder": func(testing.TB) ground { return new(onDisk) },
		"bucket": func(t testing.TB) ground { return newOnStore(t) },
	}
}

// each holds every shelf to a rule.
func each(t *testing.T, rule func(t *testing.T, r *rig)) {
	for name, make := range grounds() {
		t.Run(name, func(t *testing.T) { rule(t, newRigOn(t, make(t))) })
	}
}

var limits = catalog.AttachmentLimits{
	MaxBytes: 300 << 10, MaxBytesPerAccount: 1 << 20, MaxPerRequest: 3, Types: []string{"image/png", "text/plain"},
}

func newRigOn(t testing.TB, g ground) *rig {
	t.Helper()
	people, err := vault.CreatePeople(filepath.Join(t.TempDir(), "people"))
	must(t, err)
	t.Cleanup(func() { _ = people.Close() })
	return newRigWith(t, g, people)
}

func newRigWith(t testing.TB, g ground, people *vault.PeopleFile) *rig {
	t.Helper()
	r := &rig{t: t, now: start, ground: g, dir: filepath.Join(t.TempDir(), "attachments"), people: people}
	r.reopen()
	return r
}

// reopen is what a process does that starts again after it was killed.
func (r *rig) reopen() {
	r.t.Helper()
	if r.in != nil {
		must(r.t, r.in.lock.Close())
	}
	r.Shelf, r.in = r.open(r.t, Config{Dir: r.dir, People: r.people, Limits: limits, Now: func() time.Time { return r.now }, Reserve: 1})
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

// names are those of everything that is kept.
func (r *rig) names() []string {
	r.t.Helper()
	return slices.Sorted(maps.Keys(r.left(r.t)))
}

// A newFolder is for what holds for folders only.
func newFolder(t testing.TB) (*rig, *Folder) {
	t.Helper()
	r := newRigOn(t, new(onDisk))
	return r, r.Shelf.(*Folder)
}

// onDisk is a folder.
type onDisk struct{ *Folder }

func (d *onDisk) open(t testing.TB, c Config) (Shelf, *intake) {
	t.Helper()
	var err error
	d.Folder, err = Open(c)
	must(t, err)
	return d.Folder, &d.intake
}

func (d *onDisk) raw(t testing.TB, of file) []byte {
	t.Helper()
	body, err := os.ReadFile(d.path(of))
	must(t, err)
	return body
}

func (d *onDisk) spoil(t testing.TB, of file, body []byte) {
	t.Helper()
	if body == nil {
		must(t, os.Remove(d.path(of)))
		return
	}
	must(t, os.WriteFile(d.path(of), body, 0o600))
}

func (d *onDisk) left(t testing.TB) map[string][]byte {
	t.Helper()
	left := map[string][]byte{}
	must(t, filepath.WalkDir(d.Dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != lockName {
			left[strings.TrimPrefix(path, d.Dir+"/")], err = os.ReadFile(path)
		}
		return err
	}))
	return left
}

func (d *onDisk) claimed(testing.TB) int { return len(d.claims) }

func (d *onDisk) rubbish(t testing.TB, id uuid.UUID) {
	t.Helper()
	parts, err := os.OpenFile(d.partsPath(ani, id), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = parts.WriteString("rubbish")
	must(t, errors.Join(err, parts.Close()))
}

func (d *onDisk) partsName(id uuid.UUID) string {
	return ani.String() + "/" + uploadPrefix + id.String()
}

func (d *onDisk) used(t testing.TB, account uuid.UUID) int64 {
	t.Helper()
	n, err := d.usage(account)
	must(t, err)
	return n
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
