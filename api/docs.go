package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/mux"
)

//go:embed docs.html
var docsHTML string

// publish serves what was registered as /openapi.json and as /docs, and adds the
// calls that are not described there. Both are written when somebody first asks for
// them: they take longer than everything else that a start does.
func (a *API) publish() {
	a.alsoOK()
	a.describeEvents()
	a.describeAttachments()
	a.describeStatement()
	a.describeTransfer()
	a.serveBytes("get-openapi", "/openapi.json", "application/json", "", sync.OnceValues(a.writeDocument))
	a.serveBytes("get-docs", "/docs", "text/html; charset=utf-8",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", sync.OnceValues(a.writePage))
	if a.Registry != nil {
		a.plain("get-metrics", "/metrics", Metrics(a.Registry))
	}
}

// writeDocument writes /openapi.json, without what huma adds of its own.
func (a *API) writeDocument() ([]byte, error) {
	raw, err := a.huma.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write openapi: %w", err)
	}
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("write openapi: %w", err)
	}
	strip(document)
	return json.Marshal(document, json.Deterministic(true))
}

// strip takes the wording of huma's messages out of schemas.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "patternDescription")
		for _, member := range v {
			strip(member)
		}
	case []any:
		for _, entry := range v {
			strip(entry)
		}
	}
}

// alsoOK describes the answer of a call that finds its wish held already.
func (a *API) alsoOK() {
	responses := a.huma.OpenAPI().Paths["/v1/links"].Post.Responses
	held := *responses["201"]
	held.Description = "It was linked already."
	responses["200"] = &held
}

// plain adds a call that huma does not know.
func (a *API) plain(id, path string, handler http.Handler) {
	rt := &route{id: id, method: get, path: path, roles: everybody}
	a.router.Path(path).Methods(get).Handler(a.guard(rt, handler)) // in this order: mux forgets a 405 otherwise
}

func (a *API) serveBytes(id, path, contentType, policy string, written func() ([]byte, error)) {
	a.plain(id, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := written()
		if err != nil {
			callOf(r.Context()).fail(err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		if policy != "" {
			h.Set("Content-Security-Policy", policy)
		}
		_, _ = w.Write(body)
	}))
}

// methodsAt are the methods that the path of a request has.
func (a *API) methodsAt(r *http.Request) []string {
	var allowed []string
	for _, method := range []string{get, post, patch, del} {
		other := *r
		other.Method = method
		if match := new(mux.RouteMatch); a.router.Match(&other, match) && match.MatchErr == nil {
			allowed = append(allowed, method)
		}
	}
	if slices.Contains(allowed, get) {
		allowed = append(allowed, http.MethodHead)
	}
	return allowed
}

// A docPage is what the template of /docs shows.
type docPage struct {
	Version string
	About   string
	Groups  []docGroup
	Schemas []docSchema
	Codes   []docCode
}

type docGroup struct {
	Tag   string
	Calls []docCall
}

type docCall struct {
	ID, Method, Path, Summary, Description string
	Roles, Params, Statuses                []string
	Request, Response                      string // names of schemas
}

type docSchema struct{ Name, JSON string }

type docCode struct {
	Code        string
	Status      int
	Title, Hint string
}

func (a *API) writePage() ([]byte, error) {
	page := docPage{Version: a.huma.OpenAPI().Info.Version, About: about, Groups: a.docGroups(), Codes: docCodes()}
	var err error
	if page.Schemas, err = a.docSchemas(); err != nil {
		return nil, err
	}
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("read docs template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("write docs: %w", err)
	}
	return b.Bytes(), nil
}

// docGroups are the calls by their tags, in the order of the table of routes.
func (a *API) docGroups() []docGroup {
	var groups []docGroup
	for i := range routes {
		op := a.operation(&routes[i])
		if op == nil {
			continue
		}
		at := slices.IndexFunc(groups, func(g docGroup) bool { return g.Tag == op.Tags[0] })
		if at < 0 {
			at = len(groups)
			groups = append(groups, docGroup{Tag: op.Tags[0]})
		}
		groups[at].Calls = append(groups[at].Calls, docCallOf(&routes[i], op))
	}
	return groups
}

// operation finds the description of a route; nil where it was not registered.
func (a *API) operation(rt *route) *huma.Operation {
	item := a.huma.OpenAPI().Paths[rt.path]
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{get: item.Get, post: item.Post, del: item.Delete, patch: item.Patch}[rt.method]
}

func docCallOf(rt *route, op *huma.Operation) docCall {
	c := docCall{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description}
	for _, role := range rt.roles {
		c.Roles = append(c.Roles, string(role))
	}
	for _, p := range op.Parameters {
		text := p.Name + " (" + p.In
		if p.Required && p.In != "path" {
			text += ", required"
		}
		text += ")"
		if p.Description != "" {
			text += ": " + p.Description
		}
		c.Params = append(c.Params, text)
	}
	if op.RequestBody != nil {
		c.Request = schemaName(op.RequestBody.Content["application/json"])
	}
	for status, response := range op.Responses {
		c.Statuses = append(c.Statuses, status)
		if content := response.Content["application/json"]; content != nil {
			c.Response = schemaName(content)
		}
	}
	sort.Strings(c.Statuses)
	return c
}

func schemaName(content *huma.MediaType) string {
	if content == nil || content.Schema == nil {
		return ""
	}
	return content.Schema.Ref[strings.LastIndexByte(content.Schema.Ref, '/')+1:]
}

func (a *API) docSchemas() ([]docSchema, error) {
	var out []docSchema
	for name, schema := range a.huma.OpenAPI().Components.Schemas.Map() {
		text, err := schema.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("write schema %s: %w", name, err)
		}
		value := jsontext.Value(text)
		if err := value.Indent(); err != nil {
			return nil, fmt.Errorf("write schema %s: %w", name, err)
		}
		out = append(out, docSchema{name, string(value)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func docCodes() []docCode {
	var out []docCode
	for code, status := range statuses {
		out = append(out, docCode{code, status, sentences[code].title, sentences[code].hint})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}
