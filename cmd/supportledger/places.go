package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/attachments/s3"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/vault"
)

// placeFlags name what lies elsewhere than in the folder. What they are set to may
// hold passwords, and is printed nowhere.
type placeFlags struct {
	clusterFlags
	Store       string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_STORE" help:"An EventStoreDB cluster that keeps the log: esdb://USER:PASSWORD@HOST:PORT. In the folder if left out."`
	ReadModels  string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_READ_MODELS" help:"Where several nodes share the read models: postgres://USER@HOST/DATABASE. In the folder if left out."`
	People      string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_PEOPLE" help:"Where several nodes share the keys of people: postgres://USER@HOST/DATABASE, another database than the read models'. In the folder's file people if left out."`
	Attachments string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_ATTACHMENTS" help:"An S3-compatible store in which several nodes share what people upload: s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. In the folder if left out."`
}

// clusterFlags say how a cluster is looked for.
type clusterFlags struct {
	StorePatience string `json:"-" default:"30s" placeholder:"DURATION" env:"SUPPORTLEDGER_STORE_PATIENCE" help:"How long to look for the cluster before it is given up, ${default} if left out."`
}

func (f clusterFlags) patience() (time.Duration, error) {
	d, err := time.ParseDuration(f.StorePatience)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%w: --store-patience %q is not a duration above 0, such as 30s", errAskedWrongly, f.StorePatience)
	}
	return d, nil
}

// places are where things lie that are not in the folder; empty and nil for those
// that are.
type places struct {
	log                string        // a cluster
	patience           time.Duration // with that
	readModels, people *postgres.Database
	attachments        *s3.Place
}

// places are where things lie, and how long to look for what is not here.
func (f placeFlags) places() (places, error) {
	p, err := f.named()
	if err == nil {
		p.patience, err = f.patience()
	}
	return p, err
}

// named are where things lie, for who looks for no cluster.
func (f placeFlags) named() (p places, err error) {
	if p.log = f.Store; p.log != "" && !strings.HasPrefix(p.log, "esdb://") && !strings.HasPrefix(p.log, "esdb+discover://") {
		return p, fmt.Errorf("%w: --store is neither esdb://USER:PASSWORD@HOST:PORT nor esdb+discover://...; leave it out to keep the log in the folder", errAskedWrongly)
	}
	if p.readModels, err = parseDatabase("--read-models", f.ReadModels); err != nil {
		return p, err
	}
	if p.people, err = parseDatabase("--people", f.People); err != nil {
		return p, err
	}
	if p.people != nil && p.readModels != nil && p.people.Same(p.readModels) {
		return p, fmt.Errorf("%w: --people and --read-models name the same database: keep the keys of people in another one, whose backups can be kept apart", errAskedWrongly)
	}
	if f.Attachments == "" {
		return p, nil
	}
	if p.attachments, err = s3.Parse(f.Attachments); err != nil {
		return p, fmt.Errorf("%w: --attachments: %w", errAskedWrongly, err)
	}
	return p, nil
}

func parseDatabase(flag, url string) (*postgres.Database, error) {
	if url == "" {
		return nil, nil
	}
	d, err := postgres.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errAskedWrongly, flag, err)
	}
	return d, nil
}

// keyring is the keys of people, wherever they are.
type keyring interface {
	vault.People
	Close() error
}

// openShared opens the keys of people that nodes share, and makes their tables for
// a new ledger. Where the ledger has records and there are no tables, all texts
// would seem to be erased: that has to be asked for.
func openShared(ctx context.Context, p places, keys *vault.Keys, fresh, forget bool) (*vault.PeopleDatabase, error) {
	if fresh || forget {
		return vault.CreatePeopleDatabase(ctx, p.people, keys)
	}
	people, err := vault.OpenPeopleDatabase(ctx, p.people, keys)
	if errors.Is(err, vault.ErrNoPeople) {
		return nil, fmt.Errorf("%w: without them no name, description or comment can be read. "+
			"Name the database, and by search_path the schema, that has them, or start once with --forget-people to go on without", err)
	}
	return people, err
}

// readModels is where the read models are, for people.
func (h *house) readModels() string {
	if h.places.readModels != nil {
		return "the database " + h.places.readModels.String()
	}
	return h.read()
}

// peoplePlace is where the keys of people are, for people.
func (h *house) peoplePlace() string {
	if h.places.people != nil {
		return "the database " + h.places.people.String()
	}
	return h.folder.people()
}

// openFiles opens what people have uploaded. Nothing is asked of a store that nodes
// share.
func (h *house) openFiles(limits catalog.AttachmentLimits) error {
	c := attachments.Config{Dir: h.attachments(), Limits: limits, Now: h.clock.Now, Logger: h.log}
	if h.people != nil {
		c.People = h.people
	}
	if h.places.attachments == nil {
		files, err := attachments.Open(c)
		h.files = files
		return err
	}
	store, err := h.places.openStore()
	if err != nil {
		return err
	}
	files, err := attachments.OpenBucket(c, store)
	h.files = files
	return err
}

// openStore opens the store of attachments that nodes share. Nothing is asked of it yet.
func (p places) openStore() (*s3.Store, error) {
	store, err := s3.Open(p.attachments)
	if err != nil {
		return nil, fmt.Errorf("--attachments: %w", err)
	}
	return store, nil
}

// tryFiles refuses a store that cannot keep files as nodes need it. One that cannot
// be reached now is waited for while everything else goes on.
func (h *house) tryFiles(ctx context.Context) error {
	bucket, ok := h.files.(*attachments.Bucket)
	if !ok {
		return nil
	}
	if attachments.HoldsFiles(h.attachments()) {
		h.log.Warn("the folder still has attachments, which are not used: attachments move copies what is not in the store yet; remove them when that was done", "folder", h.attachments(), "store", h.places.attachments)
	}
	err := bucket.Try(ctx)
	if errors.Is(err, attachments.ErrUnavailable) {
		h.log.Warn("the store of attachments cannot be used now; files are refused until it can be: see that it runs, and that the bucket, endpoint, region and credentials of --attachments are right", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("--attachments: %s: %w", h.places.attachments, err)
	}
	return nil
}

// filesPlace is where attachments are, for people.
func (h *house) filesPlace() string {
	if h.places.attachments != nil {
		return h.places.attachments.String()
	}
	return h.attachments()
}
