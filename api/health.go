package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

func (a *API) registerHealth() {
	const tag = "Operation"
	register(a, "get-health", http.StatusOK, texts{tag, "Whether the process answers", ""}, a.getHealth)
	register(a, "get-readiness", http.StatusOK, texts{tag, "Whether requests should be sent here",
		"503 while the lists lag behind the log, or the log, the lists or the keys of people cannot be reached, and while the node is being taken out of service."}, a.getReadiness)
}

// A health is what the process says about itself.
type health struct {
	Status  string `json:"status" example:"ok"`
	Version string `json:"version"`
}

func (a *API) getHealth(context.Context, *call, *struct{}) (*shown[health], error) {
	return &shown[health]{health{"ok", orDefault(a.Version, "dev")}}, nil
}

// A readiness is how far the lists have come.
type readiness struct {
	Status    string    `json:"status" example:"ready"`
	Head      uint64    `json:"head" doc:"The log's newest position"`
	Projected uint64    `json:"projected" doc:"The position up to which every list is true"`
	Feed      string    `json:"feed" enum:"connected,disconnected,off" doc:"Whether the feed reaches NATS. Where it does not, nothing but the feed and mails stops, and they catch up"`
	Now       time.Time `json:"now" doc:"What decisions are made by"`
}

// Leave says, to whoever asks whether requests should be sent here, that from now on
// they should not; they are answered as before.
func (a *API) Leave() { a.leaving.Store(true) }

func (a *API) getReadiness(ctx context.Context, _ *call, _ *struct{}) (*shown[readiness], error) {
	if a.leaving.Load() {
		return nil, problem("not-ready", "this node is being stopped, and answers for a little while longer", "send requests to another node")
	}
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	head, err := a.Ledger.Head(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: it did not answer in %v", eventstore.ErrUnavailable, readyPatience)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.Projections.Stopped(), a.Projections.Away()); err != nil {
		return nil, err
	}
	if a.PeopleReady != nil {
		if err := a.PeopleReady(ctx); err != nil {
			return nil, err
		}
	}
	projected := a.Projections.Position()
	if lag := eventstore.Between(a.Store, projected, head); lag > a.MaxLag {
		return nil, problem("not-ready", fmt.Sprintf("the lists are %d records behind the log", lag), sentences["not-ready"].hint)
	}
	return &shown[readiness]{readiness{"ready", uint64(head), uint64(projected), a.feed(), a.Ledger.Now()}}, nil
}

// readyPatience bounds how long what a ledger stands on is waited for: whoever
// asks whether it is ready does not wait long.
const readyPatience = 2 * time.Second

func (a *API) feed() string {
	switch {
	case a.FeedConnected == nil:
		return "off"
	case a.FeedConnected():
		return "connected"
	}
	return "disconnected"
}
