package api

import (
	"strings"
	"testing"
	"time"
)

const aFile = `record,access_id,contract_id,programme,country,status,starts_on,contact_name,contact_email,unit,remaining
contract,0230242323,0098765432,gold,ID,active,2026-01-15,Citra,citra@example.com,,
balance,0230242323,0098765432,,,,,,,incident,14
`

func (r *rig) imports(as, content string, headers ...string) answer {
	r.t.Helper()
	return r.post(as, importsPath, content, append([]string{"Content-Type", csvType}, headers...)...)
}

// importOver waits until an import is over.
func (r *rig) importOver(as, at string) answer {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		a := r.get(as, at).is(200)
		if a.text("status") != "running" {
			return a
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the import does not end: %s", a.body)
		}
	}
}

func TestAnImportTellsHowFarItIs(t *testing.T) {
	r := newRig(t)
	dry := r.post(r.operator(), importsPath+"?dry_run=true", aFile, "Content-Type", csvType).is(202)
	r.importOver(r.operator(), dry.Header.Get("Location")).equals("status", "done").equals("started", false).equals("rows", 2)
	r.get(r.operator(), "/v1/contracts?access_id=0230242323").is(200).equals("items", []object{})

	begun := r.imports(r.operator(), aFile, "Idempotency-Key", "once").is(202)
	at := begun.Header.Get("Location")
	r.importOver(r.operator(), at).equals("status", "done").equals("contracts", object{"rows": 1, "new": 1, "unchanged": 0}).
		equals("balances", object{"rows": 1, "new": 1, "unchanged": 0})
	again := r.imports(r.operator(), aFile, "Idempotency-Key", "once").is(202)
	if again.Header.Get("Idempotency-Replayed") != "true" || again.Header.Get("Location") != at {
		t.Errorf("a repeat is answered with %v", again.Header)
	}
	r.imports(r.operator(), aFile+"\n", "Idempotency-Key", "once").refuses(422, "idempotency-key-reused")
	r.post(r.operator(), importsPath+"?dry_run=true", aFile, "Content-Type", csvType, "Idempotency-Key", "once").refuses(422, "idempotency-key-reused")
	third := r.imports(r.operator(), aFile).is(202)
	r.importOver(r.operator(), third.Header.Get("Location")).equals("contracts", object{"rows": 1, "new": 0, "unchanged": 1})

	bad := r.imports(r.operator(), strings.Replace(aFile, "gold", "platinum", 1)).is(202)
	a := r.importOver(r.operator(), bad.Header.Get("Location")).equals("status", "mistaken").equals("mistake_count", 1)
	if !strings.Contains(string(a.body), `"line":2,"column":32,"field":"programme"`) {
		t.Errorf("the mistake is %s", a.body)
	}
	r.get(r.token("another operator", "operator"), at).refuses(404, "import-not-found")
	r.get(r.operator(), importsPath+"/x").refuses(404, "import-not-found")
	r.imports(r.operator(), aFile, "Content-Type", "application/json").refuses(415, "unsupported-media-type")
	for _, answer := range []answer{a, begun} {
		if strings.Contains(string(answer.body), "0098765432") {
			t.Errorf("R3: an answer holds a Contract ID: %s", answer.body)
		}
	}
}

func TestAnExportIsForOperatorsAndAuditors(t *testing.T) {
	r := newRig(t)
	r.importOver(r.operator(), r.imports(r.operator(), aFile).is(202).Header.Get("Location"))
	head, err := r.Ledger.Head(t.Context())
	must(t, err)
	for _, as := range []string{r.operator(), r.auditor()} {
		a := r.get(as, exportsPath+"?after="+head.String()).is(200)
		if text := string(a.body); !strings.Contains(text, "0230242323") || strings.Contains(text, "0098765432") || strings.Count(text, "\n") != 4 {
			t.Errorf("the export is %s", text)
		}
	}
	a := r.get(r.operator(), exportsPath+"?format=jsonl&records=balance&after="+head.String()).is(200)
	if text := string(a.body); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"remaining":14`) || a.Header.Get("Content-Type") != jsonlType {
		t.Errorf("balances are %v %s", a.Header, text)
	}
	r.get(r.operator(), exportsPath+"?records=contracts").refuses(400, "malformed-parameter")
	r.get(r.operator(), exportsPath+"?format=xml").refuses(400, "malformed-parameter")
}
