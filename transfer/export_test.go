package transfer

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/ledger"
)

// listed is a directory of some contracts, one on each page.
type listed []uuid.UUID

func (l listed) Contracts(_ context.Context, cursor string) ([]uuid.UUID, string, error) {
	at := len(cursor)
	if at+1 >= len(l) {
		return l[at:], "", nil
	}
	return l[at : at+1], cursor + "x", nil
}

func (r *rig) export(format Format, records ...Record) string {
	r.t.Helper()
	id := func(access, contract string) uuid.UUID {
		return r.Ledger.ImportID(ledger.Pair{AccessID: access, ContractID: contract})
	}
	x := &Exporter{Ledger: r.Ledger, Records: records, Directory: listed{
		id("0230242323", "0098765432"), id("00000001", "00000002"), id("0230242324", "0098765433"),
	}}
	var out bytes.Buffer
	must(r.t, x.Write(r.t.Context(), format, &out))
	return out.String()
}

func TestAnExportHasEverythingButContractIDs(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, strings.Replace(someContracts, "Citra,", "'=cmd|x,", 1))
	text := r.export(CSV)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(t, err)
	count := map[string]int{}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	for _, row := range rows[1:] {
		count[row[0]]++
		for _, cell := range row {
			if _, err := strconv.Atoi(cell); err != nil && cell != "" && strings.Contains("=+-@", cell[:1]) {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
		if row[0] == "balance" && row[at["access_id"]] == "0230242323" && row[at["unit"]] == "incident" && row[at["remaining"]] != "14" {
			t.Errorf("a balance is %q", row)
		}
	}
	if count["contract"] != 3 || count["balance"] != 3 || count["link"] != 2 { // the silver one is blank
		t.Errorf("exported are %v:\n%s", count, text)
	}
	if !strings.Contains(text, "'=cmd|x") || !strings.Contains(text, "00000001") {
		t.Errorf("R1: the export is\n%s", text)
	}
	objects := r.export(JSONL)
	for line := range strings.Lines(objects) {
		var v map[string]any
		must(t, json.Unmarshal([]byte(line), &v))
		if v["access_id"] == "" || v["record"] == "" {
			t.Errorf("an object is %s", line)
		}
	}
	for _, secret := range []string{"0098765432", "00000002", "0098765433", "contract_id"} {
		if strings.Contains(text+objects, secret) {
			t.Errorf("R3: the export holds %s", secret)
		}
	}
	if only := r.export(CSV, Link); strings.Count(only, "\n") != 3 || strings.Contains(only, "balance,") {
		t.Errorf("links alone are\n%s", only)
	}
}

func TestR47_AnExportDoesNotKnowTheForgotten(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, someContracts)
	_, err := r.Ledger.Erase(t.Context(), r.by("erase"), r.keys.Contact("citra@example.com"), "asked")
	must(t, err)
	if text := r.export(CSV); strings.Contains(text, "citra") || !strings.Contains(text, "erased") {
		t.Errorf("the export is\n%s", text)
	}
}
