package projections

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/postgres"
)

// Where several nodes share rows, any of them may bring them forward: a checkpoint
// says where they are, and whoever moves it holds it (see hold). That all of them
// try would be right and would cost as much again for each, so one works while
// the others watch. A node that finds the rows moved by another begins to watch.
// It takes over where they stand still although the log goes on: sooner where
// somebody waits.

// How long rows may stand still before another node takes over: somewhat longer
// than a node lets records gather.
const (
	takeOverIdle   = gatherMost + 2*time.Second
	takeOverWanted = 150 * time.Millisecond
	watchTick      = 50 * time.Millisecond
	triesAgain     = 20 * time.Millisecond // whoever does not follow
)

// errBusy says that somebody else holds the rows.
var errBusy = fmt.Errorf("%w: it holds them", errBeaten)

// mayShift finds out, before the log is read for nothing, whether anybody else
// holds the rows.
func (s *Set) mayShift(ctx context.Context) error {
	if !s.db.shared {
		return nil
	}
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	err := s.db.transact(ctx, func(ctx context.Context) error {
		held, err := s.db.hold(ctx, s.live, current, s.db.holding)
		if err == nil && len(held) == 0 && len(s.live) > 0 {
			err = errBusy
		}
		return err
	})
	return err
}

// watchOthers returns when it is time to try again: another node has moved the
// rows, or holds them.
func (s *Set) watchOthers(ctx context.Context, at, until eventstore.Position) error {
	if until != forever || !s.db.shared {
		return rest(ctx, triesAgain)
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	w := watcher{set: s, at: s.Position(), since: time.Now(), idle: takeOverIdle}
	if w.at == at { // it may just have put other rows in their place, and not go on
		w.idle = 2 * takeOverWanted
	}
	for {
		over, err := w.look(ctx)
		if over || err != nil {
			return err
		}
	}
}

// A watcher watches others bring the rows forward.
type watcher struct {
	set   *Set
	at    eventstore.Position
	since time.Time // when they came there
	late  bool      // the log had more, already when patience was first over
	idle  time.Duration
}

// look rests for a moment, or until somebody begins to wait, and says whether it
// is time to take over.
func (w *watcher) look(ctx context.Context) (bool, error) {
	select {
	case <-w.set.watch.rest():
		w.set.hurry(ctx) // whoever works may be letting records gather
	case <-time.After(watchTick):
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if err := rest(ctx, watchTick/10); err != nil { // those who wait come by the dozen
		return false, err
	}
	if now := w.set.Position(); now != w.at {
		w.at, w.since, w.late, w.idle = now, time.Now(), false, takeOverIdle
		return false, nil
	}
	patience := w.idle
	if w.set.watch.waits() {
		patience = min(patience, takeOverWanted)
	}
	patience += rand.N(patience / 4) // not all at once
	if time.Since(w.since) < patience {
		return false, nil
	}
	head, err := w.set.store.Head(ctx)
	if err != nil {
		return false, fmt.Errorf("ask for the log's head: %w", err)
	}
	// A record may have arrived just now, and is about to be seen.
	over := w.late && head > w.at
	w.late, w.since = head > w.at, time.Now()
	return over, nil
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// What nodes tell each other.
const (
	heardMoved  = "moved"  // rows were moved, or others put in their place
	heardWanted = "wanted" // somebody waits
)

// hurry lets the node that works know that somebody waits here. Where that fails,
// waiting takes a little longer.
func (s *Set) hurry(ctx context.Context) {
	soon, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := s.db.look(soon, func(c *connection) error {
		_, err := c.exec(soon, s.db.tell, heardWanted)
		return err
	})
	s.lose(err)
}

// hearEvery is how often a node looks where the rows are, heard of or not.
const hearEvery = time.Second

// hear learns from other nodes how far the rows are, and that somebody waits,
// until the context ends. It also finds out when the database is away, and when it
// is there again.
func (s *Set) hear(ctx context.Context) {
	for pause := restFirst; ctx.Err() == nil; pause = min(2*pause, restMost/5) {
		began := time.Now()
		err := s.db.explain(s.hearOnce(ctx))
		if ctx.Err() != nil {
			return
		}
		s.lose(err)
		s.log.Warn("other nodes are not heard", "again in", pause, "error", err)
		if time.Since(began) > restMost {
			pause = restFirst
		}
		_ = rest(ctx, pause)
	}
}

// hearOnce hears by one connection.
func (s *Set) hearOnce(ctx context.Context) error {
	conn, err := s.db.reads.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.db.name, err)
	}
	c := &connection{dialect: s.db.dialect, conn: conn}
	defer func() {
		// Nobody else may have it: it would gather what nobody hears.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.close()
	}()
	if err := c.define(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	var schema string
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(current_schema()::text, '')").Scan(&schema); err != nil {
		return fmt.Errorf("ask for the schema: %w", err)
	}
	var tidied time.Time
	for {
		if err := s.lookAt(ctx, c); err != nil {
			return err
		}
		if time.Since(tidied) > useEvery {
			s.tidy(ctx)
			tidied = time.Now()
		}
		for moved := false; !moved; {
			if moved, err = s.heard(ctx, conn, schema); err != nil {
				return err
			}
		}
	}
}

// heard waits for a word, or for hearEvery, and says whether to look at the rows.
func (s *Set) heard(ctx context.Context, conn *sql.Conn, schema string) (bool, error) {
	soon, cancel := context.WithTimeout(ctx, hearEvery)
	defer cancel()
	var said *pgconn.Notification
	err := postgres.Raw(conn, func(c *pgx.Conn) (err error) {
		said, err = c.WaitForNotification(soon)
		return err
	})
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return true, nil
		}
		return false, fmt.Errorf("hear other nodes: %w", err)
	}
	where, what, _ := strings.Cut(said.Payload, " ")
	if where == schema && what == heardWanted {
		s.watch.hurry()
	}
	return where == schema && what == heardMoved, nil
}

// lookMost bounds how long a node waits to be told where the rows are.
const lookMost = 5 * time.Second

// lookAt reads where the rows in use are.
func (s *Set) lookAt(ctx context.Context, c *connection) error {
	return s.place(func() (eventstore.Position, error) {
		soon, cancel := context.WithTimeout(ctx, lookMost)
		defer cancel()
		rows, err := c.readCheckpoints(soon)
		if err != nil && ctx.Err() == nil && soon.Err() != nil {
			err = fmt.Errorf("%w: it did not answer in %v", ErrUnavailable, lookMost)
		}
		if err != nil {
			return eventstore.Start, err
		}
		position := forever
		for _, row := range rows {
			if p := s.named(row.projection); p != nil && row.state == current && row.of(p) {
				position = min(position, row.position)
			}
		}
		if position == forever {
			position = eventstore.Start
		}
		return position, nil
	})
}

// How long rows of a version stay that no node uses any more, and how often a node
// says that it does. Whoever goes back to the version before, within that time,
// finds its rows.
const (
	unusedFor = "24 hours"
	useEvery  = 10 * time.Minute
)

// tidy says which versions this node uses, and drops what is of no use to any.
func (s *Set) tidy(ctx context.Context) {
	err := s.use(ctx)
	if err == nil {
		err = s.dropUnused(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("rows that nobody uses are looked for later", "error", err)
	}
}

func (s *Set) use(ctx context.Context) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	return s.db.transact(ctx, s.useWithin)
}

func (s *Set) useWithin(ctx context.Context) error {
	for _, p := range s.projections {
		err := s.db.writer.later(ctx, `INSERT INTO uses (projection, version, digest, used_at) VALUES (?, ?, ?, now())
			ON CONFLICT (projection, version, digest) DO UPDATE SET used_at = excluded.used_at`, p.name, p.version, p.shape)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) dropUnused(ctx context.Context) error {
	used, err := s.used(ctx)
	if err != nil {
		return err
	}
	return s.dropThose(ctx, func(c checkpoint) bool {
		return c.state == retired || !used[versionOf{c.projection, c.version, c.digest}]
	})
}

type versionOf struct {
	projection string
	version    int
	digest     string
}

// used are the versions that some node has used lately.
func (s *Set) used(ctx context.Context) (map[versionOf]bool, error) {
	out := map[versionOf]bool{}
	err := s.db.look(ctx, func(c *connection) error {
		rows, err := c.query(ctx, "SELECT projection, version, digest FROM uses WHERE used_at > now() - ?::interval", unusedFor)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var v versionOf
			if err := rows.Scan(&v.projection, &v.version, &v.digest); err != nil {
				return fmt.Errorf("read versions: %w", err)
			}
			out[v] = true
		}
		return rows.Err()
	})
	return out, err
}
