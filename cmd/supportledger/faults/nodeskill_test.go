//go:build linux

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/badline"
	"github.com/supportledger/supportledger/internal/paper"
)

// R6, R8, R16, R21, R22, R25, R38, R39, R41, R44: while nodes are killed, PostgreSQL
// crashes, lines to the log are cut and NATS goes away, one after another, callers
// who ask again until they are answered find one ledger, as if it were on paper; the
// feed tells everything once; every letter is recorded once; and every node says truly whether it is ready.
func TestThreeNodesSurviveWhatTheyStandOn(t *testing.T) {
	rounds := storetest.Rounds(20, 100)
	box := newLetterbox(t)
	s := newSite(t, servingMails, "--mail-from", "support@example.com", "--smtp", "smtp://"+box.address, "--smtp-plain", "--smtp-plain-ids")
	ear := s.listen()
	told := newTold(t)
	faults := []func(*site, int){nodeIsKilled, lineIsCut, databaseCrashes, nodeIsKilled, lineIsSilent, natsGoesAway, logIsGone}
	for round := range rounds {
		w := s.newWork(round, told)
		w.begin()
		w.until(len(w.sheets) * 3)
		w.beginGuessing()
		faults[round%len(faults)](s, round)
		w.over.Store(true)
		w.end()
		s.untilReady()
	}
	told.mustBeRecorded(s)
	s.mustHaveUniqueNumbers()
	if n := len(s.recorded("link.refused.v1")); n != guessesFail*rounds {
		t.Errorf("%d failed links of %d accounts are recorded, want %d of each", n, rounds, guessesFail)
	}
	heard := s.mustHear(ear)
	s.mustVerify(0)
	letters := s.mustTell(box, 2*sheets*rounds+len(told.numbers))
	s.mustVerify(2)
	t.Logf("%d rounds, %d incidents, %d repeats; %d requests were turned away and %d not answered, and sent again; "+
		"%d events heard, %d messages came again, the subscriber began anew %d times; %d letters, of which %d came again",
		rounds, len(told.numbers), told.repeats.Load(), s.turnedAway.Load(), s.unanswered.Load(), heard, ear.again, ear.fresh, letters, box.again())
}

func nodeIsKilled(s *site, round int) {
	n := round % nodes
	s.node(n).kill()
	s.launch(n)
}

func lineIsCut(s *site, round int) {
	n := round % nodes
	s.lines[n].Stop()
	s.until(n, "without its log", func(r readiness) bool { return r.Code == "unavailable" })
	s.until(n+1, "ready", func(r readiness) bool { return r.Status == "ready" })
	must(s.t, s.lines[n].Start())
}

// logIsGone, for all of them.
func logIsGone(s *site, _ int) {
	for n := range nodes {
		s.lines[n].Stop()
	}
	for n := range nodes {
		s.until(n, "without its log", func(r readiness) bool { return r.Code == "unavailable" })
	}
	for n := range nodes {
		must(s.t, s.lines[n].Start())
	}
}

// lineIsSilent: everything gets through to the log, and nothing back, until the
// line breaks.
func lineIsSilent(s *site, round int) {
	n := round % nodes
	s.lines[n].Disturb(badline.Deaf)
	s.until(n, "without its log", func(r readiness) bool { return r.Code == "unavailable" })
	s.lines[n].Calm()
	s.lines[n].Stop()
	must(s.t, s.lines[n].Start())
}

func databaseCrashes(s *site, _ int) {
	must(s.t, s.database.Crash(s.t.Context()))
	for n := range nodes {
		s.until(n, "without its databases", func(r readiness) bool { return r.Code == "unavailable" || r.Code == "lists-unavailable" })
	}
	must(s.t, s.database.Start(s.t.Context()))
}

// natsGoesAway: requests are answered as always, and readiness says what is missing.
func natsGoesAway(s *site, _ int) {
	s.stopNATS()
	for n := range nodes {
		s.until(n, "without its feed", func(r readiness) bool { return r.Status == "ready" && r.Feed == "disconnected" })
	}
	s.startNATS()
}

// mustTell waits until all letters were sent, at least so many, and holds those that
// arrived against the log.
func (s *site) mustTell(box *letterbox, least int) int {
	s.t.Helper()
	for n := range nodes {
		s.node(n).until("the last letter", func() bool {
			said := s.node(n).get("", "/metrics").body
			return strings.Contains(said, "\nsupportledger_mails_lag 0\n") && strings.Contains(said, "\nsupportledger_mails_waiting 0\n")
		})
	}
	for n := range nodes { // what was being sent is finished
		s.node(n).stop()
	}
	sent := mailsIn(s.t, s.log)
	for id := range box.taken {
		if sent[id] != 1 {
			s.t.Errorf("the letter %s arrived and is recorded %d times", id, sent[id])
		}
	}
	if len(sent) < least || len(sent) != len(box.taken) {
		s.t.Errorf("%d letters are recorded and %d arrived, want %d at least", len(sent), len(box.taken), least)
	}
	return len(sent)
}

// told is what callers were told for certain, about all contracts.
type told struct {
	t       testing.TB
	repeats atomic.Int64

	mu      sync.Mutex
	numbers map[string]string // of incidents → their titles
}

func newTold(t testing.TB) *told { return &told{t: t, numbers: map[string]string{}} }

func (d *told) incident(number, title string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.numbers[number] != "" {
		d.t.Errorf("%s and %s were both given the number %s", d.numbers[number], title, number)
	}
	d.numbers[number] = title
}

// mustBeRecorded compares it with the log: what was answered is there, once, and
// nothing else.
func (d *told) mustBeRecorded(s *site) {
	d.t.Helper()
	all := s.recorded("incident.submitted.v1")
	for _, e := range all {
		if title := d.numbers[fmt.Sprint(e["number"])]; title != e["title"] {
			d.t.Errorf("%s was answered under the number of %s, which is recorded", title, e["title"])
		}
	}
	if len(all) != len(d.numbers) {
		d.t.Errorf("%d incidents are recorded, %d were answered", len(all), len(d.numbers))
	}
}

// A work is what callers do in one round, on contracts of that round.
type work struct {
	*site
	*told
	round  int
	sheets []*sheet
	done   atomic.Int64 // steps
	failed atomic.Int64 // guesses
	over   atomic.Bool  // what was taken away is there again
	all    sync.WaitGroup
}

// A sheet is one contract, and what was answered about it.
type sheet struct {
	contract
	paper.History
}

const (
	sheets         = 2
	callersOfSheet = 3
	stepsAtLeast   = 10 // of a caller, who goes on while something is missing
	stepsAtMost    = 40
	sheetIncidents = 6
)

func (s *site) newWork(round int, d *told) *work {
	w := &work{site: s, told: d, round: round}
	for n := range sheets {
		w.sheets = append(w.sheets, &sheet{contract: s.contract(fmt.Sprint("round ", round, " ", n), sheetIncidents)})
	}
	return w
}

func (w *work) begin() {
	for n, of := range w.sheets {
		for caller := range callersOfSheet {
			w.all.Go(func() { w.call(of, caller, fmt.Sprint(w.round, "-", n, "-", caller)) })
		}
	}
}

// until waits until so many steps were taken.
func (w *work) until(steps int) {
	for int(w.done.Load()) < steps && !w.site.t.Failed() {
		<-time.After(time.Millisecond)
	}
}

// end waits for all callers, and judges what they were answered.
func (w *work) end() {
	w.site.t.Helper()
	w.all.Wait()
	for _, of := range w.sheets {
		if err := of.Judge(sheetIncidents); err != nil {
			w.site.t.Errorf("round %d: %v", w.round, err)
		}
		granted := int64(sheetIncidents)
		open := w.site.deducted(of.contract)
		if left := w.available(of.ID); granted != left+open {
			w.site.t.Errorf("round %d: %d granted, %d are left and %d deducted", w.round, granted, left, open)
		}
	}
}

// deducted is how many incidents of a contract stay deducted, by its history, as any
// node tells that has its log again.
func (s *site) deducted(c contract) (n int64) {
	s.t.Helper()
	get := func(path string) reply { return s.ask(rand.IntN(nodes), "auditor", http.MethodGet, path, "", nil) }
	for _, e := range historyOf(s.t, c.ID, get) {
		switch e.Type {
		case "incident.deducted.v1":
			n++
		case "incident.credited-back.v1":
			n--
		}
	}
	return n
}

// call is one caller's work.
func (w *work) call(of *sheet, caller int, name string) {
	var open []string // numbers of incidents that it may have credited
	for step := 0; step < stepsAtLeast || step < stepsAtMost && !w.over.Load(); step++ {
		kind := []string{"submit", "submit", "submit", "credit", "read", "suspend", "resume", "resume"}[rand.IntN(8)]
		if kind == "credit" && len(open) == 0 {
			kind = "read"
		}
		began, key := time.Now(), fmt.Sprint(kind, " ", name, "-", step)
		at := "/v1/contracts/" + of.ID
		switch kind {
		case "submit":
			if number := w.submit(of, caller, began, key); number != "" {
				open = append(open, number)
			}
		case "credit":
			got := w.ask(rand.IntN(nodes), "engineer", http.MethodPost, "/v1/incidents/"+open[0]+"/close", key,
				fields{"closure": "product-defect", "resolution": "See the update."})
			of.Note(caller, began, paper.Step{Kind: kind, Code: got.code(), Left: paper.Untold})
			open = open[1:]
		case "read":
			of.Note(caller, began, paper.Step{Kind: kind, Left: w.available(of.ID)})
		default:
			got := w.ask(rand.IntN(nodes), "operator", http.MethodPost, at+"/"+kind, key, fields{"reason": "a test"})
			of.Note(caller, began, paper.Step{Kind: kind, Code: got.code()})
		}
		w.done.Add(1)
	}
}

// submit asks for an incident, sometimes at two nodes at once: who is answered
// twice is answered the same.
func (w *work) submit(of *sheet, caller int, began time.Time, key string) (number string) {
	got := make([]reply, 1+rand.IntN(2))
	first := rand.IntN(nodes)
	volley(len(got), func(i int) {
		got[i] = w.ask(first+i, "customer-ani", http.MethodPost, "/v1/incidents", key, submission(of.ID, key))
	})
	made, place := "", ""
	for _, r := range got {
		if r.header.Get("Idempotency-Replayed") == "true" {
			w.repeats.Add(1)
		}
		if !r.good() {
			of.Note(caller, began, paper.Step{Kind: "submit", Code: r.code()})
			continue
		}
		if made != "" {
			if made != r.body || place != r.header.Get("Ledger-Position") {
				w.site.t.Errorf("under one key, one node answers %s (%s), another %s (%s)", made, place, r.body, r.header.Get("Ledger-Position"))
			}
			continue
		}
		made, place = r.body, r.header.Get("Ledger-Position")
		var in struct {
			Number    string
			Remaining int64
		}
		r.read(w.site.t, &in)
		number = in.Number
		w.incident(number, key)
		of.Note(caller, began, paper.Step{Kind: "submit", Left: in.Remaining})
	}
	return number
}
