package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/projections"
)

// A shown is the answer to a request that changed nothing.
type shown[T any] struct {
	Body T
}

// A list is a page of rows, and up to which event they are true (R37).
type list[T any] struct {
	Items []T      `json:"items" nullable:"false"`
	Next  string   `json:"next,omitzero" doc:"The cursor of the next page; absent on the last"`
	AsOf  asOfView `json:"as_of"`
}

type asOfView struct {
	Position uint64    `json:"position" doc:"The last event that counts"`
	Time     time.Time `json:"time"`
}

func asOf(a audit.AsOf) asOfView { return asOfView{uint64(a.Position), a.Time} }

// render shows the rows of a list one by one.
func render[Row, View any](rows projections.List[Row], one func(*Row) View) *shown[list[View]] {
	out := list[View]{Items: make([]View, len(rows.Items)), Next: rows.Next, AsOf: asOf(audit.AsOf(rows.AsOf))}
	for i := range rows.Items {
		out.Items[i] = one(&rows.Items[i])
	}
	return &shown[list[View]]{out}
}

// defaultLimit is how many rows a page has unless asked otherwise.
const defaultLimit = 100

// PageInput is what every list takes.
type PageInput struct {
	Cursor string `query:"cursor" maxLength:"4096" doc:"The next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Rows on the page"`
	After  string `query:"after" maxLength:"32" doc:"Wait until this Ledger-Position counts, at most 10 seconds"`
}

func (p PageInput) page() projections.Page {
	return projections.Page{Cursor: p.Cursor, Limit: orDefault(p.Limit, defaultLimit)}
}

// AfterInput is what reads take that are no lists.
type AfterInput struct {
	After string `query:"after" maxLength:"32" doc:"Wait until this Ledger-Position counts, at most 10 seconds"`
}

// position reads ?after=: a position that was, or Start where nothing is asked.
func (a *API) position(ctx context.Context, after string) (eventstore.Position, error) {
	if after == "" {
		return eventstore.Start, nil
	}
	p, err := strconv.ParseUint(after, 10, 64)
	if err != nil || p == 0 || strconv.FormatUint(p, 10) != after {
		return 0, neverWas()
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	if eventstore.Position(p) > head {
		return 0, neverWas()
	}
	return eventstore.Position(p), nil
}

func neverWas() *Problem {
	return aField("unknown-position", "after", "names a position that never was", sentences["unknown-position"].hint)
}

// soon is how long a list waits for what was recorded before it was asked for,
// where no ?after= says that it has to.
const soon = 500 * time.Millisecond

// wait holds a list back until it is true up to ?after=, for so long. Without
// that it is held back for a moment, so that whoever has just written something
// usually finds it; as_of says what it is true up to.
func (a *API) wait(ctx context.Context, after string) error {
	p, err := a.position(ctx, after)
	if err != nil {
		return err
	}
	if p != eventstore.Start {
		return a.await(ctx, p)
	}
	moment, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	if err := a.awaitHead(moment); err != nil && moment.Err() == nil {
		return err
	}
	return ctx.Err()
}

// await waits until the lists are true up to a position; not-yet where that
// takes too long.
func (a *API) await(ctx context.Context, p eventstore.Position) error {
	waiting, cancel := context.WithTimeout(ctx, a.AwaitTimeout)
	defer cancel()
	err := a.Projections.Await(waiting, p)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return said("not-yet")
	}
	return err
}

// awaitHead waits until the lists have seen everything that was recorded before.
func (a *API) awaitHead(ctx context.Context) error {
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	return a.await(ctx, head)
}
