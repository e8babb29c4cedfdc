//go:build linux

package faults_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// R42: whatever bit flips in whatever file of a stopped ledger, it is harmless or
// reported: the ledger does not start, answers with a problem, or verify names
// what is wrong. What is read from the log is never answered differently; a list
// only where verify says that the list is wrong. Read models keep no ledger from
// starting.
func TestR42_BitFlipsAreHarmlessOrReported(t *testing.T) {
	t.Parallel()
	r, seed := newRelic(t), rand.Uint64()
	reported, rounds := 0, storetest.Rounds(30, 300)
	for n := range rounds {
		rnd := rand.New(rand.NewPCG(seed, uint64(n)))
		dir := filepath.Join(t.TempDir(), "flipped")
		must(t, os.CopyFS(dir, os.DirFS(r.dir)))
		makePrivate(t, dir)
		what := fmt.Sprintf("seed %d round %d: %s", seed, n, flip(t, dir, rnd))
		report := r.examine(t, dir, what)
		if report != "" {
			reported++
			t.Logf("%s: %s", what, report)
		}
		must(t, os.RemoveAll(dir))
	}
	if reported < rounds/6 {
		t.Errorf("only %d of %d flips were noticed", reported, rounds)
	}
}

// A relic is the folder of a ledger that was stopped, and what it answered.
type relic struct {
	dir   string
	story *story
	keys  map[string]string // path → who asks
	was   map[string]string // path → answer
}

// newRelic makes a folder with tables and write-ahead files in the store, some
// people, and rows in every list.
func newRelic(t *testing.T) *relic {
	t.Helper()
	r := &relic{dir: filepath.Join(t.TempDir(), "relic"), story: newStory(), was: map[string]string{}}
	p := launch(t, r.dir)
	if key, got := r.story.tell(p); key != "" {
		t.Fatalf("%s: %v", key, got)
	}
	p.stop()
	p = launch(t, r.dir)
	l := newLoad(p)
	for range 100 {
		l.ask(p, nil)
	}
	p.kill()
	p = launch(t, r.dir)
	for range 20 {
		l.ask(p, nil)
	}
	r.keys = paths(r.story, l)
	for path, who := range r.keys {
		var any any
		got := p.get(who, path)
		got.read(t, &any)
		r.was[path] = timeless(got.body)
	}
	p.stop()
	if report := r.examine(t, r.dir, "without a flip"); report != "" {
		t.Fatal(report)
	}
	return r
}

// paths are what is read, and who reads it.
func paths(s *story, l *load) map[string]string {
	who := map[string]string{
		"/v1/contracts?limit=1000": "operator", "/v1/incidents?limit=1000": "engineer", "/v1/links": "customer-ani",
		"/v1/me/benefits": "customer-ani", "/v1/me/activity?limit=1000": "customer-ani",
	}
	for _, c := range append(l.contracts, s.contract) {
		who["/v1/contracts/"+c.ID] = "operator"
		who["/v1/contracts/"+c.ID+"/history?limit=1000"] = "auditor"
		who["/v1/contracts/"+c.ID+"/balance"] = "auditor"
	}
	for _, number := range s.numbers {
		who["/v1/incidents/"+number] = "customer-ani"
	}
	for _, number := range l.acked {
		who["/v1/incidents/"+number] = "engineer"
	}
	return who
}

// asOf is when an answer was given, where it says so.
var asOf = regexp.MustCompile(`("as_of":\{"position":[0-9]+),"time":"[^"]*"`)

func timeless(body string) string { return asOf.ReplaceAllString(body, "$1") }

// difference shows where two answers part.
func difference(is, was string) string {
	at := 0
	for at < min(len(is), len(was)) && is[at] == was[at] {
		at++
	}
	from := max(0, at-40)
	return fmt.Sprintf("%q, and was %q", is[from:min(len(is), at+40)], was[from:min(len(was), at+40)])
}

// isList says that a path is answered from the read models.
func isList(path string) bool {
	return !strings.HasPrefix(path, "/v1/contracts/") && !strings.HasPrefix(path, "/v1/incidents/")
}

// examine serves a folder, asks for everything, stops it and verifies it. It
// returns what was reported, "" for nothing.
func (r *relic) examine(t *testing.T, dir, what string) (report string) {
	t.Helper()
	p := start(t, dir, serving(t, dir))
	if p.base == "" {
		said := strings.TrimSpace(p.said.String())
		if err := p.wait(); err == nil || !strings.Contains(said, "supportledger: ") {
			t.Errorf("%s: it does not start, and does not say why: %v\n%s", what, err, said)
		}
		if strings.Contains(what, " of /read/") {
			t.Errorf("%s: it does not start, though the read models can be made anew: %s", what, said)
		}
		return "does not start: " + said[strings.LastIndex(said, "\n")+1:]
	}
	if p.tokens == nil {
		t.Fatalf("%s: no tokens", what)
	}
	var wrong []string
	for path, who := range r.keys {
		got := p.get(who, path)
		switch {
		case got.err != nil:
			t.Errorf("%s: %s: no answer: %v\n%s", what, path, got.err, p.said)
		case got.status != http.StatusOK:
			report = fmt.Sprintf("%s: %d %s", path, got.status, got.code())
		case timeless(got.body) == r.was[path]:
		case isList(path):
			wrong = append(wrong, path+": "+difference(timeless(got.body), r.was[path]))
		default:
			t.Errorf("%s: %s is answered silently: %s", what, path, difference(timeless(got.body), r.was[path]))
		}
	}
	again := p.post("customer-ani", "/v1/incidents", "submit first", submission(r.story.ID, "first"))
	if before := r.story.acked["submit first"]; again.good() && again.body != before.body {
		t.Errorf("%s: the same request was answered %s, and now %s", what, before.body, again.body)
	}
	p.stopAnyhow()
	if code, said := verify(t, dir); code != 0 {
		said = strings.TrimSpace(said)
		return "verify: " + said[strings.LastIndex(said, "\n")+1:]
	}
	if len(wrong) > 0 {
		t.Errorf("%s: verify does not mind that these lists are wrong: %v", what, wrong)
	}
	return report
}

// flip changes one bit: a third of the times of any file, else of any byte of the
// log, or of any byte but those of NATS, whose copy may be thrown away.
func flip(t testing.TB, dir string, rnd *rand.Rand) string {
	t.Helper()
	how := rnd.IntN(3)
	weight := func(path string, size int64) int64 {
		within := func(folder string) bool { return strings.HasPrefix(path, filepath.Join(dir, folder)) }
		switch {
		case how == 0:
			return min(size, 1)
		case how == 1 && !within("store"), within("nats"):
			return 0
		}
		return size
	}
	var paths []string
	var weights []int64
	var total int64
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			w := weight(path, info.Size())
			paths, weights, total = append(paths, path), append(weights, w), total+w
		}
		return err
	}))
	i := 0
	for at := rnd.Int64N(total); at >= weights[i]; i++ {
		at -= weights[i]
	}
	body, err := os.ReadFile(paths[i])
	must(t, err)
	bit := rnd.IntN(8 * len(body))
	body[bit/8] ^= 1 << (bit % 8)
	must(t, os.WriteFile(paths[i], body, 0o600))
	return fmt.Sprintf("bit %d of %s", bit, strings.TrimPrefix(paths[i], dir))
}

// makePrivate takes from a copy the rights that copying gave to others.
func makePrivate(t testing.TB, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
}
