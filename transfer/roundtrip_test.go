package transfer

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// everything is a directory of all contracts of a store.
type everything struct{ store eventstore.Store }

func (e everything) Contracts(ctx context.Context, _ string) (ids []uuid.UUID, _ string, err error) {
	seen := map[uuid.UUID]bool{}
	for r, err := range e.store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return nil, "", err
		}
		if id, ok := ledger.ContractOf(r.Stream); ok && !seen[id] {
			seen[id], ids = true, append(ids, id)
		}
	}
	return ids, "", nil
}

func (r *rig) exportAll(format Format) string {
	r.t.Helper()
	var out bytes.Buffer
	must(r.t, (&Exporter{Ledger: r.Ledger, Directory: everything{r.store}}).Write(r.t.Context(), format, &out))
	return out.String()
}

// cellsIn are the rows of an export by their columns, without those that are empty.
func cellsIn(t testing.TB, format Format, text string) (rows []map[string]string) {
	t.Helper()
	if format == JSONL {
		for line := range strings.Lines(text) {
			var cells map[string]any
			must(t, json.Unmarshal([]byte(line), &cells))
			row := map[string]string{}
			for name, v := range cells {
				row[name] = strings.TrimSuffix(fmt.Sprint(v), ".0")
			}
			rows = append(rows, row)
		}
		return rows
	}
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(t, err)
	for _, values := range all[1:] {
		row := map[string]string{}
		for i, v := range values {
			if v != "" {
				row[all[0][i]] = v
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// withContractIDs is an export with what no export has: the Contract IDs, on the rows of
// contracts, by whoever knows them.
func withContractIDs(t testing.TB, format Format, text string, ids map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	rows := cellsIn(t, format, text)
	names := map[string]bool{"contract_id": true}
	for _, row := range rows {
		if row["record"] == "contract" {
			row["contract_id"] = ids[row["access_id"]]
		}
		for name := range row {
			names[name] = true
		}
	}
	w := newRowWriter(format, &out, slices.Sorted(maps.Keys(names)))
	must(t, w.begin())
	for _, row := range rows {
		if format == JSONL {
			must(t, w.json.Encode(row))
			continue
		}
		line := make([]string, len(w.columns))
		for i, name := range w.columns {
			line[i] = row[name]
		}
		must(t, w.csv.Write(line))
	}
	must(t, w.flush())
	return out.String()
}

// alike are the rows of an export without what cannot be the same in another ledger: ids
// that it gives, days on which it heard of something, and how what remains has come about.
func alike(t testing.TB, format Format, text string) []string {
	t.Helper()
	var all []string
	names := map[string]string{}
	rows := cellsIn(t, format, text)
	for _, row := range rows {
		names[row["partner"]] = row["partner_name"] + names[row["partner"]]
		names[row["location"]] = row["location_name"] + names[row["location"]]
	}
	for _, row := range rows {
		row["partner"], row["location"] = names[row["partner"]], names[row["location"]]
		for _, name := range []string{"contract", "partner_id", "registered_on", "predecessor", "successor", "granted", "adjusted", "consumed", "lapsed", "moved", "linked_at"} {
			delete(row, name)
		}
		all = append(all, fmt.Sprint(row))
	}
	slices.Sort(all)
	return all
}

// aLedger is a file of what a ledger may have: partners with their places and people,
// contracts in every state in which they are imported, some used, some linked.
func aLedger(t *rapid.T) (text string, ids map[string]string) {
	var b strings.Builder
	ids = map[string]string{}
	name := rapid.SampledFrom([]string{"Citra", "'=1+1", "=cmd|x", "007", "Ani, \"the second\"", "@ops", "-5", "'", "Łukasz"})
	digits := rapid.StringMatching("0{0,3}[0-9]{6,10}")
	b.WriteString(header + "\n")
	write := func(cells ...string) { b.WriteString(quoted(cells) + "\n") }
	partners := rapid.IntRange(0, 3).Draw(t, "partners")
	for p := range partners {
		at := fmt.Sprint("partner=p", p)
		write("record=partner", at, fmt.Sprintf("partner_name=Partner %d %s", p, name.Draw(t, "name")), "level=gold", "signature=true", "country=ID", "time_zone=Asia/Jakarta", "contact_name="+name.Draw(t, "name"), fmt.Sprintf("contact_email=hq%d@example.com", p))
		for l := range rapid.IntRange(0, 2).Draw(t, "locations") {
			loc := fmt.Sprint("location=l", l)
			write("record=location", at, loc, fmt.Sprintf("location_name=At %d %d", p, l), "country=US", "time_zone=America/New_York", "contact_name="+name.Draw(t, "name"), fmt.Sprintf("contact_email=loc%d-%d@example.com", p, l), "contact_language=id")
			write("record=contact", at, loc, "country=AU", "contact_name="+name.Draw(t, "name"), fmt.Sprintf("contact_email=other%d-%d@example.com", p, l))
		}
	}
	for c := range rapid.IntRange(1, 6).Draw(t, "contracts") {
		access, secret := fmt.Sprintf("00%d", 10000+c)+digits.Draw(t, "access"), digits.Draw(t, "secret")
		ids[access] = secret
		pair := []string{"access_id=" + access, "contract_id=" + secret}
		programme := rapid.SampledFrom([]string{"gold", "silver", "maps", "scs", "asfp", "msdn", "toolkit", "ppi"}).Draw(t, "programme")
		row := append([]string{"record=contract", "programme=" + programme, "country=" + rapid.SampledFrom([]string{"", "ID", "US"}).Draw(t, "country"),
			"contact_name=" + name.Draw(t, "name"), "contact_email=c@example.com", "contact_language=" + rapid.SampledFrom([]string{"", "id"}).Draw(t, "language")}, pair...)
		state := rapid.SampledFrom([]string{"active", "active", "waiting", "registered"}).Draw(t, "status")
		if programme == "msdn" || programme == "ppi" {
			state = "active"
		}
		row = append(row, "status="+state, "time_zone="+rapid.SampledFrom([]string{"", "Asia/Jakarta", "America/New_York"}).Draw(t, "zone"))
		switch state {
		case "active":
			row = append(row, "starts_on=2026-01-15")
		case "waiting":
			row = append(row, "starts_on=2026-05-15", "expires_on=2027-05-14")
		}
		if partners > 0 && rapid.Bool().Draw(t, "of a partner") {
			row = append(row, fmt.Sprint("partner=p", c%partners))
		} else if rapid.Bool().Draw(t, "of another's") {
			row = append(row, "partner_id=0046")
		}
		write(row...)
		if state == "active" && programme != "scs" && rapid.Bool().Draw(t, "used") {
			write(append([]string{"record=balance", "unit=incident", fmt.Sprint("remaining=", rapid.IntRange(0, 30).Draw(t, "remaining"))}, pair...)...)
		}
		if portal := map[string]string{"scs": "azure", "asfp": "azure"}[programme]; state == "active" {
			for l := range rapid.IntRange(0, 2).Draw(t, "links") {
				write(append([]string{"record=link", "portal=" + orElse(portal, "oas"), "issuer=i", fmt.Sprint("subject=", l)}, pair...)...)
			}
		}
	}
	return b.String(), ids
}

// quoted is a line of CSV.
func quoted(cells []string) string {
	values := map[string]string{}
	for _, c := range cells {
		name, value, _ := strings.Cut(c, "=")
		values[name] = value
	}
	var out bytes.Buffer
	w := newRowWriter(CSV, &out, strings.Split(header, ","))
	line := map[string]any{}
	for name, v := range values {
		line[name] = v
	}
	if err := w.write(Record(values["record"]), map[string]any{}, line); err != nil {
		panic(err) // into memory
	}
	_ = w.flush()
	return strings.TrimSuffix(out.String(), "\n")
}

// R1: what an export writes can be imported into an empty ledger, once whoever knows the
// Contract IDs has put them on the rows of contracts; and what that ledger exports is
// the same: partners, places, people, contracts, what remains, and who is linked.
func TestWhatIsExportedCanBeImported(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text, ids := aLedger(rt)
		from := newRig(t)
		from.imports(CSV, text)
		from.use(rt)
		format := rapid.SampledFrom([]Format{CSV, JSONL}).Draw(rt, "format")
		exported := from.exportAll(format)
		to, again := newRig(t), withContractIDs(t, format, exported, ids)
		for _, changed := range []bool{true, false} {
			before := to.head()
			report := to.imports(format, again)
			if changed != (to.head() != before) {
				t.Errorf("imported again %+v: %d events", report, to.head()-before)
			}
		}
		if got, want := alike(t, format, to.exportAll(format)), alike(t, format, exported); !slices.Equal(got, want) {
			t.Fatalf("exported was\n%s\nand then\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	})
}

// use has operators add to contracts that are active, so that an export tells of more than
// was imported.
func (r *rig) use(rt *rapid.T) {
	ids, _, err := everything{r.store}.Contracts(r.t.Context(), "")
	must(r.t, err)
	for _, id := range ids {
		active := false
		must(r.t, r.Ledger.View(r.t.Context(), id, func(s *contract.State, _ time.Time) {
			active = s.Status(start) == contract.StatusActive && !s.Balances(start)[contract.Incident].Unlimited
		}))
		if active && rapid.Bool().Draw(rt, "granted") {
			_, err := r.Ledger.Change(r.t.Context(), r.by("grant"), id, &contract.AddGrant{Unit: contract.Incident, Quantity: 7, Reason: "goodwill"})
			must(r.t, err)
		}
	}
}
