package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const importHeader = "record,access_id,contract_id,programme,country,status,starts_on,contact_name,contact_email,unit,remaining,portal,issuer,subject\n"

// importFile writes a file of so many contracts, each with a balance and a link.
func importFile(t testing.TB, contracts int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "contracts.csv")
	f, err := os.Create(path)
	must(t, err)
	w := bufio.NewWriter(f)
	fmt.Fprint(w, importHeader)
	today := time.Now().UTC().Format(time.DateOnly)
	for i := range contracts {
		fmt.Fprintf(w, "contract,%010d,%010d,gold,ID,active,%s,Contact %d,contact%d@example.com,,,,,\n", i, 7*i+1, today, i, i)
	}
	for i := range contracts {
		fmt.Fprintf(w, "balance,%010d,%010d,,,,,,,incident,%d,,,\n", i, 7*i+1, i%20)
		fmt.Fprintf(w, "link,%010d,%010d,,,,,,,,,mpn,https://login.example.com,user %d\n", i, 7*i+1, i)
	}
	must(t, w.Flush())
	must(t, f.Close())
	return path
}

// A file is imported into a ledger that runs, and into one that does not, with the
// same words; what was imported is what the ledger then shows, and verifies.
func TestImportExportAndStatementAsCommands(t *testing.T) {
	dir, path := t.TempDir(), importFile(t, 50)
	s := serve(t, dir)
	if out := succeed(t, "import", "--data", dir, "--dry-run", path); !strings.Contains(out, "150 rows: 50 contracts, 50 balances, 50 links; all of it is right") {
		t.Errorf("a dry run says %q", out)
	}
	if out := succeed(t, "import", "--data", dir, path); !strings.Contains(out, "new: 50 contracts, 50 balances, 50 links; there already: 0, 0, 0") {
		t.Errorf("an import says %q", out)
	}
	var found struct{ Items []pack }
	s.get("operator", "/v1/contracts?access_id=0000000003", &found)
	if len(found.Items) != 1 {
		t.Fatalf("found are %+v", found)
	}
	running := succeed(t, "export", "--data", dir)
	must(t, s.stop())

	if out := succeed(t, "import", "--data", dir, path); !strings.Contains(out, "new: 0 contracts, 0 balances, 0 links; there already: 50, 50, 50") {
		t.Errorf("the same file again says %q", out)
	}
	stopped := succeed(t, "export", "--data", dir)
	if running != stopped || strings.Count(stopped, "\n") != 1+50+100+50 {
		t.Errorf("an export has %d lines, of the running ledger %d", strings.Count(stopped, "\n"), strings.Count(running, "\n"))
	}
	if out := succeed(t, "export", "--data", dir, "--format", "jsonl", "--records", "link"); strings.Count(out, "\n") != 50 {
		t.Errorf("links are %q", out)
	}
	out := succeed(t, "statement", "--data", dir, found.Items[0].ID)
	for _, word := range []string{"0000000003 - Partner Support Gold 20Pack", "opening balance, imported", "closing", "-17"} {
		if !strings.Contains(out, word) {
			t.Errorf("the statement does not say %q:\n%s", word, out)
		}
	}
	succeed(t, "statement", "--data", dir, "--format", "csv", "--from", "2020-01-01", found.Items[0].ID)
	fail(t, exitUsage, []string{"--from"}, "statement", "--data", dir, "--from", "yesterday", found.Items[0].ID)
	fail(t, exitFailed, []string{"contract-not-found"}, "statement", "--data", dir, "7d0f3c1e-6a64-4c0e-9b53-0a4f6c0c1a11")
	succeed(t, "verify", "--data", dir)
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	must(t, s.stop())
	path := filepath.Join(t.TempDir(), "bad.csv")
	must(t, os.WriteFile(path, []byte(importHeader+"contract,0000000001,12,platinum,ID,,,C,c@example.com,,,,,\n"), 0o600))
	fail(t, exitFailed, []string{path + ":2:21: contract_id must be 6 to 20 digits", "1 rows, 1 mistakes; nothing was imported"}, "import", "--data", dir, path)
	fail(t, exitFailed, []string{`"line":2,"column":21,"field":"contract_id"`}, "import", "--data", dir, "--json", path)
	fail(t, exitUsage, []string{"--format"}, "import", "--data", dir, dir)
	fail(t, exitFailed, []string{"no such file"}, "import", "--data", dir, path+".csv")
	fail(t, exitUsage, []string{"is no file"}, "import", "--data", dir, "--format", "csv", dir)
	other := filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", other)
	fail(t, exitFailed, []string{"fit"}, "import", "--data", dir, "--keys", other, path)
}

// 100,000 contracts take less than two minutes and 256 MiB; the same file again
// changes nothing; an import that is killed again and again comes to its end.
func TestManyContractsAreImportedInTimeAndMemory(t *testing.T) {
	contracts := 10_000
	if long() {
		contracts = 100_000
	}
	dir, path := t.TempDir(), importFile(t, contracts)
	s := serve(t, dir)
	must(t, s.stop())
	program, err := binary()
	must(t, err)
	for range 3 { // killed in the middle
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_ = exec.CommandContext(ctx, program, "import", "--data", dir, path).Run()
		cancel()
	}
	for _, want := range []string{"", "new: 0 contracts, 0 balances, 0 links"} {
		begun := time.Now()
		cmd := exec.Command(program, "import", "--data", dir, path)
		var out strings.Builder
		cmd.Stdout = &out
		must(t, cmd.Start())
		memory := watchMemory(cmd.Process.Pid)
		err := cmd.Wait()
		took := time.Since(begun)
		if err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("%v: %s", err, out.String())
		}
		most := memory()
		t.Logf("%d contracts with a balance and a link each: %v, %d MiB; %s", contracts, took.Round(time.Millisecond), most>>20, out.String())
		if took > 2*time.Minute || most > 256<<20 {
			t.Errorf("it took %v and %d MiB", took, most>>20)
		}
	}
	if out := succeed(t, "verify", "--data", dir); !strings.Contains(out, fmt.Sprint(contracts, " contracts")) {
		t.Errorf("verify says %s", out)
	}
}

// A Contract ID of a file that was imported, rightly or not, is nowhere: not in
// what the commands print, what the ledger answers, its log, or its files (R3).
func TestR3_NoContractIDOfAnImportIsAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "contracts.csv")
	const secret = "7391846205"
	right := "contract,0000000001," + secret + ",gold,ID,active," + time.Now().UTC().Format(time.DateOnly) + ",C,c@example.com,,,,,\n"
	must(t, os.WriteFile(path, []byte(importHeader+right), 0o600))
	bad := filepath.Join(t.TempDir(), "bad.csv")
	must(t, os.WriteFile(bad, []byte(importHeader+right+right+"contract,"+secret+","+secret+",x"+secret+",ID,,,C,c@example.com,,,,,\n"), 0o600))
	from := serve(t, dir, "--log-level", "debug", "--nats-listen", "127.0.0.1:0")
	s := &search{t: t, said: map[string]string{}}
	code, out, errs := command("import", "--data", dir, bad)
	s.said["a refused import"] = fmt.Sprint(code, out, errs)
	s.said["an import"] = succeed(t, "import", "--data", dir, path)
	for i, call := range []string{right, right + right} {
		r, err := http.NewRequest(http.MethodPost, from.base+"/v1/imports", strings.NewReader(importHeader+call))
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+from.tokens["operator"])
		r.Header.Set("Idempotency-Key", fmt.Sprint("import ", i))
		r.Header.Set("Content-Type", "text/csv")
		answer, err := from.client.Do(r)
		must(t, err)
		at := answer.Header.Get("Location")
		must(t, answer.Body.Close())
		s.keep(from, "operator", http.MethodGet, at, nil)
	}
	var found struct{ Items []pack }
	from.get("operator", "/v1/contracts?access_id=0000000001", &found)
	for _, path := range []string{"/v1/exports", "/v1/exports?format=jsonl", "/v1/contracts", "/v1/contracts/" + found.Items[0].ID + "/statement",
		"/v1/contracts/" + found.Items[0].ID + "/history", "/metrics"} {
		s.keep(from, "operator", http.MethodGet, path, nil)
	}
	s.hear(from)
	must(t, from.stop())
	s.said["log"] = from.log.String()
	if deliveries, letters := s.keepFiles(dir); deliveries+letters > 0 {
		t.Errorf("an import sends %d letters with IDs, and %d others", deliveries, letters)
	}
	s.texts = []string{secret}
	s.mustFindNone("R3")
}
