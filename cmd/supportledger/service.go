package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/api"
	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
	"github.com/supportledger/supportledger/notifications/mail"
	"github.com/supportledger/supportledger/notifications/postoffice"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/transfer"
	"github.com/supportledger/supportledger/vault"
)

// settings are what a service needs to know.
type settings struct {
	folder       folder
	keysFile     string
	dev          bool
	forgetPeople bool
	places       places
	catalog      string    // a file, or the name of one that comes with the program
	testClock    time.Time // zero: the machine's clock
	issuers      []token.OIDC
	revoked      string
	rate         float64
	burst        int
	eventStreams int // that may be open at once
	proxies      api.Proxies
	ownMetrics   bool // metrics have a listener of their own
	nats         natsSettings
	mails        mailSettings
	esdb         esdbSettings
	spans        spanExporter  // nil: no traces
	drain        time.Duration // how long to go on answering when told to stop
	grace        time.Duration // how long requests may take after that
	log          *slog.Logger
	onFatal      func(error)
}

// A service is a running ledger: a house with everything in it at work.
type service struct {
	*house
	issuer   *token.Issuer
	api      *api.API
	feed     *notifications.Feed // nil where nothing is published
	broker   *broker.Broker      // nil where the operator's NATS is used
	natsTLS  bool
	dial     notifications.Dial // to the NATS in use; nil where nothing is published
	mailer   *mail.Mailer       // nil where no mails are sent
	post     *postoffice.Office // likewise
	registry *registry
	traces   *traces // nil where there are none
	imports  *transfer.Jobs

	peopleFile  *vault.PeopleFile           // nil where nodes share the keys of people
	peopleReady func(context.Context) error // nil where they do not

	subscriber *devSubscriber // nil unless the ledger made one
	onFatal    func(error)
	stop       context.CancelFunc
	work       *errgroup.Group
}

// startService opens a folder and sets everything to work. The first to be
// opened is the store: its lock keeps all others out (R46).
func startService(ctx context.Context, s settings) (_ *service, err error) {
	v := &service{
		house:    &house{folder: s.folder, places: s.places, log: s.log, running: true},
		registry: newRegistry(), imports: transfer.NewJobs(), onFatal: s.onFatal,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	if v.catalog, err = loadCatalog(s.catalog); err != nil {
		return nil, err
	}
	if err := checkIssuers(s.issuers, v.catalog); err != nil {
		return nil, err
	}
	if v.traces, err = openTraces(ctx, s.spans); err != nil {
		return nil, err
	}
	v.tracer = v.traces.tracer()
	if err := s.folder.mustNotBeUnfinished(); err != nil {
		return nil, err
	}
	if err := s.folder.make(); err != nil {
		return nil, err
	}
	if v.store, err = openLog(ctx, s.folder, s.places, pebblestore.Options{Logger: s.log, OnFatal: s.onFatal}); err != nil {
		return nil, err
	}
	if err := v.openSecrets(ctx, s); err != nil {
		return nil, err
	}
	if err := v.setClock(ctx, s.testClock); err != nil {
		return nil, err
	}
	if v.ledger, err = ledger.New(ledger.Config{
		Store: v.store, Keys: v.keys, People: v.people, Catalog: v.catalog, Clock: v.clock, Logger: s.log, Tracer: v.tracer,
	}); err != nil {
		return nil, err
	}
	if v.auditor, err = audit.New(v.store, v.clock); err != nil {
		return nil, err
	}
	if err := v.openFiles(v.catalog.Attachments); err != nil {
		return nil, err
	}
	if err := v.tryFiles(ctx); err != nil {
		return nil, err
	}
	if _, err := v.projections(ctx); err != nil {
		return nil, err
	}
	if err := v.openFeed(s); err != nil {
		return nil, err
	}
	if err := v.openMails(ctx, s); err != nil {
		return nil, err
	}
	if err := v.makeAPI(s); err != nil {
		return nil, err
	}
	return v, v.begin(ctx)
}

// openSecrets opens the installation's keys, those of people and the issuer's.
func (v *service) openSecrets(ctx context.Context, s settings) error {
	head, err := v.store.Head(ctx)
	if err != nil {
		return err
	}
	if v.keys, err = s.folder.loadKeys(s.keysFile, s.dev); err != nil {
		return err
	}
	if err := v.keys.Bind(s.folder.keysCheck()); err != nil {
		return err
	}
	if err := v.openPeople(ctx, s, head == eventstore.Start); err != nil {
		return err
	}
	v.issuer, err = token.OpenIssuer(s.folder.tokenKey())
	return err
}

// openPeople opens the keys of people, in the folder or where nodes share them.
func (v *service) openPeople(ctx context.Context, s settings, fresh bool) error {
	if s.places.people != nil {
		people, err := openShared(ctx, s.places, v.keys, fresh, s.forgetPeople)
		if err != nil {
			return err
		}
		v.people, v.peopleReady = people, people.Ready
		if exists(s.folder.people()) {
			s.log.Warn("the folder still has a file with keys of people, which is not used; what is erased stays in it: remove it when all its keys are in the database",
				"file", s.folder.people(), "database", s.places.people)
		}
		return nil
	}
	people, err := s.folder.openPeople(fresh, s.forgetPeople)
	if err != nil {
		return err
	}
	v.people, v.peopleFile = people, people
	if offset, length := people.TornTail(); length > 0 {
		s.log.Warn("an unfinished key at the end of people's keys was cut", "offset", offset, "length", length)
	}
	return nil
}

// setClock chooses the clock: the machine's, or one that stands at a time, or at
// the last record's where that is later.
func (v *service) setClock(ctx context.Context, test time.Time) error {
	if test.IsZero() {
		v.clock = ledger.SystemClock{}
		return nil
	}
	for r, err := range v.store.ReadAllBackwards(ctx, eventstore.LastPosition) {
		if err != nil {
			return fmt.Errorf("find the last record: %w", err)
		}
		if r.RecordedAt.After(test) {
			test = r.RecordedAt
		}
		break
	}
	v.clock = ledger.NewTestClock(test.UTC())
	return nil
}

func (v *service) makeAPI(s settings) error {
	tokens, err := token.NewVerifier(token.Config{
		BuiltIn: v.issuer, OIDC: s.issuers, Account: v.keys.Account, Revoked: s.revoked, Logger: s.log,
	})
	if err != nil {
		return err
	}
	config := api.Config{
		Ledger: v.ledger, Projections: v.set, Auditor: v.auditor, Catalog: v.catalog, Keys: v.keys, Tokens: tokens, Store: v.store,
		PeopleReady: v.peopleReady, Attachments: v.files, Imports: v.imports,
		Logger: s.log, Tracer: v.tracer, Version: version(), Rate: s.rate, Burst: s.burst, MaxStreams: s.eventStreams, TrustedProxies: s.proxies,
	}
	if v.feed != nil {
		config.FeedConnected = v.feed.Connected
	}
	if !s.ownMetrics {
		config.Registry = v.registry.Registry
	}
	config.TestClock, _ = v.clock.(*ledger.TestClock)
	v.api = api.New(config)
	return v.register()
}

// eagerly is how long a start waits for the read models before it goes on
// without them; they catch up while requests are served.
const eagerly = 2 * time.Second

// begin starts what works in the background, and repeats the erasures that a
// crash may have left half done (R47).
func (v *service) begin(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	v.stop, v.work = stop, new(errgroup.Group)
	v.work.Go(func() error { return v.follow(work) })
	v.work.Go(func() error { return v.ledger.Attend(work, v.set.Due) })
	v.work.Go(func() error { return v.watchPeople(work) })
	v.work.Go(func() error { return v.sweepFiles(work) })
	v.work.Go(func() error { return v.runFeed(work) })
	v.work.Go(func() error { return v.runMails(work) })
	v.work.Go(func() error { return v.allowMemory(work) })
	head, err := v.store.Head(ctx)
	if err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, eagerly)
	defer cancel()
	if err := v.set.Await(soon, head); err == nil {
		if err := v.redoErasures(soon); err == nil || soon.Err() == nil && !outOfReach(err) {
			return err
		}
	}
	v.log.Info("the read models catch up while requests are served", "head", head, "at", v.set.Position())
	v.work.Go(func() error {
		err := v.whenReached(work, func() error {
			if err := v.set.Await(work, head); err != nil {
				return err
			}
			return v.redoErasures(work)
		})
		if errors.Is(err, projections.ErrStopped) {
			return nil // the next start repeats them
		}
		if err != nil && work.Err() == nil {
			v.log.Error("erasures were not repeated; the next start tries again", "error", err)
		}
		return nil
	})
	return nil
}

// outOfReach says that a database cannot be reached now.
func outOfReach(err error) bool {
	return errors.Is(err, projections.ErrUnavailable) || errors.Is(err, vault.ErrUnavailable)
}

// whenReached does something again and again while a database cannot be reached.
func (v *service) whenReached(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !outOfReach(err) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchPeople ends the process where the keys of people can no longer be written,
// as the store does for itself.
func (v *service) watchPeople(ctx context.Context) error {
	if v.peopleFile == nil {
		return nil
	}
	select {
	case <-v.peopleFile.Failed():
		if v.onFatal != nil {
			v.onFatal(v.peopleFile.Failure())
		}
	case <-ctx.Done():
	}
	return nil
}

// follow keeps the read models up to date. Where they meet a record that they
// cannot take, they stop and say so, and lists are refused; everything that is
// read from the log itself goes on.
func (v *service) follow(ctx context.Context) error {
	err := v.set.Run(ctx)
	if err != nil {
		v.log.Error("the read models stopped; run verify to learn more", "error", err)
	}
	return err
}

// redoErasures waits for the list of erasures, which may be made anew after an
// upgrade or damage, and repeats them.
func (v *service) redoErasures(ctx context.Context) error {
	for {
		erased, _, err := v.set.Erasures.All(ctx)
		if err == nil {
			return v.ledger.RedoErasures(ctx, erased)
		}
		if !errors.As(err, new(*projections.BuildingError)) {
			return fmt.Errorf("list erasures: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close stops the work and closes everything. Requests must have ended.
func (v *service) close() error {
	var err error
	v.imports.Close()
	if v.work != nil {
		v.stop()
		err = v.work.Wait()
	}
	return errors.Join(err, v.closeMails(), v.closeBroker(), v.house.close(), v.traces.close())
}

// handler answers requests.
func (v *service) handler() http.Handler { return v.api.Handler() }

// loadCatalog reads a catalogue by the name of one that comes with the program,
// or by its file.
func loadCatalog(name string) (*catalog.Catalog, error) {
	for _, builtin := range catalogfile.BuiltinNames() {
		if name == builtin || name == "" {
			return catalogfile.Builtin(name)
		}
	}
	return catalogfile.Load(name)
}
