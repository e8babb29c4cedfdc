package projections

import (
	"context"
	"fmt"

	"github.com/supportledger/supportledger/eventstore"
)

// A Status says how a projection does.
type Status struct {
	Name      string              // "contracts/3"
	Questions []string            // that it answers besides the one it is named after
	InUse     bool                // false while its first rows are being built
	Position  eventstore.Position // of the rows in use
	Building  eventstore.Position // of those that are being built beside, if any are
	Head      eventstore.Position // of the log
}

// Status says how all projections do.
func (s *Set) Status(ctx context.Context) ([]Status, error) {
	head, err := s.store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the log's head: %w", err)
	}
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	var out []Status
	for _, p := range s.projections {
		status := Status{Name: p.String(), Questions: p.questions, Head: head}
		for _, c := range rows {
			switch {
			case !c.of(p):
			case c.state == current:
				status.InUse, status.Position = true, c.position
			case c.state == building:
				status.Building = c.position
			}
		}
		out = append(out, status)
	}
	return out, nil
}
