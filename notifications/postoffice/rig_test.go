package postoffice_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/transcript"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
	"github.com/supportledger/supportledger/notifications/mail"
	"github.com/supportledger/supportledger/notifications/postoffice"
	"github.com/supportledger/supportledger/vault"
)

// tooLong is more than anything here takes; a test fails after never, since others
// may want the machine, too.
const (
	tooLong = 60 * time.Second
	never   = 5 * time.Minute
)

var (
	start    = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
	engineer = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000ee"), Role: ledger.Engineer}
	ani      = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "desk"}
)

// A rig is a ledger with its feed and a post office, on a clock that stands.
type rig struct {
	*ledger.Ledger
	t      testing.TB
	dir    string
	config mail.Config
	wait   postoffice.Patience
	nodes  int // post offices, each with a ledger of its own
	trap   trap
	said   *transcript.Transcript
	keys   *vault.Keys
	clock  *ledger.TestClock
	store  *pebblestore.Store
	people *vault.PeopleFile
	broker *broker.Broker
	calls  int
	counts []counts // of each post office, since it was opened
	stop   func()
}

// newRig is a ledger that records; open lets mails go out.
func newRig(t testing.TB, c mail.Config) *rig {
	r := &rig{t: t, dir: t.TempDir(), config: c, said: new(transcript.Transcript), keys: vault.Generate(), clock: ledger.NewTestClock(start), wait: impatient(), nodes: 1}
	people, err := vault.CreatePeople(filepath.Join(r.dir, "people"))
	must(t, err)
	r.people = people
	r.store, err = pebblestore.Open(filepath.Join(r.dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	r.trap.Store = r.store
	r.Ledger = r.another()
	r.stop = func() {}
	t.Cleanup(func() { r.close(); _ = r.store.Close(); _ = r.people.Close() })
	return r
}

// another is one more ledger on the same store, as on another node.
func (r *rig) another() *ledger.Ledger {
	l, err := ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(r.t, err)
	return l
}

// impatient is a patience that tests can wait for.
func impatient() postoffice.Patience {
	return postoffice.Patience{
		First: 20 * time.Millisecond, Most: 100 * time.Millisecond, Total: tooLong, Try: time.Second,
		Taken: time.Second, Look: 20 * time.Millisecond,
	}
}

// open starts NATS, the feed and the post offices.
func (r *rig) open() {
	r.t.Helper()
	var err error
	r.broker, err = broker.Open(broker.Config{Dir: r.nats(), Logger: r.said.Logger(slog.LevelInfo)})
	must(r.t, err)
	feed := notifications.New(notifications.Config{Store: r.store, Installation: r.keys.Installation(), Dial: r.broker.Dial, Logger: r.said.Logger(slog.LevelInfo)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	r.stop = func() { cancel(); running.Wait() }
	running.Go(func() { must(r.t, feed.Run(ctx)) })
	r.counts = nil
	for node := range r.nodes {
		l := r.Ledger
		if node > 0 {
			l = r.another()
		}
		mailer, err := mail.Open(r.config, r.dir)
		must(r.t, err)
		office := postoffice.New(postoffice.Config{
			Ledger: l, Store: &r.trap, Keys: r.keys, Catalog: shelf(), Mailer: mailer, Agenda: agenda{r.store},
			Dial: r.broker.Dial, Logger: r.said.Logger(slog.LevelInfo), Patience: r.wait,
		})
		r.counts = append(r.counts, countsOf(office))
		running.Go(func() {
			defer mailer.Close()
			must(r.t, office.Run(ctx))
		})
	}
}

func (r *rig) nats() string { return filepath.Join(r.dir, "nats") }

func (r *rig) close() {
	r.stop()
	r.stop = func() {}
	if r.broker != nil {
		must(r.t, r.broker.Close())
		r.broker = nil
	}
}

// by is a request under a key of its own.
func (r *rig) by(who ledger.Actor) ledger.Request {
	r.calls++
	return ledger.Request{By: who, Call: "call", Key: fmt.Sprint("key-", r.calls), Body: []byte("body")}
}

// linked is an active contract with n incidents that ani has linked.
func (r *rig) linked(n int64) ledger.ContractAnswer {
	r.t.Helper()
	return r.linkedAt("desk", "blank", n)
}

// linkedAt is one of a programme, linked at a portal.
func (r *rig) linkedAt(portal, programme string, n int64) ledger.ContractAnswer {
	r.t.Helper()
	answer, err := r.Register(r.t.Context(), r.by(operator), ledger.Registration{
		Programme: programme, Country: "ID", TimeZone: "Asia/Jakarta",
		Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "id",
	})
	must(r.t, err)
	_, err = r.Change(r.t.Context(), r.by(operator), answer.ID, &contract.Activate{Reason: "asked"})
	must(r.t, err)
	if n > 0 {
		r.add(answer.ID, n)
	}
	_, err = r.Link(r.t.Context(), r.by(at(portal)), ledger.Pair{AccessID: answer.Terms.AccessID, ContractID: answer.ContractID}, portal, "")
	must(r.t, err)
	return answer
}

// at is ani at a portal.
func at(portal string) ledger.Actor {
	who := ani
	who.Portal = portal
	return who
}

// add gives a contract n more incidents.
func (r *rig) add(id uuid.UUID, n int64) {
	r.t.Helper()
	_, err := r.Change(r.t.Context(), r.by(operator), id, &contract.AddGrant{Unit: contract.Incident, Quantity: n, Reason: "pack"})
	must(r.t, err)
}

// submit asks for help, and to be told at an address.
func (r *rig) submit(id uuid.UUID, email, language string) ledger.IncidentAnswer {
	r.t.Helper()
	answer, err := r.trySubmit("desk", id, email, language)
	must(r.t, err)
	return answer
}

func (r *rig) trySubmit(portal string, id uuid.UUID, email, language string) (ledger.IncidentAnswer, error) {
	return r.Submit(r.t.Context(), r.by(at(portal)), &ledger.Submission{
		Submit: contract.Submit{
			Portal: portal, Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A",
			Title: "It stopped", Agreement: "1", Language: language,
		},
		Contract: id,
		Texts:    contract.IncidentTexts{Name: "Ani", Email: email, Description: "It stopped at noon."},
	})
}

// finish closes an incident of a contract.
func (r *rig) finish(id uuid.UUID, in ledger.IncidentAnswer, closure string) {
	r.t.Helper()
	_, err := r.Close(r.t.Context(), r.by(engineer), ledger.IncidentRef{Number: in.Number, Stream: id, Owner: ani.Account}, closure, "done")
	must(r.t, err)
}

// records are what became of mails, by id, the last of each.
func (r *rig) records() (all map[uuid.UUID]recorded.Event, times map[uuid.UUID]int) {
	r.t.Helper()
	all, times = map[uuid.UUID]recorded.Event{}, map[uuid.UUID]int{}
	for rec, err := range r.store.ReadAll(context.Background(), eventstore.Start) {
		must(r.t, err)
		if !strings.HasPrefix(rec.Stream, "mails-") {
			continue
		}
		e, err := recorded.Decode(rec.Type, rec.Data)
		must(r.t, err)
		id := letterOf(e).Mail
		all[id] = e
		times[id]++
	}
	return all, times
}

func letterOf(e recorded.Event) recorded.Letter {
	switch e := e.(type) {
	case *recorded.Sent:
		return e.Letter
	case *recorded.GivenUp:
		return e.Letter
	case *recorded.Requested:
		return e.Letter
	}
	return recorded.Letter{}
}

// count is how many mails stand as something.
func (r *rig) count(name string) (n int) {
	all, _ := r.records()
	for _, e := range all {
		if e.Name() == name {
			n++
		}
	}
	return n
}

// until waits for something.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(never)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("%s never came:\n%s", what, r.said)
		}
	}
}

// An agenda reads the whole log each time.
type agenda struct{ store eventstore.Store }

// Ending implements ledger.MailAgenda.
func (a agenda) Ending(ctx context.Context, after, until time.Time, last ledger.DueContract, _ int) (found []ledger.DueContract, err error) {
	if last != (ledger.DueContract{}) {
		return nil, nil
	}
	for r, err := range a.store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return nil, err
		}
		if r.Type != (*contract.Activated)(nil).Name() {
			continue
		}
		e, err := contract.Decode(r.Type, r.Data)
		if err != nil {
			return nil, err
		}
		if end := e.(*contract.Activated).EndsAt; end.After(after) && !end.After(until) {
			found = append(found, ledger.DueContract{At: end, Contract: uuid.MustParse(r.Stream)})
		}
	}
	return found, nil
}

// Asked implements ledger.MailAgenda.
func (a agenda) Asked(ctx context.Context, _ int) (found []ledger.AskedMail, err error) {
	for r, err := range a.store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return nil, err
		}
		if r.Type != (*recorded.Requested)(nil).Name() {
			continue
		}
		e, err := recorded.Decode(r.Type, r.Data)
		if err != nil {
			return nil, err
		}
		about, _ := ledger.MailedContract(r.Stream)
		found = append(found, ledger.AskedMail{Mail: letterOf(e).Mail, Contract: about})
	}
	return found, nil
}

// Forgotten implements ledger.MailAgenda; whoever forgets here looks himself.
func (a agenda) Forgotten(_ context.Context, after eventstore.Position) ([]uuid.UUID, eventstore.Position, error) {
	return nil, after, nil
}

// A trap is a log that fails a post office where a test says so.
type trap struct {
	eventstore.Store
	spring atomic.Pointer[func(stream string, from eventstore.Revision) error] // may panic
}

// ReadStream implements eventstore.Store.
func (s *trap) ReadStream(ctx context.Context, stream string, from eventstore.Revision, d eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	if spring := s.spring.Load(); spring != nil {
		if err := (*spring)(stream, from); err != nil {
			return func(yield func(eventstore.Record, error) bool) { yield(eventstore.Record{}, err) }
		}
	}
	return s.Store.ReadStream(ctx, stream, from, d)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shelf is a small catalogue.
func shelf() *catalog.Catalog {
	both := []string{"machines"}
	problems := []catalog.ProblemType{{ID: "fault", Name: "Fault", Categories: []catalog.Category{{ID: "crash", Name: "Crash"}}}}
	return &catalog.Catalog{
		Digest: strings.Repeat("ab", 32), Vendor: "test",
		Agreement: catalog.Agreement{Version: "1", URL: "https://example.com/agreement"},
		Portals: []catalog.Portal{
			{ID: "desk", Name: "Desk", Families: both, IDs: catalog.IDsRequired},
			{ID: "cloud", Name: "Cloud desk", Families: both, IDs: catalog.IDsRequired, PlanLabels: true},
			{ID: "free", Name: "Free desk", Families: []string{"gifts"}, IDs: catalog.IDsNotUsed},
		},
		Products: []catalog.Product{
			{ID: "engine", Name: "Engine", Family: "machines", ProblemTypes: problems},
			{ID: "card", Name: "Card", Family: "gifts", ProblemTypes: problems},
		},
		Programmes: []catalog.Programme{
			{ID: "blank", ServiceName: "Blank", Short: "BLANK", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest},
			{ID: "cloud", ServiceName: "Cloud", Short: "CLOUD", PlanText: "CL05", Covers: both, Portals: []string{"cloud"}, Activation: catalog.ActivateOnRequest},
			{ID: "both", ServiceName: "Both", Short: "BOTH", PlanText: "BO05", Covers: both, Portals: []string{"desk", "cloud"}, Activation: catalog.ActivateOnRequest},
			{ID: "endless", ServiceName: "Endless", Short: "ENDLESS", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest,
				Included: []catalog.Included{{Unit: catalog.UnitIncident, Unlimited: true}}},
		},
		Memberships: []catalog.Membership{{ID: "gold", Name: "Gold", Core: "blank", Toolkit: "both"}},
		Regions: []catalog.Region{
			{ID: "islands", Name: "Islands", Countries: []string{"ID"}, ResendToAssociated: true},
			{ID: "mainland", Name: "Mainland", Countries: []string{"SG"}},
		},
		Severities:      []catalog.Severity{{ID: "A", Name: "A", Response: catalog.Duration{Text: "PT2H", Value: 2 * time.Hour}}},
		ClosureCodes:    []catalog.ClosureCode{{ID: "resolved", Name: "Resolved", Decrement: true}, {ID: "product-defect", Name: "Product defect"}},
		DefaultCalendar: &catalog.Calendar{Zone: time.UTC}, ReopenDays: 14, ReclassifyDays: 60, FewLeft: []int{5, 1},
	}
}
