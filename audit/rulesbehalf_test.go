package audit_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A right is recorded once, by the command that submits the incident, for whoever
// submits it, where it is submitted.
func TestR33_VerifyKnowsWhoMayAskForSomebodyElse(t *testing.T) {
	const name = "incident.right-used"
	for title, forge := range map[string]func(f *forger, at int){
		"right":                   nil,
		"by a command of its own": func(f *forger, at int) { f.records[at].Meta = withCommand(f.records[at].Meta, uuid.New()) },
		"of somebody else":        func(f *forger, at int) { f.set(at, "account", budi.Account) },
		"of another portal":       func(f *forger, at int) { f.set(at, "portal", "free") },
		"for nobody":              func(f *forger, at int) { f.set(at, "customer", "") },
		"by no right":             func(f *forger, at int) { f.set(at, "right", "") },
		"twice":                   func(f *forger, at int) { f.copy(at, at+1, false) },
	} {
		t.Run(title, func(t *testing.T) {
			r := newRig(t)
			c := r.register("pack")
			r.link(ani, c)
			_, err := r.Submit(t.Context(), r.by(ani, "submit"), &ledger.Submission{
				Submit: contract.Submit{
					Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A", Title: "It stopped", Agreement: "1", Language: "en",
					Behalf: &contract.Behalf{Customer: "contoso", Right: "administrator"},
				},
				Contract: c.ID, Texts: contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped."},
			})
			must(t, err)
			f := &forger{t: t, tape: &tape{}}
			for record, err := range r.store.ReadAll(t.Context(), eventstore.Start) {
				must(t, err)
				f.records = append(f.records, record)
			}
			if at := f.find(c.ID, name, 1); forge != nil {
				forge(f, at)
			}
			got := play(t, f.tape, func(*audit.Verifier) {}).Finding
			switch {
			case forge == nil && got != nil:
				t.Errorf("found %v", got)
			case forge != nil && (got == nil || got.Law != audit.LawRight || !strings.HasPrefix(got.Type, name)):
				t.Errorf("found %v", got)
			}
		})
	}
}
