package attachments

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

func TestR26_AFileIsNamedByItsDigestAndSniffed(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for _, content := range [][]byte{png, []byte("one line\n"), bytes.Repeat([]byte("a"), 200<<10), bytes.Repeat([]byte("b"), 64<<10), []byte("x")} {
			s := r.put(ani, content)
			sum := sha256.Sum256(content)
			if s.SHA256 != hex.EncodeToString(sum[:]) || s.Size != int64(len(content)) || s.Replayed {
				t.Errorf("kept as %+v", s)
			}
			r.reads(ani, s.SHA256, content)
			r.reopen()
			r.reads(ani, s.SHA256, content)
		}
		if s := r.put(ani, png); s.Type != "image/png" {
			t.Errorf("the picture is %s", s.Type)
		}
		if s := r.put(ani, []byte("text")); s.Type != "text/plain" {
			t.Errorf("the text is %s", s.Type)
		}
	})
}

// Uploading bytes that somebody else has tells nothing: a file is its account's
// own, and on the disk it has nothing in common with another's.
func TestR26_UploadingKnownBytesTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s := r.put(ani, png)
		_, err := r.read(budi, s.SHA256)
		wantErr(t, err, ErrUnknown)
		_, missing, _, err := r.Claim(t.Context(), budi, []string{s.SHA256})
		must(t, err)
		if len(missing) != 1 {
			t.Error("budi can attach what ani has uploaded")
		}
		again := r.put(budi, png)
		if again.Replayed || again.SHA256 != s.SHA256 || again.UploadedAt != s.UploadedAt {
			t.Errorf("known bytes were answered with %+v", again)
		}
		one, two := r.raw(t, file{ani, s.SHA256}), r.raw(t, file{budi, s.SHA256})
		if bytes.Contains(one, []byte("picture")) || bytes.Equal(one[headerLen:], two[headerLen:]) {
			t.Error("R47: the content is not sealed under a key of its own")
		}
	})
}

func TestARepeatIsAnsweredAsTheFirstTime(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		command := uuid.New()
		put := func(content string) (Stored, error) {
			return r.Put(t.Context(), ani, command, strings.NewReader(content), int64(len(content)))
		}
		first, err := put("one")
		must(t, err)
		again, err := put("one")
		must(t, err)
		if !again.Replayed || again.SHA256 != first.SHA256 {
			t.Errorf("a repeat was answered with %+v", again)
		}
		_, err = put("two")
		wantRefusal(t, err, KeyReused)
		r.now = start.Add(rememberFor + 1)
		if _, err = put("two"); err != nil {
			t.Errorf("30 days later the command is still remembered: %v", err)
		}
		if _, err := r.Put(t.Context(), budi, command, strings.NewReader("three"), 5); err != nil {
			t.Errorf("another account's command counts: %v", err)
		}
	})
}

func TestR26_WhatIsNotTaken(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		big := bytes.Repeat([]byte("a"), int(limits.MaxBytes)+1)
		for name, x := range map[string]struct {
			content []byte
			length  int64
			code    string
		}{
			"nothing":                     {nil, 0, domain.InvalidField},
			"nothing, of no known length": {nil, -1, domain.InvalidField},
			"too much":                    {big, int64(len(big)), TooLarge},
			"too much, of unknown length": {big, -1, TooLarge},
			"another type":                {[]byte("%PDF-1.7"), 8, TypeNotTaken},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(x.content), x.length)
				wantRefusal(t, err, x.code)
			})
		}
		largest := bytes.Repeat([]byte("a"), int(limits.MaxBytes))
		_, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(largest), -1)
		must(t, err)
		_, err = r.Put(t.Context(), ani, uuid.New(), &failing{bytes.NewReader(big), 70 << 10}, 100<<10)
		if broken := new(SourceError); err == nil || !strings.Contains(err.Error(), "cut") {
			t.Errorf("a line that was cut: %v, want a %T", err, broken)
		}
		if left := r.names(); len(left) != 2 { // the largest, and its command
			t.Errorf("what was not taken has left %q", left)
		}
	})
}

func TestR26_AnAccountHasAQuota(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		part := func(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i)}, 300<<10) }
		for i := range 3 {
			r.put(ani, part(i))
		}
		_, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(part(3)), 300<<10)
		wantRefusal(t, err, QuotaExceeded)
		_, err = r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(part(3)), -1)
		wantRefusal(t, err, QuotaExceeded)
		r.reopen() // counts what lies there
		_, err = r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(part(3)), 300<<10)
		wantRefusal(t, err, QuotaExceeded)
		r.put(budi, part(3)) // has one of its own
		for i := range 29 {  // small ones count 4 KiB: 900 KiB are taken
			r.put(ani, []byte{'0' + byte(i)})
		}
		r.put(ani, bytes.Repeat([]byte("z"), 5000)) // and leaves less than that
		_, err = r.Put(t.Context(), ani, uuid.New(), strings.NewReader("?"), 1)
		wantRefusal(t, err, QuotaExceeded)
	})
}

// Many at once do not get beyond the quota together.
func TestR26_TheQuotaHoldsForManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var kept atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				content := bytes.Repeat([]byte{'a' + byte(i)}, 200<<10)
				if _, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(content), int64(len(content))); err == nil {
					kept.Add(1)
				} else {
					wantRefusal(t, err, QuotaExceeded)
				}
			})
		}
		all.Wait()
		if n := kept.Load(); n < 1 || n > 5 {
			t.Errorf("%d files of 200 KiB were kept within 1 MiB", n)
		}
	})
}

func TestAFullDiskKeepsNothingAndSaysSo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.in.Reserve = 1 << 20
		room := uint64(1<<20 + len(png) - 1)
		r.in.free = func(string) (uint64, error) { return room, nil }
		_, err := r.Put(t.Context(), ani, uuid.New(), bytes.NewReader(png), int64(len(png)))
		wantErr(t, err, ErrFull)
		_, err = r.Begin(t.Context(), ani, uuid.New(), int64(len(png)))
		wantErr(t, err, ErrFull)
		if left := r.names(); len(left) != 0 {
			t.Errorf("left are %q", left)
		}
		room++
		r.put(ani, png)
	})
}

// A cipher that goes on at an offset is the one that came so far.
func TestTheCipherGoesOnAnywhere(t *testing.T) {
	key := newKey()
	want := make([]byte, 70_000)
	streamAt(key, 0).XORKeyStream(want, want)
	for _, at := range []int{0, 1, 15, 16, 17, 4095, 4096, 65_537} {
		got := make([]byte, len(want)-at)
		streamAt(key, int64(at)).XORKeyStream(got, got)
		if !bytes.Equal(got, want[at:]) {
			t.Errorf("it is another one from %d on", at)
		}
	}
	far := make([]byte, 16)
	streamAt(key, math.MaxInt64&^15).XORKeyStream(far, far) // and does not wrap
	if bytes.Equal(far, want[:16]) {
		t.Error("the counter wraps")
	}
}
