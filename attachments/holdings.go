package attachments

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// holdings are all that is known of an account's files in a Bucket: the account's
// document. Nobody changes it but in the place of the one that he has read, so
// that whatever it says was decided by one after another, whoever they are. It is
// never removed, and so a name never comes to mean another one.
//
// Objects have names of their own, which are noted in Coming before they are
// written. So an object that the document does not know, and that was there before
// the document was read, is known to nobody and never will be.
type holdings struct {
	Format   int                  `json:"format"`
	Revision int64                `json:"revision"`
	Files    map[string]held      `json:"files,omitempty"` // by digest
	Uploads  map[uuid.UUID]*begun `json:"uploads,omitempty"`
	Coming   map[string]coming    `json:"coming,omitempty"` // by the object's name
	Claims   map[string]time.Time `json:"claims,omitempty"` // until when, by digest
}

// holdingsFormat is the document's form.
const holdingsFormat = 1

// held is a file that an account has.
type held struct {
	Object     string    `json:"object"`
	Type       string    `json:"type"`
	Size       int64     `json:"size"`
	UploadedAt time.Time `json:"uploaded_at"`
}

func (h held) stored(sha256 string) Stored {
	return Stored{SHA256: sha256, Type: h.Type, Size: h.Size, UploadedAt: h.UploadedAt}
}

// begun is an upload that goes on, or has become a file.
type begun struct {
	upload
	Parts []part `json:"parts,omitempty"`
}

// A part is what has come of an upload, or the beginning or the rest of that.
type part struct {
	Object string `json:"object"`
	Size   int64  `json:"size"`
}

// coming is an object that somebody writes, and what it is to take of the quota.
type coming struct {
	Bytes int64     `json:"bytes"`
	Until time.Time `json:"until"` // after that nobody may go on with it
}

func newHoldings() *holdings {
	return &holdings{
		Format: holdingsFormat, Files: map[string]held{}, Uploads: map[uuid.UUID]*begun{},
		Coming: map[string]coming{}, Claims: map[string]time.Time{},
	}
}

// used is what counts for the account's quota.
func (h *holdings) used() (n int64) {
	for _, f := range h.Files {
		n += max(f.Size, least)
	}
	for _, up := range h.Uploads {
		if up.SHA256 == "" {
			n += max(up.Length, least)
		}
	}
	for _, c := range h.Coming {
		if c.Bytes > 0 {
			n += max(c.Bytes, least)
		}
	}
	return n
}

// begin notes that an object is coming.
func (h *holdings) begin(object string, bytes int64, until time.Time) {
	h.Coming[object] = coming{bytes, until.UTC()}
}

// arrived says whether an object may take its place: it may not where too much
// time has passed since it was begun, since others may have taken it for lost.
func (h *holdings) arrived(object string) bool {
	_, ok := h.Coming[object]
	delete(h.Coming, object)
	return ok
}

// objects are the names of all that the account has, and that is coming.
func (h *holdings) objects() map[string]bool {
	known := map[string]bool{}
	for _, f := range h.Files {
		known[f.Object] = true
	}
	for _, up := range h.Uploads {
		for _, p := range up.Parts {
			known[p.Object] = true
		}
	}
	for name := range h.Coming {
		known[name] = true
	}
	return known
}

// expire forgets what nobody goes on with, and says whether there was any.
func (h *holdings) expire(now time.Time) (changed bool) {
	before := len(h.Coming) + len(h.Claims) + len(h.Uploads)
	maps.DeleteFunc(h.Coming, func(_ string, c coming) bool { return now.After(c.Until) })
	maps.DeleteFunc(h.Claims, func(_ string, until time.Time) bool { return now.After(until) })
	maps.DeleteFunc(h.Uploads, func(_ uuid.UUID, up *begun) bool { return now.Sub(up.TouchedAt) > UnusedFor })
	return len(h.Coming)+len(h.Claims)+len(h.Uploads) < before
}

// finishedKept is how many uploads that have become files are remembered. They take
// no room of the quota: without a bound whoever sends one small file again and again
// makes the document grow.
const finishedKept = 1000

// finish notes that an upload has become a file, and forgets those that ended first
// where there are too many.
func (h *holdings) finish(id uuid.UUID, sha256 string, at time.Time) {
	if up := h.Uploads[id]; up != nil {
		up.SHA256, up.Parts, up.TouchedAt = sha256, nil, at
	}
	var ended []uuid.UUID
	for other, up := range h.Uploads {
		if up.SHA256 != "" && other != id {
			ended = append(ended, other)
		}
	}
	slices.SortFunc(ended, func(a, b uuid.UUID) int { return h.Uploads[a].TouchedAt.Compare(h.Uploads[b].TouchedAt) })
	for _, id := range ended[:max(0, len(ended)+1-finishedKept)] {
		delete(h.Uploads, id)
	}
}

// old are the digests of the files that may be swept, unless they hang on an
// incident.
func (h *holdings) old(now time.Time) (digests []string) {
	for sha256, f := range h.Files {
		if _, claimed := h.Claims[sha256]; !claimed && now.Sub(f.UploadedAt) > UnusedFor {
			digests = append(digests, sha256)
		}
	}
	slices.SortFunc(digests, strings.Compare)
	return digests
}

// roomFor is how many bytes a file may have of which the length is known, or,
// below 0, is not, where the account has room for that.
func (f *intake) roomFor(h *holdings, length int64) (most int64, err error) {
	left := f.Limits.MaxBytesPerAccount - h.used()
	if most = length; length < 0 {
		most = min(f.Limits.MaxBytes, max(left, 1))
	}
	if max(most, least) > left {
		return 0, f.refuseQuota()
	}
	return most, nil
}

func refuseOffset(up *begun, offset int64) error {
	return domain.Refuse(OffsetDiffers, "ask how far it has come, and go on from there", "the upload has come to %d, not to %d", up.Offset, offset)
}
