package eventstore

import (
	"context"
	"fmt"
)

// Places are the positions of the last events of one append.
type Places struct {
	last     Position
	revision Revision   // of the last event
	found    []Position // of the events up to it; nil where they are consecutive
}

// Of is the position of the event at a revision, which must be one of those that
// were asked for.
func (p Places) Of(r Revision) Position {
	if p.found == nil {
		return p.last - Position(p.revision-r)
	}
	return p.found[len(p.found)-1-int(p.revision-r)]
}

// ToldPlaces says where the events of an append stand, from a revision on, if its
// answer tells: positions grow, and not by one, so it tells of all of them only
// where there is no room between the first and the last.
func ToldPlaces(from Revision, done Appended, events int) (_ Places, told bool) {
	told = from == done.Revision || done.First != Start && done.Position-done.First == Position(events-1)
	return Places{last: done.Position, revision: done.Revision}, told
}

// KnownPlaces are the positions of a stream's records from one revision to another,
// if the store tells them at less cost than that of reading the records.
func KnownPlaces(ctx context.Context, s Store, stream string, from, to Revision) ([]Position, bool) {
	if s, ok := s.(interface {
		Places(ctx context.Context, stream string, from, to Revision) ([]Position, bool)
	}); ok {
		return s.Places(ctx, stream, from, to)
	}
	return nil, false
}

// FindPlaces says it in any case: what the answer does not tell is read from the
// stream.
func FindPlaces(ctx context.Context, s Store, stream string, from Revision, done Appended, events int) (Places, error) {
	p, told := ToldPlaces(from, done, events)
	if told {
		return p, nil
	}
	if p.found, told = KnownPlaces(ctx, s, stream, from, done.Revision); told {
		return p, nil
	}
	p.found = make([]Position, 0, done.Revision-from+1)
	for r, err := range s.ReadStream(ctx, stream, from, Forwards) {
		if err != nil {
			return p, fmt.Errorf("find where the events of an append stand: %w", err)
		}
		p.found = append(p.found, r.Position)
		if r.Revision == done.Revision {
			return p, nil
		}
	}
	return p, fmt.Errorf("find where the events of an append stand: stream %s ends before revision %d", stream, done.Revision)
}

// Spacing is how far apart the positions of two records are that follow each
// other: 1 unless the store says otherwise, whose positions may be places in files.
func Spacing(s Store) float64 {
	if s, ok := s.(interface{ Spacing() float64 }); ok {
		return max(1, s.Spacing())
	}
	return 1
}

// Between is about how many records stand after one position, up to another one.
// It is 0 only where there are none.
func Between(s Store, after, upTo Position) uint64 {
	if upTo <= after {
		return 0
	}
	return max(1, uint64(float64(upTo-after)/Spacing(s)))
}
