package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

// A house is an open folder: what commands work on, whether the ledger in it is
// running or not.
type house struct {
	folder
	places  places
	store   logStore
	keys    *vault.Keys // nil where they were not found
	people  keyring     // nil where they were not found
	files   attachments.Shelf
	auditor *audit.Auditor
	ledger  *ledger.Ledger   // nil until it is asked for
	catalog *catalog.Catalog // nil until something is decided
	clock   ledger.Clock
	log     *slog.Logger
	tracer  ledger.Tracer // nil: no traces
	running bool          // the read models follow the log

	mu  sync.Mutex
	set *projections.Set // nil until it is asked for
}

// onceCache is enough cache for a command: those that read much read it once, and
// need the memory.
const onceCache = 16 << 20

// openHouse opens a folder that nobody else has open. Keys and people's keys may
// be missing: not every command needs them.
func openHouse(ctx context.Context, f folder, keysFile string, p places, store pebblestore.Options) (_ *house, err error) {
	if err := f.mustHoldLedger(p); err != nil {
		return nil, err
	}
	h := &house{folder: f, places: p, log: store.Logger, clock: ledger.SystemClock{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if store.CacheBytes == 0 {
		store.CacheBytes = onceCache
	}
	if h.store, err = openLog(ctx, f, p, store); err != nil {
		return nil, err
	}
	if h.keys, err = f.findKeys(keysFile); err != nil {
		return nil, err
	}
	if h.people, err = h.findPeople(ctx); err != nil {
		return nil, err
	}
	if err := h.openFiles(catalog.AttachmentLimits{}); err != nil { // nothing is uploaded here
		return nil, err
	}
	h.auditor, err = audit.New(h.store, h.clock)
	return h, err
}

// findPeople opens the keys of people if they can be found; nil where not.
func (h *house) findPeople(ctx context.Context) (keyring, error) {
	if h.places.people != nil {
		people, err := vault.OpenPeopleDatabase(ctx, h.places.people, h.keys)
		if errors.Is(err, vault.ErrNoPeople) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return people, nil
	}
	people, err := vault.OpenPeople(h.folder.people())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return people, nil
}

// projections opens the read models; the running ledger has them open already.
func (h *house) projections(ctx context.Context) (*projections.Set, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.set != nil {
		return h.set, nil
	}
	set, err := projections.Open(ctx, projections.Config{Dir: h.read(), Database: h.places.readModels, Store: h.store, Logger: h.log, Tracer: h.tracer})
	if err == nil && !h.running && set.Away() != nil {
		err = errors.Join(set.Away(), set.Close()) // a command does not wait for what a ledger waits for
	}
	if err != nil {
		return nil, fmt.Errorf("open read models: %w", err)
	}
	h.set = set
	return set, nil
}

// openTexts opens an event's personal texts, as far as their keys are there.
func (h *house) openTexts(ctx context.Context, e domain.Event) error {
	texts := ledger.Personal(e)
	if texts == nil {
		return nil
	}
	return h.openPersonal(ctx, texts)
}

func (h *house) openPersonal(ctx context.Context, texts domain.Personal) error {
	person, box := texts.Sealing()
	if box == nil {
		return nil
	}
	text, err := h.people.Open(ctx, person, box)
	if errors.Is(err, vault.ErrErased) {
		return texts.Open(nil)
	}
	if err != nil {
		return err
	}
	return texts.Open(text)
}

// recorder is the running ledger, or one that records what no catalogue decides.
func (h *house) recorder() (*ledger.Ledger, error) {
	if h.ledger != nil {
		return h.ledger, nil
	}
	if h.people == nil {
		return nil, fmt.Errorf("%s is missing: put the keys of people back to record anything about them", h.peoplePlace())
	}
	none := &catalog.Catalog{Digest: strings.Repeat("0", sha256.Size*2)}
	var err error
	h.ledger, err = ledger.New(ledger.Config{Store: h.store, Keys: h.keys, People: h.people, Catalog: none, Clock: h.clock, Logger: h.log})
	return h.ledger, err
}

// decider is the running ledger, or one that decides by a catalogue, and holds
// little in memory.
func (h *house) decider(name string) (*ledger.Ledger, error) {
	if h.ledger != nil {
		return h.ledger, nil
	}
	if h.people == nil || h.keys == nil {
		return nil, fmt.Errorf("%w: name the installation's keys with --keys FILE, and see that %s is there: contracts cannot be named without them",
			errAskedWrongly, h.folder.people())
	}
	var err error
	if h.catalog, err = loadCatalog(name); err != nil {
		return nil, err
	}
	const littleMemory = 16 << 20
	h.ledger, err = ledger.New(ledger.Config{
		Store: h.store, Keys: h.keys, People: h.people, Catalog: h.catalog, Clock: h.clock, Logger: h.log, CacheBytes: littleMemory,
	})
	return h.ledger, err
}

// close closes what is open, the last that was opened first.
func (h *house) close() error {
	var errs []error
	if h.set != nil {
		errs = append(errs, h.set.Close())
	}
	if h.files != nil {
		errs = append(errs, h.files.Close())
	}
	if h.people != nil {
		errs = append(errs, h.people.Close())
	}
	if h.store.Store != nil {
		errs = append(errs, h.store.Close())
	}
	return errors.Join(errs...)
}
