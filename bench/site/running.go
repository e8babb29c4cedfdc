package site

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

// A Running is a site with the ledger at work in this process: its read models
// and its feed follow the log, and its worker looks for what is due.
type Running struct {
	Ledger *ledger.Ledger
	Store  eventstore.Store

	site   *Site
	people *vault.PeopleFile
	set    *projections.Set
	feed   *feeding
	mails  *mailing // nil until StartMails
	stop   context.CancelFunc
	work   *errgroup.Group
}

// Start sets the ledger to work. It returns when the read models have caught up.
// The feed may not have: it has been lent a copy of what was published before, or
// has to publish all.
func (s *Site) Start(ctx context.Context) (*Running, error) {
	return s.start(ctx, func() (eventstore.Store, error) { return s.OpenStore() })
}

// StartOn sets a ledger to work whose log is in a cluster: the site's own, which
// somebody serves from StoreDir.
func (s *Site) StartOn(ctx context.Context, url string) (*Running, error) {
	return s.start(ctx, func() (eventstore.Store, error) { return esdb.Open(ctx, esdb.Options{Connection: url}) })
}

func (s *Site) start(ctx context.Context, open func() (eventstore.Store, error)) (_ *Running, err error) {
	r := &Running{site: s, work: new(errgroup.Group), stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start ledger: %w", err), r.Close())
		}
	}()
	if r.Store, err = open(); err != nil {
		r.Store = nil
		return nil, err
	}
	if r.people, err = vault.OpenPeople(s.file("people")); err != nil {
		return nil, err
	}
	if r.Ledger, err = ledger.New(ledger.Config{
		Store: r.Store, Keys: s.keys, People: r.people, Catalog: s.catalog, Clock: ledger.SystemClock{},
	}); err != nil {
		return nil, err
	}
	if r.set, err = projections.Open(ctx, projections.Config{Dir: s.file("read"), Store: r.Store}); err != nil {
		return nil, err
	}
	if err := r.set.CatchUp(ctx); err != nil {
		return nil, err
	}
	if r.feed, err = s.startFeed(ctx, r.Store); err != nil {
		return nil, err
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.work.Go(func() error { return r.set.Run(work) })
	r.work.Go(func() error { return r.Ledger.Attend(work, r.set.Due) })
	return r, nil
}

// Lag is how many events the read models, and the feed, are behind the log.
func (r *Running) Lag(ctx context.Context) (rows, feed int64, err error) {
	head, err := r.Store.Head(ctx)
	return int64(head) - int64(r.set.Position()), int64(head) - int64(r.feed.feed.Position()), err
}

// Close ends the work and closes everything.
func (r *Running) Close() error {
	r.stop()
	errs := []error{r.work.Wait()}
	if r.mails != nil {
		errs = append(errs, r.mails.close())
	}
	if r.feed != nil {
		errs = append(errs, r.feed.close())
	}
	if r.set != nil {
		errs = append(errs, r.set.Close())
	}
	if r.people != nil {
		errs = append(errs, r.people.Close())
	}
	if r.Store != nil {
		errs = append(errs, r.Store.Close())
	}
	return errors.Join(errs...)
}

// CatchUp brings the site's read models to the log's head, and says how many
// events they went through.
func (s *Site) CatchUp(ctx context.Context) (events int64, err error) { return s.CatchUpIn(ctx, nil) }

// CatchUpIn does so with read models that nodes share; nil is the site's own.
func (s *Site) CatchUpIn(ctx context.Context, database *postgres.Database) (events int64, err error) {
	store, err := s.OpenStore()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	set, err := projections.Open(ctx, projections.Config{Dir: s.file("read"), Database: database, Store: store})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	before := set.Position()
	err = set.CatchUp(ctx)
	return int64(set.Position() - before), err
}

// Callers are n callers in this process, each with keys of its own, that submit
// for the first contracts of the site, picked at random.
func (r *Running) Callers(n, contracts int) []load.Caller {
	run := rand.Text()
	callers := make([]load.Caller, n)
	for i := range callers {
		callers[i] = r.caller(fmt.Sprintf("%s-%04d-", run, i), uint64(i), contracts)
	}
	return callers
}

func (r *Running) caller(run string, seed uint64, contracts int) load.Caller {
	pick := mathrand.New(mathrand.NewPCG(seed, 0x5eed))
	w := load.OnPremises()
	var sequence int64
	body := w.Body(uuid.Nil.String())
	at := contractAt(body)
	return func(ctx context.Context) (uint64, error) {
		c := pick.IntN(contracts)
		id := r.site.Contracts[c]
		sequence++
		copy(body[at:], id.String())
		answer, err := r.Ledger.Submit(ctx, ledger.Request{
			By:   ledger.Actor{Account: r.site.accounts[c%Accounts], Role: ledger.Customer, Portal: w.Portal},
			Call: "POST /v1/incidents", Key: run + strconv.FormatInt(sequence, 10), Body: body,
		}, wish(w, id))
		return uint64(answer.Number), err
	}
}

// wish is a submission as HTTP hands it to the ledger.
func wish(w load.Wording, id uuid.UUID) *ledger.Submission {
	return &ledger.Submission{
		Submit: contract.Submit{
			Portal: w.Portal, Product: w.Product, Usage: w.Usage, ProblemType: w.ProblemType, Category: w.Category,
			Severity: w.Severity, Title: w.Title, Language: w.Language, Agreement: w.Agreement,
		},
		Contract: id, Texts: texts(w),
	}
}

func texts(w load.Wording) contract.IncidentTexts {
	return contract.IncidentTexts{Name: w.Name, Email: w.Email, Phone: w.Phone, Description: w.Description}
}

// Head is the position of the newest record of a site that nobody has open.
func (s *Site) Head(ctx context.Context) (head eventstore.Position, err error) {
	store, err := s.OpenStore()
	if err != nil {
		return 0, err
	}
	head, err = store.Head(ctx)
	return head, errors.Join(err, store.Close())
}
