// Package projections keeps read models of the log in SQL: rows that answer the
// questions which lists ask.
//
// What holds:
//
//   - Rows are never ahead of the log, and may lag behind it. Every answer says
//     up to which position it is true (AsOf); all of its rows are true there.
//     Await waits for a position (R37).
//   - An event counts once, however often it is delivered and whoever applies
//     it: the checkpoint moves in the transaction of the rows, and only if it
//     still is where it was.
//   - What is due by a time is answered as if it were recorded (R5).
//   - Rows are derived: they can be thrown away at any moment and come out of
//     the log the same again. Losing power takes the last of them back, rows and
//     checkpoint together.
//   - An event of an unknown type stops them all with an error; none is skipped.
//   - Texts of people stay sealed in rows (R47); the secret half of a pair of IDs
//     is in none, not even as ciphertext (R3).
//
// All methods are safe for concurrent use.
package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/postgres"
)

// Config is what a Set needs.
type Config struct {
	// Dir is the folder of the rows, nobody else's; it is made if there is none.
	Dir string
	// Database is where the rows are that several nodes share; nil for a file in
	// Dir. In Dir then is what is only needed for a while.
	Database *postgres.Database
	// Store is the log.
	Store eventstore.Store
	// Logger gets what an operator should know; default: nothing.
	Logger *slog.Logger
	// Tracer makes a span of each batch in which is what traced requests have
	// recorded; default: none.
	Tracer Tracer
	// CacheBytes bounds the memory for the database's pages; default
	// DefaultCacheBytes.
	CacheBytes int64
}

// DefaultCacheBytes is the room for pages unless configured.
const DefaultCacheBytes = 128 << 20

// A Set is all projections, with one field for each question.
type Set struct {
	Contracts *Contracts // the directory
	Links     *Links     // who uses which contract
	Benefits  *Benefits  // what an account may use
	Due       *Due       // what time is about to bring
	Incidents *Incidents // where a number is recorded
	Activity  *Activity  // what an account has asked for
	Desk      *Desk      // what engineers have to do
	Erasures  *Erasures  // who was forgotten
	Mails     *Mails     // which mails were sent, and which were not
	Files     *Files     // which files hang on incidents

	dir         string
	store       eventstore.Store
	log         *slog.Logger
	db          *database
	projections []*projection
	watch       watch
	metrics     *metrics
	tracer      Tracer        // nil: no traces
	builds      chan struct{} // holds a token while one is built
	most        batchSizes

	placing sync.Mutex // held by whoever tells watch where the rows are

	// Guarded by db.writing:
	live  []*generation // in use
	known bool          // what there is in the database has been looked at
}

// Open opens the rows of a folder, or those that nodes share. In a folder, those
// that are damaged or of another log than the store's are thrown away, which the
// logger is told; Run makes them again. Shared ones of another log are an error:
// they may be somebody else's. A database that cannot be reached is none: Run goes
// on as soon as it can (Away).
func Open(ctx context.Context, c Config) (*Set, error) {
	return open(ctx, c, usualKinds())
}

// kinds are the projections of a set, each of which has rows of its own.
type kinds struct{ contracts, requests, erasures, mails, promises, files *projection }

func usualKinds() kinds {
	return kinds{contractsProjection(), requestsProjection(), erasuresProjection(), mailsProjection(), promisesProjection(), filesProjection()}
}

func open(ctx context.Context, c Config, k kinds) (*Set, error) {
	s := &Set{
		dir: c.Dir, store: c.Store, log: c.Logger, tracer: c.Tracer, builds: make(chan struct{}, 1), most: usualBatches,
		projections: []*projection{k.contracts, k.requests, k.erasures, k.mails, k.promises, k.files},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.metrics = newMetrics(s)
	if c.CacheBytes == 0 {
		c.CacheBytes = DefaultCacheBytes
	}
	openRows := s.openFile
	if c.Database != nil {
		openRows = s.openShared
	}
	if err := openRows(ctx, c); err != nil {
		return nil, fmt.Errorf("open projections: %w", err)
	}
	s.Contracts = &Contracts{reader{s, k.contracts}}
	s.Links = &Links{reader{s, k.contracts}}
	s.Benefits = &Benefits{reader{s, k.contracts}}
	s.Due = &Due{reader{s, k.contracts}, reader{s, k.promises}}
	s.Incidents = &Incidents{reader{s, k.requests}}
	s.Activity = &Activity{reader{s, k.requests}}
	s.Desk = &Desk{reader{s, k.requests}}
	s.Erasures = &Erasures{reader{s, k.erasures}}
	s.Mails = &Mails{reader{s, k.mails}}
	s.Files = &Files{reader{s, k.files}}
	return s, nil
}

// Close lets go of the database. Run must have ended.
func (s *Set) Close() error {
	s.watch.stop(ErrStopped)
	return s.db.close()
}

// Names are the projections by which Rebuild and Compare know them.
func (s *Set) Names() []string {
	names := make([]string, len(s.projections))
	for i, p := range s.projections {
		names[i] = p.name
	}
	return names
}

// openShared opens the rows that nodes share.
func (s *Set) openShared(ctx context.Context, c Config) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := s.sweep(); err != nil {
		return err
	}
	s.db = openPostgres(c.Database)
	err := s.reconcile(ctx)
	switch {
	case err == nil:
		return nil
	case postgres.Away(err):
		s.log.Warn("the database with the lists cannot be reached; it is tried again and again", "database", c.Database, "error", err)
		s.watch.lose(err)
		return nil
	case errors.Is(err, errOtherLog):
		err = fmt.Errorf("%w; if they are not another ledger's, remove its tables (such as by DROP SCHEMA), and they are made anew", err)
	}
	return errors.Join(fmt.Errorf("%s: %w", c.Database, err), s.db.close())
}

// openFile opens the database of a folder, anew where it is of no use.
func (s *Set) openFile(ctx context.Context, c Config) error {
	if err := s.sweep(); err != nil {
		return err
	}
	for again := false; ; again = true {
		db, err := openSQLite(ctx, s.dir, c.CacheBytes)
		if err == nil {
			s.db = db
			if err = s.reconcile(ctx); err == nil {
				return nil
			}
			err = errors.Join(err, db.close())
		}
		if again || !sqliteDamaged(err) && !errors.Is(err, errOtherLog) {
			return err
		}
		s.log.Error("the rows are of no use and are made anew from the log", "folder", s.dir, "reason", err)
		if err := removeSQLite(s.dir); err != nil {
			return fmt.Errorf("throw rows away: %w", err)
		}
	}
}

// compareStart begins the names of the folders of Compare.
const compareStart = "compare-"

// sweep removes what a stop in the middle of a comparison has left.
func (s *Set) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, compareStart+"*"))
	if err != nil {
		return fmt.Errorf("look for what was left: %w", err)
	}
	for _, name := range left {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("remove what was left: %w", err)
		}
	}
	return nil
}
