package attachments

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

func (r *rig) check(account uuid.UUID, s Stored) error {
	return r.Check(r.t.Context(), account, contract.Attachment{SHA256: s.SHA256, Type: s.Type, Size: s.Size})
}

// Whatever byte of a file changes, verifying names it, and reading never hands
// out a content that looks whole.
func TestR42_DamageIsNamed(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		content := bytes.Repeat([]byte("0123456789abcdef"), 9000) // more than two parts
		s := r.put(ani, content)
		must(t, r.check(ani, s))
		of := file{ani, s.SHA256}
		good := r.raw(t, of)
		for _, at := range []int{0, 30, 200, headerLen, headerLen + 1, headerLen + 70_000, len(good) - sumLen - 1, len(good) - sumLen, len(good) - 1} {
			bad := bytes.Clone(good)
			bad[at] ^= 1
			r.spoil(t, of, bad)
			if err := r.check(ani, s); err == nil {
				t.Errorf("nobody notices that byte %d has changed", at)
			}
			got, err := r.read(ani, s.SHA256)
			if at < len(good)-sumLen && err == nil && !bytes.Equal(got, content) || len(got) == len(content) && !bytes.Equal(got, content) {
				t.Errorf("with another byte %d it is read as %d bytes (%v)", at, len(got), err)
			}
		}
		for _, size := range []int{0, 100, headerLen, headerLen + sumLen, len(good) - 1, len(good) - sumLen} {
			r.spoil(t, of, good[:size:size])
			if err := r.check(ani, s); err == nil {
				t.Errorf("nobody notices that it is %d bytes long", size)
			}
			if _, err := r.read(ani, s.SHA256); err == nil {
				t.Errorf("cut to %d bytes it can be read", size)
			}
		}
		r.spoil(t, of, nil)
		if err := r.check(ani, s); err == nil {
			t.Error("nobody notices that it is missing")
		}
		r.spoil(t, of, good)
		must(t, r.check(ani, s))
		s.Size++
		if err := r.check(ani, s); err == nil {
			t.Error("nobody notices that another size was recorded")
		}
	})
}

// Somebody else's bytes under a digest are noticed by whoever has the keys of
// people, though the file is sound.
func TestR26_VerifyingLooksAtTheContent(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		one, two := r.put(ani, []byte("one")), r.put(ani, []byte("two"))
		r.spoil(t, file{ani, one.SHA256}, r.raw(t, file{ani, two.SHA256}))
		if err := r.check(ani, one); err == nil {
			t.Error("nobody notices another content")
		}
		if _, err := r.read(ani, one.SHA256); err == nil {
			t.Error("another content is handed out")
		}
	})
}

// Once a person's key was erased nobody reads the file; it is still what was recorded, and the same person may begin anew.
func TestR47_AFileIsForgottenWithItsOwner(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s, other := r.put(ani, png), r.put(budi, png)
		_, err := r.people.Erase(t.Context(), ani)
		must(t, err)
		r.reopen()
		_, err = r.read(ani, s.SHA256)
		wantErr(t, err, ErrErased)
		must(t, r.check(ani, s))
		r.reads(budi, other.SHA256, png)
		_, missing, _, err := r.Claim(t.Context(), ani, []string{s.SHA256})
		must(t, err)
		if len(missing) != 1 {
			t.Error("what was forgotten can be attached")
		}
		r.put(ani, png)
		r.reads(ani, s.SHA256, png)
	})
}

// Nobody reads it in a copy that was made before, either.
func TestR47_ACopyIsForgottenToo(t *testing.T) {
	r, f := newFolder(t)
	s, other := r.put(ani, png), r.put(budi, png)
	elsewhere := filepath.Join(t.TempDir(), "copy")
	n, err := CopyTo(t.Context(), f.Dir, elsewhere, func(int64, int64) {})
	must(t, err)
	if n != 2 {
		t.Errorf("%d files were copied", n)
	}
	_, err = r.people.Erase(t.Context(), ani)
	must(t, err)
	r.dir = elsewhere
	r.reopen()
	_, err = r.read(ani, s.SHA256)
	wantErr(t, err, ErrErased)
	must(t, r.check(ani, s))
	r.reads(budi, other.SHA256, png)
}

func TestACopyIsChecked(t *testing.T) {
	r, f := newFolder(t)
	s := r.put(ani, png)
	_, err := r.Begin(t.Context(), ani, uuid.New(), 10)
	must(t, err)
	to := filepath.Join(t.TempDir(), "copy")
	var files, size int64
	n, err := CopyTo(t.Context(), f.Dir, to, func(f, b int64) { files, size = f, b })
	must(t, err)
	if n != 1 || files != 1 || size == 0 {
		t.Errorf("copied %d, reported %d of %d bytes", n, files, size)
	}
	path := f.path(file{ani, s.SHA256})
	body, err := os.ReadFile(path)
	must(t, err)
	body[headerLen] ^= 1
	must(t, os.WriteFile(path, body, 0o600))
	_, err = CopyTo(t.Context(), f.Dir, filepath.Join(t.TempDir(), "copy"), func(int64, int64) {})
	if corrupt := new(CorruptError); !errors.As(err, &corrupt) {
		t.Errorf("a damaged file was copied: %v", err)
	}
	if _, err := CopyTo(t.Context(), filepath.Join(t.TempDir(), "none"), to, func(int64, int64) {}); err != nil {
		t.Errorf("where there are none: %v", err)
	}
}

func TestR26_WhatHangsOnNothingIsSweptAfterADay(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		used, unused := r.put(ani, png), r.put(ani, []byte("unused"))
		r.put(budi, png) // the same bytes, of somebody else
		index := &incidents{files: map[file]bool{{ani, used.SHA256}: true}}
		r.now = start.Add(UnusedFor)
		if n := r.sweep(index); n != 0 {
			t.Errorf("%d files were swept before the day was over", n)
		}
		r.now = r.now.Add(1)
		young := r.put(ani, []byte("young"))
		if n := r.sweep(index); n != 2 {
			t.Errorf("%d files were swept, want 2", n)
		}
		_, err := r.read(ani, unused.SHA256)
		wantErr(t, err, ErrUnknown)
		_, err = r.read(budi, used.SHA256)
		wantErr(t, err, ErrUnknown)
		r.reads(ani, used.SHA256, png)
		r.reads(ani, young.SHA256, []byte("young"))
		again := r.put(ani, []byte("unused"))
		r.reads(ani, again.SHA256, []byte("unused"))
		r.now = r.now.Add(rememberFor + time.Hour)
		r.sweep(index)
		if left := r.names(); len(left) != 1 {
			t.Errorf("a month later there are %q", left)
		}
	})
}

// A file that is being attached while the sweep runs stays, though the index did
// not know the incident when the sweep asked.
func TestR26_TheSweepDoesNotTakeWhatIsBeingAttached(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s := r.put(ani, png)
		r.now = start.Add(2 * UnusedFor)
		_, missing, release, err := r.Claim(t.Context(), ani, []string{s.SHA256})
		must(t, err)
		if len(missing) > 0 {
			t.Fatal("it is missing")
		}
		index := &incidents{}
		if n := r.sweep(index); n != 0 {
			t.Fatal("what is claimed was swept")
		}
		index.catching = release // attached and answered after the sweep has begun
		if n := r.sweep(index); n != 0 {
			t.Fatal("what was claimed while the sweep began was swept")
		}
		index.catching = nil
		r.now = r.now.Add(claimFor + 1) // a claim may hold longer than it was asked to
		if n := r.sweep(index); n != 1 {
			t.Error("what was never attached was not swept")
		}
		if n := r.claimed(t); n != 0 {
			t.Errorf("%d claims are kept for ever", n)
		}
	})
}

// Uploading the same bytes again counts as using them anew, also while the sweep
// is at them.
func TestR26_TheSweepDoesNotTakeWhatIsUploadedAnew(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s := r.put(ani, png)
		r.now = start.Add(2 * UnusedFor)
		r.put(ani, png)
		if n := r.sweep(&incidents{}); n != 0 {
			t.Fatal("what was uploaded anew was swept")
		}
		r.reads(ani, s.SHA256, png)
	})
}
