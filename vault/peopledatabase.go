package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/postgres"
)

// PeopleDatabase keeps the keys of people in PostgreSQL, where the nodes of an
// installation share them. While it cannot be reached, what needs it is
// ErrUnavailable; it comes back by itself.
//
// Keys are kept ready in memory on a lease: each node asks several times within
// leaseTime which keys were erased, and uses none from memory that it has not asked
// about for as long. Whoever erases is told so only when every lease that may not
// know of it is over. So from then on no node uses the key, whether or not it can
// reach the database.
//
// PostgreSQL keeps an erased key in its files until it cleans the page up, in its
// write-ahead log, and in backups of both for as long as they are kept.
type PeopleDatabase struct {
	at    *postgres.Database
	db    *sql.DB
	lease time.Duration
	stop  context.CancelFunc
	ended <-chan struct{} // closed when nobody takes from queue any more
	work  sync.WaitGroup

	mu     sync.RWMutex
	ready  *readyKeys
	until  time.Time // when the lease of the keys in ready ends
	last   erasure   // the newest that ready knows of
	closed bool

	queue chan *making // what the committer takes next
}

var _ People = (*PeopleDatabase)(nil)

// ErrUnavailable says that the keys of people cannot be reached now. What was
// asked for may be asked for again.
var ErrUnavailable = errors.New("the keys of people cannot be reached")

// ErrNoPeople says that a database has no keys of people: nobody has made the
// table, or it is another database or schema.
var ErrNoPeople = errors.New("there are no keys of people")

const (
	leaseTime = 2 * time.Second
	askMost   = 5 * time.Second // how long to wait for an answer
	// recently is how long ago an erasure may have been begun that nobody was told
	// of yet.
	recently   = 30 * time.Second
	peopleConn = 8
)

// Settings of each connection: a key is durable before anything is sealed under
// it, whatever the database does by default.
const (
	peopleDurable = "SET synchronous_commit = on"
	peoplePatient = "SET idle_in_transaction_session_timeout = '10s'"
	peoplePlans   = "SET enable_seqscan = off; SET jit = off" // the table grows faster than is noticed
)

// CreatePeopleDatabase makes the tables for the keys of people, if they are not
// there, for the installation whose keys these are, and opens them.
func CreatePeopleDatabase(ctx context.Context, at *postgres.Database, keys *Keys) (*PeopleDatabase, error) {
	p := newPeopleDatabase(at, leaseTime)
	err := p.within(ctx, func(ctx context.Context, tx *sql.Tx) error { return makePeopleTables(ctx, tx, keys.Check().Naming) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create people's keys in %s: %w", at, err), p.db.Close())
	}
	return p, p.begin(ctx, keys)
}

// OpenPeopleDatabase opens the keys of people of an installation; keys nil leaves
// unchecked whose they are. ErrNoPeople says that there are none: without them no
// text opens.
func OpenPeopleDatabase(ctx context.Context, at *postgres.Database, keys *Keys) (*PeopleDatabase, error) {
	p := newPeopleDatabase(at, leaseTime)
	return p, p.begin(ctx, keys)
}

func newPeopleDatabase(at *postgres.Database, lease time.Duration) *PeopleDatabase {
	db := at.Pool(peopleDurable, peoplePatient, peoplePlans)
	db.SetMaxOpenConns(peopleConn)
	db.SetMaxIdleConns(peopleConn)
	return &PeopleDatabase{at: at, db: db, lease: lease, ready: new(readyKeys), queue: make(chan *making)}
}

// begin checks whose keys they are, and sets to work. Where it fails everything is
// closed.
func (p *PeopleDatabase) begin(ctx context.Context, keys *Keys) error {
	err := p.check(ctx, keys)
	if err == nil {
		err = p.renew(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open people's keys in %s: %w", p.at, err), p.db.Close())
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop, p.ended = stop, work.Done()
	p.work.Go(func() { p.keepLease(work) })
	p.work.Go(func() { p.commit(work) })
	return nil
}

func (p *PeopleDatabase) check(ctx context.Context, keys *Keys) error {
	var naming string
	err := p.ask(ctx, func(ctx context.Context) (err error) {
		naming, err = peopleOf(ctx, p.db)
		return err
	})
	if postgres.NoSuchTable(err) || errors.Is(err, sql.ErrNoRows) {
		return ErrNoPeople
	}
	if err == nil && keys != nil && keys.Check().Naming != naming {
		return fmt.Errorf("they belong to the installation with naming key %s, not %s: name this installation's database", naming, keys.Check().Naming)
	}
	return err
}

// Close ends what is under way. A second Close does nothing.
func (p *PeopleDatabase) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed, p.until, p.ready = true, time.Time{}, new(readyKeys)
	p.mu.Unlock()
	if !first {
		return nil
	}
	p.stop()
	p.work.Wait()
	return p.db.Close()
}

// Ready says whether the database answers: nil, or an error that wraps
// ErrUnavailable.
func (p *PeopleDatabase) Ready(ctx context.Context) error {
	p.mu.RLock()
	leased, closed := time.Now().Before(p.until), p.closed
	p.mu.RUnlock()
	if leased || closed {
		return nil
	}
	return p.renew(ctx)
}

// Seal implements People.
func (p *PeopleDatabase) Seal(ctx context.Context, person uuid.UUID, text []byte) ([]byte, error) {
	key, err := p.key(ctx, person)
	if errors.Is(err, ErrErased) {
		key, err = p.create(ctx, person)
	}
	if err != nil {
		return nil, fmt.Errorf("seal text: %w", err)
	}
	return sealBox(key.id, key.aead, person, text), nil
}

// Open implements People.
func (p *PeopleDatabase) Open(ctx context.Context, person uuid.UUID, box []byte) ([]byte, error) {
	return openWith(person, box, func() (*readyKey, error) { return p.key(ctx, person) })
}

// Keys implements People.
func (p *PeopleDatabase) Keys(ctx context.Context, person uuid.UUID) ([]KeyID, error) {
	key, err := p.load(ctx, person)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find keys of person %s: %w", person, err)
	}
	return []KeyID{key.id}, nil
}

// Erase implements People.
func (p *PeopleDatabase) Erase(ctx context.Context, person uuid.UUID) ([]KeyID, error) {
	return p.erase(ctx, person, nil)
}

// EraseKeys implements People.
func (p *PeopleDatabase) EraseKeys(ctx context.Context, person uuid.UUID, ids []KeyID) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := p.erase(ctx, person, ids)
	return err
}

// key returns the person's key, from memory while the lease lasts, or ErrErased
// where there is none.
func (p *PeopleDatabase) key(ctx context.Context, person uuid.UUID) (*readyKey, error) {
	p.mu.RLock()
	var key *readyKey
	if time.Now().Before(p.until) {
		key = p.ready.get(person)
	}
	p.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	return p.load(ctx, person)
}

// load reads the person's key as it is now.
func (p *PeopleDatabase) load(ctx context.Context, person uuid.UUID) (*readyKey, error) {
	found, err := p.loadAll(ctx, [][]byte{person[:]})
	if err != nil {
		return nil, err
	}
	key := found[person]
	if key == nil {
		return nil, ErrErased
	}
	return key, nil
}

// loadAll reads keys, and keeps them ready, unless an erasure has become known
// meanwhile that may be of one of them.
func (p *PeopleDatabase) loadAll(ctx context.Context, people [][]byte) (found map[uuid.UUID]*readyKey, err error) {
	var known int64
	err = p.ask(ctx, func(ctx context.Context) error {
		found = make(map[uuid.UUID]*readyKey, len(people))
		rows, err := p.db.QueryContext(ctx, `SELECT person, id, secret, (SELECT COALESCE(MAX(erasure), 0) FROM people)
			FROM people WHERE person = ANY($1) AND secret IS NOT NULL`, people)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var person, id, secret []byte // as long as the table demands
			if err := rows.Scan(&person, &id, &secret, &known); err != nil {
				return err
			}
			found[uuid.UUID(person)] = newReadyKey(&slot{id: KeyID(id), secret: [secretLen]byte(secret)})
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if known >= p.last.number {
		for person, key := range found {
			p.ready.put(person, key)
		}
	}
	return found, nil
}

// ask asks the database, a second time where the first went by a connection that
// was cut. What it asks for must not do harm when it is done twice.
func (p *PeopleDatabase) ask(ctx context.Context, do func(context.Context) error) error {
	p.mu.RLock()
	closed := p.closed
	p.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	soon, cancel := context.WithTimeout(ctx, askMost)
	defer cancel()
	err := do(soon)
	for again := 0; again < 3 && (postgres.Away(err) || postgres.Contended(err)) && soon.Err() == nil; again++ {
		err = do(soon)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case postgres.Away(err) || postgres.Unconnected(err) || postgres.Contended(err) || soon.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// within asks by a transaction.
func (p *PeopleDatabase) within(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return p.ask(ctx, func(ctx context.Context) error {
		tx, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := do(ctx, tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
}

// String names the database, without its password.
func (p *PeopleDatabase) String() string { return "people's keys in " + p.at.String() }

// Format prints String whatever the verb.
func (p *PeopleDatabase) Format(f fmt.State, _ rune) { io.WriteString(f, p.String()) }

// LogValue logs String.
func (p *PeopleDatabase) LogValue() slog.Value { return slog.StringValue(p.String()) }

func idsOf(ids []KeyID) [][]byte {
	out := make([][]byte, len(ids))
	for i := range ids {
		out[i] = slices.Clone(ids[i][:])
	}
	return out
}
