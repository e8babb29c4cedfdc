package site

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// eventsPerContract is how many events the making of a contract comes to:
// registered, activated, two grants, linked.
const eventsPerContract = 5

const (
	atOnce   = 512                 // writers, each with contracts of its own
	age      = 20 * 24 * time.Hour // of the oldest event: what repeats are looked for among
	timeZone = "Asia/Jakarta"
)

// A filler writes history straight into the log: what the domain decides, in
// the form in which the ledger records it, in a fraction of the time that
// asking for it one by one would take.
type filler struct {
	site   *Site
	store  eventstore.Store
	people vault.People
	h      History
	start  time.Time
	zone   *time.Location
	digest []byte
	turns  []int32 // submissions of each contract so far
}

func (s *Site) fill(ctx context.Context, store eventstore.Store, people vault.People, h History) error {
	f := &filler{site: s, store: store, people: people, h: h, turns: make([]int32, h.Contracts)}
	f.start = time.Now().UTC().Add(-age).Truncate(time.Microsecond)
	s.Contracts = make([]uuid.UUID, h.Contracts)
	var err error
	if f.zone, err = time.LoadLocation(timeZone); err != nil {
		return err
	}
	if f.digest, err = hex.DecodeString(s.catalog.Digest); err != nil {
		return err
	}
	if err := f.inParallel(ctx, f.h.Contracts, f.makeContract); err != nil {
		return err
	}
	return f.inParallel(ctx, f.h.Submissions, f.submit)
}

func (f *filler) writers() int { return min(atOnce, f.h.Contracts) }

// inParallel does something n times: the ith time in the writer i%writers, after
// that one's earlier times.
func (f *filler) inParallel(ctx context.Context, n int, do func(context.Context, *rand.Rand, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for w := range f.writers() {
		g.Go(func() error {
			pick := rand.New(rand.NewPCG(uint64(w), 0xf111))
			for i := w; i < n; i += f.writers() {
				if err := do(ctx, pick, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// makeContract brings the ith contract to life.
func (f *filler) makeContract(ctx context.Context, _ *rand.Rand, i int) error {
	keys := f.site.keys
	command := keys.Command(uuid.Nil, "fill", "", fmt.Sprint("contract ", i))
	access, secret := keys.DerivePair(command)
	id := keys.ContractStream(access, secret)
	f.site.Contracts[i] = id
	contact := contract.ContactTexts{Name: "Citra Lestari", Email: fmt.Sprintf("contact-%02d@partner.example", i%Accounts)}
	sealed, err := seal(ctx, f.people, keys.Contact(contact.Email), contact)
	if err != nil {
		return err
	}
	state := new(contract.State)
	events, err := f.decide(state, f.start,
		&contract.Register{
			AccessID: access, ContractID: keys.SealContractID(id, secret), Programme: "maps",
			Country: "ID", TimeZone: timeZone, Contact: sealed, Language: "id",
		},
		&contract.Activate{Reason: "asked for"},
		&contract.AddGrant{Unit: contract.Incident, Quantity: contract.MaxQuantity, Reason: "plenty"},
		&contract.Link{Account: f.site.accounts[i%Accounts], Portal: Portal},
	)
	if err != nil {
		return err
	}
	if len(events) != eventsPerContract {
		return fmt.Errorf("a contract came to %d events, not %d", len(events), eventsPerContract)
	}
	meta := f.meta(ledger.Operator, uuid.Nil, command, "")
	return f.append(ctx, id, eventstore.NoStream, f.start, command, meta, events)
}

// decide lets a state take wishes one after another.
func (f *filler) decide(s *contract.State, at time.Time, wishes ...contract.Command) (all []contract.Event, err error) {
	m := contract.Moment{At: at, Catalog: f.site.catalog, Zone: func(string) *time.Location { return f.zone }}
	for _, wish := range wishes {
		events, err := contract.Decide(s, m, wish)
		if err != nil {
			return nil, err
		}
		contract.Evolve(s, events...)
		all = append(all, events...)
	}
	return all, nil
}

// submit submits the ith incident, for one of its writer's contracts.
func (f *filler) submit(ctx context.Context, pick *rand.Rand, i int) error {
	lane := i % f.writers()
	own := (f.h.Contracts-lane-1)/f.writers() + 1
	c := lane + pick.IntN(own)*f.writers()
	at := f.start.Add(age * time.Duration(i) / time.Duration(f.h.Submissions+1)).Truncate(time.Microsecond)
	number, err := f.site.keys.MakeNumber(at, uint32(i))
	if err != nil {
		return err
	}
	account, turn := f.site.accounts[c%Accounts], int(f.turns[c])
	f.turns[c]++
	sealed, err := seal(ctx, f.people, account, texts(load.OnPremises()))
	if err != nil {
		return err
	}
	submitted, deducted := submission(f.site.catalog, contract.Number(number), account, sealed, at, turn)
	command := f.site.keys.Command(account, "fill", "", fmt.Sprint("submission ", i))
	meta := f.meta(ledger.Customer, account, command, Portal)
	last := eventstore.Revision(eventsPerContract - 1 + 2*turn)
	return f.append(ctx, f.site.Contracts[c], last, at, command, meta, []contract.Event{submitted, deducted})
}

// included is how many incidents the programme brings; they are spent first.
const included = 10

// submission is what the domain decides about the turn-th submission for a
// contract of a site.
func submission(c *catalog.Catalog, n contract.Number, account uuid.UUID, sealed domain.Sealed[contract.IncidentTexts], at time.Time, turn int) (*contract.IncidentSubmitted, *contract.IncidentDeducted) {
	w := load.OnPremises()
	severity, _ := c.Severity(w.Severity)
	grant := contract.GrantID(1)
	if turn >= included {
		grant = 2
	}
	left := int64(contract.MaxQuantity + included - turn - 1)
	return &contract.IncidentSubmitted{
			Number: n, Account: account, Portal: w.Portal, Product: w.Product, Family: "on-premises", Usage: w.Usage,
			ProblemType: w.ProblemType, Category: w.Category, Title: w.Title, Severity: w.Severity,
			Response: c.Respond(severity, "ID", at), Country: "ID",
			Texts: sealed, Language: w.Language, Agreement: w.Agreement, OpenedAt: at,
		}, &contract.IncidentDeducted{
			Number: n, Grant: grant, Unit: contract.Incident, Quantity: 1, Remaining: &left,
		}
}

func (f *filler) append(ctx context.Context, id uuid.UUID, last eventstore.Revision, at time.Time, command uuid.UUID, meta []byte, events []contract.Event) error {
	a := eventstore.Append{Stream: id.String(), Expected: last, At: at}
	for i, e := range events {
		data, err := contract.Encode(e)
		if err != nil {
			return err
		}
		a.Events = append(a.Events, eventstore.Event{
			ID: f.site.keys.Derive(command, fmt.Sprint("event ", i)), Type: e.Name(), Data: data, Meta: meta,
		})
	}
	_, err := f.store.Append(ctx, a)
	return err
}

// meta is the recorded form of what the ledger says about a command: version,
// role, account, command, fingerprint, catalogue, trace, portal.
func (f *filler) meta(role ledger.Role, account, command uuid.UUID, portal string) []byte {
	number := map[ledger.Role]byte{ledger.Customer: 1, ledger.Operator: 3}[role]
	b := append([]byte{1, number}, account[:]...)
	b = append(b, command[:]...)
	print := f.site.keys.Fingerprint(command[:])
	b = append(b, print[:]...)
	b = append(b, f.digest...)
	b = append(b, make([]byte, 16)...)
	return append(b, portal...)
}

// seal puts personal texts into a box, as the ledger does.
func seal[T any](ctx context.Context, people vault.People, who uuid.UUID, texts T) (domain.Sealed[T], error) {
	clear, err := json.Marshal(texts)
	if err != nil {
		return domain.Sealed[T]{}, err
	}
	box, err := people.Seal(ctx, who, clear)
	return domain.Sealed[T]{Person: who, Box: box}, err
}
