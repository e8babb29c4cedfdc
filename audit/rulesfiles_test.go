package audit_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// withFiles submits an incident with a file.
func (r *rig) withFiles(who ledger.Actor, id uuid.UUID) {
	r.t.Helper()
	wish := &ledger.Submission{
		Submit: contract.Submit{
			Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A", Title: "It stopped", Agreement: "1", Language: "en",
			Files: &contract.Files{
				Attachments: []contract.Attachment{{SHA256: strings.Repeat("0", 64), Type: "text/plain", Size: 4}},
				Texts:       domain.Sealed[contract.AttachmentTexts]{Clear: &contract.AttachmentTexts{Names: []string{"a.txt"}}},
			},
		},
		Contract: id, Texts: contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped."},
	}
	if id == uuid.Nil {
		wish.Portal, wish.Product = "free", "card"
	}
	_, err := r.Submit(r.t.Context(), r.by(who, "submit"), wish)
	must(r.t, err)
}

// Files are attached once, by the command that submits the incident, by whoever
// submits it; and they are looked at.
func TestR26_VerifyKnowsWhatMayBeAttached(t *testing.T) {
	const name = "incident.files-attached"
	for title, forge := range map[string]func(f *forger, at int){
		"right":                   nil,
		"by a command of its own": func(f *forger, at int) { f.records[at].Meta = withCommand(f.records[at].Meta, uuid.New()) },
		"of somebody else": func(f *forger, at int) {
			f.set(at, "texts", map[string]any{"person": budi.Account, "box": "eA=="})
		},
		"to another incident": func(f *forger, at int) { f.set(at, "number", number(f, uuid.Nil)) },
		"without a file":      func(f *forger, at int) { f.set(at, "attachments", []any{}) },
		"twice":               func(f *forger, at int) { f.copy(at, at+1, false) },
	} {
		t.Run(title, func(t *testing.T) {
			r := newRig(t)
			c := r.register("pack")
			r.link(ani, c)
			r.link(budi, c)
			r.submit(budi, c.ID) // the first incident
			r.withFiles(ani, c.ID)
			r.withFiles(ani, uuid.Nil)
			f := &forger{t: t, tape: &tape{}}
			for record, err := range r.store.ReadAll(t.Context(), eventstore.Start) {
				must(t, err)
				f.records = append(f.records, record)
			}
			at := f.find(c.ID, name, 1)
			if forge != nil {
				forge(f, at)
			}
			var looked atomic.Int64
			got := play(t, f.tape, func(v *audit.Verifier) {
				v.File = func(account uuid.UUID, a contract.Attachment) error {
					if looked.Add(1); account != ani.Account || a.Size != 4 {
						t.Errorf("looked at %+v of %s", a, account)
					}
					return nil
				}
			}).Finding
			switch {
			case forge == nil && (got != nil || looked.Load() != 2):
				t.Errorf("found %v, and looked at %d files", got, looked.Load())
			case forge != nil && (got == nil || got.Law != audit.LawFiles || !strings.HasPrefix(got.Type, name)):
				t.Errorf("found %v", got)
			}
		})
	}
}

func TestR26_VerifyNamesTheRecordWhoseFileIsWrong(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	r.link(ani, c)
	r.withFiles(ani, c.ID)
	v := &audit.Verifier{Store: r.store, File: func(uuid.UUID, contract.Attachment) error { return errors.New("it is gone") }}
	result, err := v.Verify(t.Context())
	must(t, err)
	if got := result.Finding; got == nil || got.Law != audit.LawFiles || !strings.Contains(got.Found, "it is gone") {
		t.Errorf("found %v", got)
	}
}
