package attachments

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

func (r *rig) begin(id uuid.UUID, length int) Upload {
	r.t.Helper()
	up, err := r.Begin(r.t.Context(), ani, id, int64(length))
	must(r.t, err)
	return up
}

func (r *rig) status(id uuid.UUID, offset int64) Upload {
	r.t.Helper()
	up, err := r.Status(r.t.Context(), ani, id)
	must(r.t, err)
	if up.Offset != offset {
		r.t.Errorf("the upload has come to %d, want %d", up.Offset, offset)
	}
	return up
}

// A large file comes in parts, over broken lines and restarts, and is what it
// would have been in one piece.
func TestR26_AnUploadGoesOnWhereItHasStopped(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		content := bytes.Repeat([]byte("0123456789abcde\n"), 12_000)
		id := uuid.New()
		r.begin(id, len(content))
		if up := r.begin(id, len(content)); !up.Replayed {
			t.Error("beginning again begins another one")
		}
		up, err := r.Append(t.Context(), ani, id, 0, bytes.NewReader(content[:50_001]))
		must(t, err)
		if up.Offset != 50_001 || up.Stored != nil {
			t.Errorf("after a part it is %+v", up)
		}
		r.reopen()
		_, err = r.Append(t.Context(), ani, id, 50_001, &failing{bytes.NewReader(content[50_001:]), 77_777})
		if broken := new(SourceError); !errors.As(err, &broken) {
			t.Errorf("a line that was cut: %v", err)
		}
		r.status(id, 127_778)
		r.rubbish(t, id)
		r.reopen()
		_, err = r.Append(t.Context(), ani, id, 127_779, strings.NewReader("x"))
		wantRefusal(t, err, OffsetDiffers)
		up, err = r.Append(t.Context(), ani, id, 127_778, bytes.NewReader(content[127_778:]))
		must(t, err)
		whole := r.put(budi, content)
		if up.Stored == nil || up.Stored.SHA256 != whole.SHA256 || up.Stored.Type != "text/plain" || up.Stored.Size != int64(len(content)) {
			t.Fatalf("it became %+v", up.Stored)
		}
		r.reads(ani, whole.SHA256, content)
		again, err := r.Append(t.Context(), ani, id, int64(len(content)), strings.NewReader("")) // the answer was lost
		must(t, err)
		if again.Stored == nil || *again.Stored != *up.Stored {
			t.Errorf("asked again it is %+v", again)
		}
		r.sweep(&incidents{})
		for name := range r.left(t) {
			if name == r.partsName(id) || strings.Contains(name, "/"+partPrefix) {
				t.Errorf("the parts are kept twice: %s", name)
			}
		}
	})
}

func TestR26_WhatAnUploadIsRefused(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, err := r.Begin(t.Context(), ani, uuid.New(), limits.MaxBytes+1)
		wantRefusal(t, err, TooLarge)
		_, err = r.Begin(t.Context(), ani, uuid.New(), 0)
		wantRefusal(t, err, domain.InvalidField)
		id := uuid.New()
		r.begin(id, 8)
		_, err = r.Begin(t.Context(), ani, id, 9)
		wantRefusal(t, err, KeyReused)
		_, err = r.Append(t.Context(), ani, id, 0, strings.NewReader("123456789"))
		wantRefusal(t, err, domain.InvalidField)
		r.status(id, 0)
		_, err = r.Append(t.Context(), budi, id, 0, strings.NewReader("x"))
		wantErr(t, err, ErrUnknown)
		_, err = r.Status(t.Context(), budi, id)
		wantErr(t, err, ErrUnknown)
		_, err = r.Append(t.Context(), ani, id, 0, strings.NewReader("%PDF-1.7"))
		wantRefusal(t, err, TypeNotTaken)
	})
}

// What uploads are to become counts from the beginning, and not twice.
func TestR26_UploadsCountForTheQuota(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		part := bytes.Repeat([]byte("a"), 300<<10)
		id := uuid.New()
		r.begin(id, len(part))
		r.begin(uuid.New(), len(part))
		r.begin(uuid.New(), len(part))
		_, err := r.Begin(t.Context(), ani, uuid.New(), int64(len(part)))
		wantRefusal(t, err, QuotaExceeded)
		r.reopen()
		_, err = r.Begin(t.Context(), ani, uuid.New(), int64(len(part)))
		wantRefusal(t, err, QuotaExceeded)
		_, err = r.Append(t.Context(), ani, id, 0, bytes.NewReader(part))
		must(t, err)
		known := r.used(t, ani)
		r.reopen()
		counted := r.used(t, ani)
		if known != counted || known != 900<<10 {
			t.Errorf("%d bytes are counted, and %d after a restart", known, counted)
		}
		r.now = start.Add(UnusedFor + 1)
		r.sweep(&incidents{})
		if counted = r.used(t, ani); counted != 0 {
			t.Errorf("after the sweep %d bytes are counted", counted)
		}
		r.reopen()
		if counted = r.used(t, ani); counted != 0 || len(r.names()) != 0 {
			t.Errorf("after the sweep %d bytes are counted, and there are %q", counted, r.names())
		}
	})
}

// The parts of an upload are sealed, too, and gone with the person's key.
func TestR47_AnUploadIsForgottenWithItsOwner(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		id := uuid.New()
		r.begin(id, 20)
		_, err := r.Append(t.Context(), ani, id, 0, strings.NewReader("secret of "))
		must(t, err)
		for name, body := range r.left(t) {
			if bytes.Contains(body, []byte("secret")) {
				t.Errorf("the part lies in %s in clear", name)
			}
		}
		_, err = r.people.Erase(t.Context(), ani)
		must(t, err)
		_, err = r.Append(t.Context(), ani, id, 10, strings.NewReader("somebody!!"))
		wantErr(t, err, ErrUnknown)
	})
}
