package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/events"
	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

const (
	eventsRoute = "follow-events"
	eventsPath  = "/v1/events"
	eventStream = "text/event-stream"
)

type object = map[string]any

type eventsInput struct {
	Types    string `query:"types" maxLength:"2000" doc:"Only these types, with commas in between: whole ones or their first words, such as incident.submitted.v1 or incident" example:"incident,contract.activated.v1"`
	Contract string `query:"contract" maxLength:"64" doc:"Only what happens to this contract"`
	After    string `query:"after" maxLength:"32" doc:"Begin after this Ledger-Position; 0 is the beginning. What is recorded from now on, if left out"`
	LastID   string `header:"Last-Event-ID" maxLength:"32" doc:"Begin after the event with this id, as a browser asks when it connects again; it counts more than after"`
}

const aboutEvents = "Server-sent events, in the order of the log, each once: its `id` is its position, its `event` its type, its `data` an Event. " +
	"Begins with what is recorded from now on, unless Last-Event-ID or after says where to go on. " +
	"Connect again with the last id and nothing is missed and nothing comes twice; " +
	"the first message tells where the stream begins, and a comment comes whenever nothing else has for a while: both may move the id on. " +
	"Personal texts are left out unless the token has the scope personal; of somebody who was forgotten they are the string erased. " +
	"The stream ends when the token does or is revoked, when the ledger stops, and when nothing is read for a while. " +
	"A server keeps so many open and no more: then 503, with Retry-After."

func (a *API) registerEvents() {
	register(a, eventsRoute, http.StatusOK, texts{"Events", "Follow everything that happens", aboutEvents}, a.followEvents)
}

// describeEvents tells what a stream looks like, which huma cannot know. What each
// message looks like has a place in OpenAPI 3.2 only.
func (a *API) describeEvents() {
	data := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[events.Event](), true, "Event")
	text := object{"type": "string"}
	ok := a.huma.OpenAPI().Paths[eventsPath].Get.Responses["200"]
	ok.Content = map[string]*huma.MediaType{eventStream: {
		Schema: &huma.Schema{Type: huma.TypeString, Description: "Messages of which each data is an Event"},
		Extensions: object{"x-itemSchema": object{"type": "object", "properties": object{
			"id": text, "event": text, "data": object{"type": "string", "contentMediaType": "application/json", "contentSchema": data},
		}}},
		Example: "retry: 3000\nid: 41\n\nid: 42\nevent: incident.submitted.v1\n" +
			`data: {"id":"...","type":"incident.submitted.v1","position":42,...,"data":{...}}` + "\n\n: nothing new\n\n",
	}}
}

func (a *API) followEvents(ctx context.Context, c *call, in *eventsInput) (*huma.StreamResponse, error) {
	filter, err := a.filterEvents(ctx, in)
	if err != nil {
		return nil, err
	}
	after, err := a.beginning(ctx, in)
	if err != nil {
		return nil, err
	}
	if c.head {
		return &huma.StreamResponse{Body: func(huma.Context) { c.Header().Set("Content-Type", eventStream) }}, nil
	}
	if err := a.takeSeat(); err != nil {
		return nil, err
	}
	subscription, err := a.events.Subscribe(ctx, after, filter, c.claims.HasScope(token.Personal))
	if err != nil {
		a.leaveSeat()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		defer a.leaveSeat()
		defer subscription.Close()
		a.stream(c, subscription, after)
	}}, nil
}

// comeBackAfter is when somebody for whom there was no room may ask again: a stream
// that ends is the only thing that makes room.
const comeBackAfter = 10 * time.Second

// takeSeat lets another stream be open, or refuses it where there are as many as
// this server keeps.
func (a *API) takeSeat() error {
	if a.seats.Add(1) > int64(a.MaxStreams) {
		a.leaveSeat()
		p := said("too-many-streams")
		p.retryAfter = comeBackAfter
		return p
	}
	return nil
}

func (a *API) leaveSeat() { a.seats.Add(-1) }

// filterEvents reads ?types= and ?contract=.
func (a *API) filterEvents(ctx context.Context, in *eventsInput) (events.Filter, error) {
	id := uuid.Nil
	if in.Contract != "" {
		var err error
		if id, err = a.knownContract(ctx, in.Contract); err != nil {
			return events.Filter{}, err
		}
	}
	filter, err := events.NewFilter(in.Types, id)
	if unknown, ok := errors.AsType[*events.UnknownTypeError](err); ok {
		return filter, aField("malformed-parameter", "types", "names no published event: "+strconv.Quote(unknown.Name),
			"name event types, or first words of them: "+strings.Join(ledger.PublishedNouns(), ", "))
	}
	return filter, err
}

// knownContract reads the id of a contract that exists.
func (a *API) knownContract(ctx context.Context, text string) (uuid.UUID, error) {
	id, err := contractID(text)
	if err != nil {
		return id, err
	}
	exists := false
	if err = a.Ledger.View(ctx, id, func(s *contract.State, _ time.Time) { exists = s.Exists() }); err == nil && !exists {
		err = noContract()
	}
	return id, err
}

// beginning is the position after which a stream begins.
func (a *API) beginning(ctx context.Context, in *eventsInput) (eventstore.Position, error) {
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	name, text := "Last-Event-ID", in.LastID
	if text == "" {
		name, text = "after", in.After
	}
	if text == "" {
		return head, nil
	}
	p, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(p, 10) != text {
		return 0, aField("unknown-position", name, "is no position", sentences["unknown-position"].hint)
	}
	if eventstore.Position(p) > head {
		return 0, aField("beyond-head", name, "lies beyond the newest event", sentences["beyond-head"].hint)
	}
	return eventstore.Position(p), nil
}
