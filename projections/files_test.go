package projections

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

func digest(n int) string { return fmt.Sprintf("%064x", n) }

// withFiles are files as a submission takes them along.
func withFiles(files ...int) *contract.Files {
	out := &contract.Files{}
	out.Texts.Clear = new(contract.AttachmentTexts)
	for _, n := range files {
		out.Attachments = append(out.Attachments, contract.Attachment{SHA256: digest(n), Type: "text/plain", Size: 4})
		out.Texts.Clear.Names = append(out.Texts.Clear.Names, "a.txt")
	}
	return out
}

func TestR26_WhichFilesHangOnIncidents(t *testing.T) { onEach(t, testR26_WhichFilesHangOnIncidents) }

func testR26_WhichFilesHangOnIncidents(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("pack")
	r.link(c, ani)
	r.link(c, budi)
	with := func(files ...int) func(*ledger.Submission) {
		return func(wish *ledger.Submission) {
			wish.Files = withFiles(files...)
		}
	}
	r.submit(budi, c.ID, with(1))
	r.submit(ani, c.ID, with(1, 2))
	r.submit(ani, uuid.Nil, with(1, 3))
	r.settle()
	for n, want := range map[int][]uuid.UUID{1: {budi.Account, ani.Account}, 2: {ani.Account}, 3: {ani.Account}, 4: nil} {
		got, err := r.Files.Owners(t.Context(), digest(n), 10)
		must(t, err)
		if !slices.Equal(got, want) {
			t.Errorf("file %d is of %v, want %v", n, got, want)
		}
		for _, who := range []uuid.UUID{ani.Account, budi.Account} {
			attached, err := r.Files.Attached(t.Context(), who, digest(n))
			must(t, err)
			if attached != slices.Contains(want, who) {
				t.Errorf("file %d of %s hangs on an incident: %t", n, who, attached)
			}
		}
	}
	if some, err := r.Files.Owners(t.Context(), digest(1), 1); err != nil || len(some) != 1 {
		t.Errorf("of many owners one is %v, %v", some, err)
	}
	if none, err := r.Files.Owners(t.Context(), "x", 10); err != nil || none != nil {
		t.Errorf("what is no digest is of %v, %v", none, err)
	}
	ref, found, err := r.Incidents.LatestOf(t.Context(), ani.Account)
	must(t, err)
	if !found || len(ref.Revisions) != 2 { // submitted, files attached
		t.Errorf("the index knows the revisions %v", ref.Revisions)
	}
}
