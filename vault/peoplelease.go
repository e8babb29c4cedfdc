package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// An erasure is one of all that were made, which are counted from 1.
type erasure struct {
	number int64
	id     KeyID // of the key: another history has another one there
}

// keepLease asks several times within a lease what was erased.
func (p *PeopleDatabase) keepLease(ctx context.Context) {
	tick := time.NewTicker(p.lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = p.renew(ctx) // until it succeeds keys are asked for one by one
		case <-ctx.Done():
			return
		}
	}
}

// renew drops from memory what was erased since the last time, and may use the
// rest for another leaseTime, counted from before it asked.
func (p *PeopleDatabase) renew(ctx context.Context) error {
	p.mu.RLock()
	last := p.last
	p.mu.RUnlock()
	asked := time.Now()
	var erased []uuid.UUID
	same, newest := last.number == 0, last
	err := p.ask(ctx, func(ctx context.Context) error {
		erased, same, newest = nil, last.number == 0, last
		rows, err := p.db.QueryContext(ctx, "SELECT person, id, erasure FROM people WHERE erasure >= $1 ORDER BY erasure", last.number)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var person uuid.UUID
			var id []byte
			var number int64
			if err := rows.Scan(&person, &id, &number); err != nil {
				return err
			}
			e := erasure{number, KeyID(id)}
			if number == last.number {
				same = e == last
				continue
			}
			erased, newest = append(erased, person), e
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.last != last {
		return nil // another one has asked meanwhile
	}
	if !same { // the database has lost something that it had acknowledged
		p.ready = new(readyKeys)
		newest = erasure{}
	}
	for _, person := range erased {
		p.ready.drop(person)
	}
	p.last, p.until = newest, asked.Add(p.lease)
	return nil
}

// erase destroys the person's key, if ids names it or is nil, and waits until no
// node uses it any more.
func (p *PeopleDatabase) erase(ctx context.Context, person uuid.UUID, ids []KeyID) ([]KeyID, error) {
	var erased, before []KeyID // before: by a try of which it is not known whether it was committed
	lately := false
	err := p.within(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, erased = append(before, erased...), nil
		// One at a time: who has seen one erasure has seen all before it.
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock("+peopleLock+")"); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `UPDATE people SET secret = NULL, erasure = (SELECT COALESCE(MAX(erasure), 0) + 1 FROM people), erased_at = clock_timestamp()
			WHERE person = $1 AND secret IS NOT NULL AND ($2 OR id = ANY($3)) RETURNING id`, person[:], ids == nil, idsOf(ids))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			if err := rows.Scan(&id); err != nil {
				return err
			}
			erased = append(erased, KeyID(id))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(erased) > 0 {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people WHERE person = $1 AND secret IS NULL AND ($2 OR id = ANY($3))
			AND erased_at > clock_timestamp() - make_interval(secs => $4))`, person[:], ids == nil, idsOf(ids), recently.Seconds()).Scan(&lately)
	})
	if err != nil {
		return nil, fmt.Errorf("erase keys of person %s: %w", person, err)
	}
	if len(erased) == 0 && !lately {
		return nil, nil
	}
	if len(erased) == 0 {
		erased = before
	}
	p.mu.RLock()
	p.ready.drop(person)
	p.mu.RUnlock()
	select {
	case <-time.After(p.lease):
		return erased, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("erase keys of person %s: wait for other nodes: %w", person, ctx.Err())
	}
}

// A making is a key that is asked for.
type making struct {
	person uuid.UUID
	done   chan struct{} // closed when key and err are final
	key    *readyKey     // nil without an error: it was erased at once
	err    error
}

// create returns the person's key, made durable by this node or by another that
// came first.
func (p *PeopleDatabase) create(ctx context.Context, person uuid.UUID) (*readyKey, error) {
	for {
		m := &making{person: person, done: make(chan struct{})}
		select {
		case p.queue <- m:
		case <-p.ended:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case <-m.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if m.key != nil || m.err != nil {
			return m.key, m.err
		}
	}
}

// makeMost bounds the keys that are made at once.
const makeMost = 1024

// commit makes what is asked for, all that wait in one statement, until the context
// ends; then it refuses.
func (p *PeopleDatabase) commit(ctx context.Context) {
	for {
		var batch []*making
		select {
		case m := <-p.queue:
			batch = append(batch, m)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(batch) < makeMost; {
			select {
			case m := <-p.queue:
				batch = append(batch, m)
			default:
				more = false
			}
		}
		keys, err := p.make(ctx, batch)
		for _, m := range batch {
			m.key, m.err = keys[m.person], err
			close(m.done)
		}
	}
}

// make makes a key for each person who has none, and reads those of all.
func (p *PeopleDatabase) make(ctx context.Context, batch []*making) (map[uuid.UUID]*readyKey, error) {
	var people, ids, secrets [][]byte
	slices.SortFunc(batch, func(a, b *making) int { return slices.Compare(a.person[:], b.person[:]) }) // nodes must not wait for each other
	for i, m := range batch {
		if i > 0 && m.person == batch[i-1].person {
			continue
		}
		id := make([]byte, len(KeyID{}))
		rand.Read(id) // never fails: the runtime stops the process first
		people, ids, secrets = append(people, m.person[:]), append(ids, id), append(secrets, randomSecret())
	}
	err := p.ask(ctx, func(ctx context.Context) error {
		_, err := p.db.ExecContext(ctx, `INSERT INTO people (person, id, secret) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])
			ON CONFLICT (person) WHERE secret IS NOT NULL DO NOTHING`, people, ids, secrets)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write people's keys: %w", err)
	}
	return p.loadAll(ctx, people)
}
