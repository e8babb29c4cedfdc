package audit_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// A membership year's contract may be followed while it is blank (R28), not before its
// year is over; another contract that was never activated is followed by none.
func TestVerifyKnowsWhichBlankContractsAreFollowed(t *testing.T) {
	r := newRig(t)
	p, err := r.RegisterPartner(t.Context(), r.by(operator, "partner"), partner.Register{
		Company: "Contoso", Level: "gold", Country: "ID", TimeZone: "Asia/Jakarta",
	}, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"})
	must(t, err)
	var years []uuid.UUID
	for n := range 2 {
		year, err := r.RenewMembership(t.Context(), r.by(operator, "renewal"), p.ID, catalog.DateOf(start.AddDate(n, 0, 0), time.UTC))
		must(t, err)
		years = append(years, year.Contracts[0].ID)
	}
	other := r.register("blank")
	for name, x := range map[string]struct {
		law   string
		forge func(f *forger)
	}{
		"as it was": {"", func(*forger) {}},
		"within its year": {audit.LawRenewal, func(f *forger) {
			f.set(f.find(years[0], "contract.renewed", 1), "starts_on", "2026-12-31")
		}},
		"of no year": {audit.LawState, func(f *forger) {
			i := f.find(other.ID, "contract.registered", 1)
			f.copy(i, i+1, true)
			f.records[i+1].Type, f.records[i+1].Data = "contract.renewed.v1", []byte(`{"successor":"00000000-0000-4000-8000-000000000009","starts_on":"2028-01-01"}`)
		}},
	} {
		f := &forger{t: t, tape: &tape{records: r.records()}}
		x.forge(f)
		got := play(t, f.tape, nil).Finding
		if x.law == "" && got != nil || x.law != "" && (got == nil || got.Law != x.law) {
			t.Errorf("%s: found %v, want %q", name, got, x.law)
		}
	}
}
