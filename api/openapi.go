package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/go-json-experiment/json"
	"github.com/gorilla/mux"

	"github.com/supportledger/supportledger/domain"
)

// adoptHuma makes huma answer with our problems. Huma keeps such settings in
// variables of its package; they are set once, before anything is served.
var adoptHuma = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		return callOf(ctx.Context()).refuse(problemOfHuma(status, message, errs))
	}
})

// newHuma returns huma over the API's router. Each call that is registered with
// it is guarded by what the table of routes says.
func newHuma(a *API) huma.API {
	adoptHuma()
	format := huma.Format{
		Marshal:   encode,
		Unmarshal: func(data []byte, v any) error { return json.Unmarshal(data, v) },
	}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "supportledger", Version: orDefault(a.Version, "dev"), Description: about},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				Responses:       map[string]*huma.Response{},
				SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
	}
	problem := config.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	config.Components.Responses["Problem"] = &huma.Response{
		Description: "A problem (RFC 9457): what is wrong, and what to do next.",
		Content:     map[string]*huma.MediaType{problemType: {Schema: problem}},
	}
	return humamux.New(a.router, config, humamux.WithRouteCustomizer(a.mount))
}

const about = "Prepaid support contracts: registering, linking and spending them, and the history of every unit. " +
	"Writes carry an Idempotency-Key and answer with a Ledger-Position; reads take it as ?after= to see what was written."

// mount puts a call that huma made behind its guard; the hot route is served by
// hand instead.
func (a *API) mount(op *huma.Operation, at *mux.Route) {
	rt := routeOf(op.OperationID)
	guarded := a.guard(rt, at.GetHandler())
	if rt.id == hotRoute {
		a.slow, a.hot = guarded, a.guard(rt, http.HandlerFunc(a.submitFast))
		guarded = a.hot
	}
	at.Handler(guarded)
}

// about a call, for its readers.
type texts struct{ tag, summary, description string }

// register adds a call of the table of routes: In has its parameters and its
// Body, Out the answer's headers and Body; do carries it out. Errors of do
// become problems.
func register[In, Out any](a *API, id string, success int, t texts, do func(context.Context, *call, *In) (*Out, error)) {
	rt := routeOf(id)
	op := huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, DefaultStatus: success,
		Tags: []string{t.tag}, Summary: t.summary, Description: t.description,
		MaxBodyBytes: -1, // the guard has read it
		Responses:    responsesOf(rt, success),
	}
	if rt.roles[0] != open {
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	if rt.keyed {
		op.Parameters = append(op.Parameters, keyParam())
	}
	if body, ok := reflect.TypeFor[In]().FieldByName("Body"); ok {
		op.Middlewares = append(op.Middlewares, strictly(body.Type))
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *In) (*Out, error) {
		c := callOf(ctx)
		out, err := do(ctx, c, in)
		if err != nil {
			return nil, c.refuse(err)
		}
		return out, nil
	})
}

// strictly refuses a body that is malformed, before its content is looked at. One
// that is a pointer may be left out.
func strictly(body reflect.Type) func(huma.Context, func(huma.Context)) {
	optional := body.Kind() == reflect.Pointer
	if optional {
		body = body.Elem()
	}
	return func(ctx huma.Context, next func(huma.Context)) {
		c := callOf(ctx.Context())
		if optional && len(c.body) == 0 {
			next(ctx)
			return
		}
		if p := decode(c.body, reflect.New(body).Interface()); p != nil {
			c.fail(p)
			return
		}
		next(ctx)
	}
}

func keyParam() *huma.Param {
	shortest, longest := 1, 255
	return &huma.Param{
		Name: "Idempotency-Key", In: "header", Required: true,
		Description: "A key of your own for this wish, such as a UUID. Sent again with the same body, it gets the first answer again.",
		Schema:      &huma.Schema{Type: "string", MinLength: &shortest, MaxLength: &longest, Pattern: "^[ -~]+$"},
	}
}

// responsesOf are the statuses that a call may answer with besides success.
func responsesOf(rt *route, success int) map[string]*huma.Response {
	statuses := []int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if rt.roles[0] != open {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
			http.StatusTooManyRequests, http.StatusUnprocessableEntity)
	}
	if strings.HasPrefix(rt.path, uploadsPath) {
		statuses = append(statuses, http.StatusPreconditionFailed)
	}
	if rt.method == post || rt.raw {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	out := map[string]*huma.Response{}
	for _, status := range statuses {
		out[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/Problem"}
	}
	return out
}

// problemOfHuma makes a problem of what huma found wrong with a request.
func problemOfHuma(status int, message string, errs []error) *Problem {
	var params, members []domain.Field
	for _, err := range errs {
		detail, ok := err.(*huma.ErrorDetail)
		if !ok {
			continue
		}
		where, field := placeOf(detail)
		if where == "body" {
			members = append(members, field)
		} else {
			params = append(params, field)
		}
	}
	switch {
	case len(params) > 0:
		params = merged(params)
		return problem("malformed-parameter", listed(params), "compare the parameters with /docs and send the request again", params...)
	case len(members) > 0:
		return misfit(members)
	case status >= http.StatusInternalServerError:
		p := said("internal")
		p.cause = fmt.Errorf("huma: %s: %v", message, errs)
		return p
	}
	return malformedBody("", message)
}

// placeOf says where a finding of huma lies ("body", "query", "path", "header")
// and what it is, as we name it.
func placeOf(d *huma.ErrorDetail) (where string, field domain.Field) {
	where, name, _ := strings.Cut(d.Location, ".")
	if missing, ok := required(d.Message); ok {
		if name != "" {
			name += "."
		}
		return where, domain.Field{Name: name + missing, Reason: "is missing"}
	}
	if where == "body" && d.Value == nil {
		return where, domain.Field{Name: name, Reason: "is missing"}
	}
	return where, domain.Field{Name: name, Reason: reasonOf(d.Message)}
}

// required reads the name out of huma's sentence about a missing member.
func required(message string) (name string, ok bool) {
	before, after, _ := strings.Cut(validation.MsgExpectedRequiredProperty, "%s")
	rest, found := strings.CutPrefix(message, before)
	if !found {
		return "", false
	}
	return strings.CutSuffix(rest, after)
}

// misfit is the answer to a body whose members do not fit.
func misfit(fields []domain.Field) *Problem {
	fields = merged(fields)
	return problem(domain.InvalidField, listed(fields), correct(fields), fields...)
}

// merged names each member once, with all that is wrong with it.
func merged(fields []domain.Field) []domain.Field {
	var out []domain.Field
	for _, f := range fields {
		i := slices.IndexFunc(out, func(before domain.Field) bool { return before.Name == f.Name })
		if i < 0 {
			out = append(out, f)
		} else {
			out[i].Reason += ", and " + f.Reason
		}
	}
	return out
}

func listed(fields []domain.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = strings.TrimSpace(f.Name + " " + f.Reason)
	}
	return strings.Join(parts, "; ")
}

func correct(fields []domain.Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return "correct " + strings.Join(names, ", ") + " and send the request again"
}

// wordings are huma's sentences and ours for them.
var wordings = []struct{ theirs, ours string }{
	{"expected length >= 1", "must not be empty"},
	{"expected length >= ", "must have at least so many characters: "},
	{"expected length <= ", "must have at most so many characters: "},
	{"expected array length <= ", "must have at most so many entries: "},
	{"expected number >= ", "must be at least "},
	{"expected number <= ", "must be at most "},
	{"expected value to be one of ", "must be one of "},
	{"expected string to be ", "must be "},
	{"required query parameter is missing", "is missing"},
	{"invalid integer", "must be a whole number"},
}

func reasonOf(message string) string {
	for _, w := range wordings {
		if rest, ok := strings.CutPrefix(message, w.theirs); ok {
			return w.ours + rest
		}
	}
	return message
}
