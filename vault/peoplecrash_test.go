package vault

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A crash while the third key is being written may leave any number of its bytes.
func TestR41_ATornSlotIsCutAtEveryLength(t *testing.T) {
	p, path := newPeople(t)
	first, second := seal(t, p, 1, "first"), seal(t, p, 2, "second")
	seal(t, p, 3, "third")
	whole := append(appendHeader(nil, 2), readFile(t, path)[unitLen:]...)
	must(t, p.Close())
	third := slotOffset(2)
	for n := range int64(unitLen) {
		for name, body := range map[string][]byte{
			"cut off":           whole[:third+n],
			"filled with zeros": append(bytes.Clone(whole[:third+n]), make([]byte, unitLen-n)...),
			"a slot of zeros":   append(bytes.Clone(whole[:third+n]), make([]byte, 2*unitLen-n)...),
		} {
			if name != "cut off" && n > sumAt {
				continue // then the checksum is not 0: damage
			}
			p, err := OpenPeople(privateFile(t, body))
			if err != nil {
				t.Fatalf("%s after %d bytes: %v", name, n, err)
			}
			if offset, length := p.TornTail(); length > 0 && offset != third || length != int64(len(body))-third {
				t.Errorf("%s after %d bytes: cut %d bytes at %d", name, n, length, offset)
			}
			if open(t, p, 1, first) != "first" || open(t, p, 2, second) != "second" {
				t.Errorf("%s after %d bytes: acknowledged keys are lost", name, n)
			}
			if got := open(t, p, 3, seal(t, p, 3, "again")); got != "again" {
				t.Errorf("%s after %d bytes: opened %q", name, n, got)
			}
			must(t, p.Close())
		}
	}
}

func TestR42_EveryDamagedByteIsReported(t *testing.T) {
	p, path := newPeople(t)
	for n := range 3 {
		seal(t, p, n, "text")
	}
	_, err := p.Erase(t.Context(), person(1))
	must(t, err)
	must(t, p.Close())
	whole := readFile(t, path)
	for at := range whole {
		body := bytes.Clone(whole)
		body[at] ^= 0x40
		wantDamage(t, body, int64(at/unitLen*unitLen))
	}
}

func TestR42_AnAcknowledgedKeyIsNeverCut(t *testing.T) {
	p, path := newPeople(t)
	for n := range 3 {
		seal(t, p, n, "text")
	}
	must(t, p.Close())
	whole := readFile(t, path)
	for size := range whole {
		wantDamage(t, whole[:size], int64(size/unitLen*unitLen))
	}
	last := slotOffset(2)
	wantDamage(t, append(bytes.Clone(whole[:last]), make([]byte, unitLen)...), last)
}

func TestR42_APersonWithTwoKeysIsReported(t *testing.T) {
	p, path := newPeople(t)
	seal(t, p, 1, "text")
	must(t, p.Close())
	whole := readFile(t, path)
	wantDamage(t, append(whole, whole[unitLen:]...), slotOffset(1))
}

func TestR42_DamageAfterTheStartIsReported(t *testing.T) {
	p, path := newPeople(t)
	box := seal(t, p, 1, "text")
	p = reopen(t, p, path)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteAt([]byte{0xff, 0xff}, slotOffset(0)+30)
	must(t, err)
	must(t, file.Close())
	_, err = p.Open(t.Context(), person(1), box)
	var damaged *DamagedError
	if !errors.As(err, &damaged) || errors.Is(err, ErrErased) {
		t.Errorf("error %v", err)
	}
}

func TestR41_AfterAFailedSyncNothingIsAcknowledged(t *testing.T) {
	p, path := newPeople(t)
	kept := seal(t, p, 1, "kept")
	p.sync = func() error { return syscall.EIO }
	for n := range 2 {
		_, err := p.Seal(t.Context(), person(2+n), []byte("text"))
		wantIs(t, err, syscall.EIO)
		wantError(t, err, path)
	}
	p.sync = func() error { return nil }
	_, err := p.Seal(t.Context(), person(4), []byte("text"))
	wantIs(t, err, syscall.EIO)
	_, err = p.Erase(t.Context(), person(1))
	wantIs(t, err, syscall.EIO)
	if got := open(t, p, 1, kept); got != "kept" {
		t.Errorf("opened %q", got)
	}
	p = reopen(t, p, path)
	if got := open(t, p, 1, kept); got != "kept" {
		t.Errorf("opened %q after the restart", got)
	}
	seal(t, p, 2, "text")
}

func TestR46_OneFileHasOneProcess(t *testing.T) {
	_, path := newPeople(t)
	_, err := OpenPeople(path)
	wantError(t, err, path, "in use by another process")
}

func TestR3_OthersMayNotReadPeoplesKeys(t *testing.T) {
	p, path := newPeople(t)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o, want 0600", info.Mode().Perm())
	}
	must(t, p.Close())
	must(t, os.Chmod(path, 0o640))
	_, err = OpenPeople(path)
	wantError(t, err, "chmod 600 "+path)
}

func TestR44_AMissingOrExistingFileIsSaid(t *testing.T) {
	_, err := OpenPeople(filepath.Join(t.TempDir(), "people.keys"))
	wantIs(t, err, fs.ErrNotExist)
	p, path := newPeople(t)
	must(t, p.Close())
	_, err = CreatePeople(path)
	wantIs(t, err, fs.ErrExist)
	wantNothingBeside(t, path)
}

func wantDamage(t *testing.T, body []byte, at int64) {
	t.Helper()
	path := privateFile(t, body)
	p, err := OpenPeople(path)
	if err == nil {
		must(t, p.Close())
		t.Fatalf("damage at %d: no error", at)
	}
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Offset != at || damaged.File != path {
		t.Fatalf("damage at %d: %v", at, err)
	}
	if !bytes.Equal(readFile(t, path), body) {
		t.Fatal("the damaged file was changed")
	}
}
