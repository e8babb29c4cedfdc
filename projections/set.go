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

	"github.com/supportledger/supportledger/eventstore"
)

// Config is what a Set needs.
type Config struct {
	// Dir is the folder of the rows, nobody else's; it is made if there is none.
	Dir string
	// Store is the log.
	Store eventstore.Store
	// Logger gets what an operator should know; default: nothing.
	Logger *slog.Logger
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
	builds      chan struct{} // holds a token while one is built
	most        batchSizes

	live []*generation // in use; guarded by db.writing
}

// Open opens the rows of a folder. Those that are damaged, or of another log than
// the store's, are thrown away, which the logger is told; Run makes them again.
func Open(ctx context.Context, c Config) (*Set, error) {
	s := &Set{
		dir: c.Dir, store: c.Store, log: c.Logger, builds: make(chan struct{}, 1), most: usualBatches,
		projections: []*projection{
			contractsProjection(), requestsProjection(), erasuresProjection(), mailsProjection(), promisesProjection(), filesProjection(),
		},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.metrics = newMetrics(s)
	if c.CacheBytes == 0 {
		c.CacheBytes = DefaultCacheBytes
	}
	if err := s.open(ctx, c.CacheBytes); err != nil {
		return nil, fmt.Errorf("open projections in %s: %w", c.Dir, err)
	}
	contracts, requests, erasures, mails, promises := s.projections[0], s.projections[1], s.projections[2], s.projections[3], s.projections[4]
	s.Contracts = &Contracts{reader{s, contracts}}
	s.Links = &Links{reader{s, contracts}}
	s.Benefits = &Benefits{reader{s, contracts}}
	s.Due = &Due{reader{s, contracts}, reader{s, promises}}
	s.Incidents = &Incidents{reader{s, requests}}
	s.Activity = &Activity{reader{s, requests}}
	s.Desk = &Desk{reader{s, requests}}
	s.Erasures = &Erasures{reader{s, erasures}}
	s.Mails = &Mails{reader{s, mails}}
	s.Files = &Files{reader{s, s.projections[5]}}
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

// open opens the database, anew where it is of no use.
func (s *Set) open(ctx context.Context, cacheBytes int64) error {
	if err := s.sweep(); err != nil {
		return err
	}
	for again := false; ; again = true {
		db, err := openSQLite(ctx, s.dir, cacheBytes)
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
