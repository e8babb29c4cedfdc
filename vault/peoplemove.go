package vault

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// moveMost is how many keys are moved in one statement.
const moveMost = 1000

// Take copies the keys of a file, for a ledger that several nodes are to share. It
// can be asked for again, also after it was stopped. A person who has another key
// here already is an error that names the person: then this is another ledger's
// database, or one that was used before the file's keys were taken. It returns how
// many keys the file has. progress may be nil.
func (p *PeopleDatabase) Take(ctx context.Context, from *PeopleFile, progress func(done, total int)) (int, error) {
	from.mu.RLock()
	people := slices.SortedFunc(maps.Keys(from.live), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	from.mu.RUnlock()
	done := 0
	for some := range slices.Chunk(people, moveMost) {
		if err := p.takeSome(ctx, from, some); err != nil {
			return done, fmt.Errorf("take people's keys: %w", err)
		}
		if done += len(some); progress != nil {
			progress(done, len(people))
		}
	}
	return done, nil
}

func (p *PeopleDatabase) takeSome(ctx context.Context, from *PeopleFile, some []uuid.UUID) error {
	var people, ids, secrets [][]byte
	for _, person := range some {
		from.mu.RLock()
		s, err := from.read(person)
		from.mu.RUnlock()
		if err != nil {
			return err
		}
		people, ids, secrets = append(people, s.person[:]), append(ids, s.id[:]), append(secrets, s.secret[:])
	}
	err := p.ask(ctx, func(ctx context.Context) error {
		_, err := p.db.ExecContext(ctx, `INSERT INTO people (person, id, secret) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])
			ON CONFLICT DO NOTHING`, people, ids, secrets)
		return err
	})
	if err != nil {
		return err
	}
	// What was there before must be the same key, or the same one erased since.
	return p.ask(ctx, func(ctx context.Context) error {
		rows, err := p.db.QueryContext(ctx, `SELECT f.person FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS f (person, id, secret)
			WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.person = f.person AND p.id = f.id AND COALESCE(p.secret, f.secret) = f.secret)`,
			people, ids, secrets)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			return rows.Err()
		}
		var person uuid.UUID
		if err := rows.Scan(&person); err != nil {
			return err
		}
		return fmt.Errorf("person %s has another key in %v: name a database that nothing was sealed with", person, p.at)
	})
}
