package tidy

import (
	"path"
	"slices"
	"strings"
)

// A fence keeps a module in its place, so that it can be replaced there.
type fence struct {
	module  string
	folders []string // where it may be imported; nil: anywhere
	file    string   // the files' name without .go or _test.go; "": any
	tests   bool     // in tests only, wherever they are
	reason  string
}

// fenced lists every module that the house stands on. One that is missing here
// may not be imported: say where it belongs, and why.
var fenced = []fence{
	{module: "github.com/google/uuid", reason: "ids are everywhere"},
	{module: "golang.org/x", reason: "the standard library's annexe"},
	{module: "github.com/hashicorp/golang-lru", reason: "a bounded cache may stand wherever something is loaded again"},
	{module: "github.com/go-json-experiment/json", folders: []string{"api", "ledger", "bench"}, reason: "the fast decoder is for hot routes; the rest reads better with encoding/json"},

	{module: "github.com/cockroachdb/pebble", folders: []string{"eventstore/pebblestore", "bench"}, reason: "another engine takes its place behind the same contract (bench measures it bare)"},
	{module: "github.com/EventStore/EventStore-Client-Go", folders: []string{"eventstore/esdb", "eventstore/esdbproto", "eventstore/esdbwire", "examples", "bench"}, reason: "another cluster takes its place behind the same contract (an example reads with it, bench measures it bare)"},
	{module: "google.golang.org/grpc", folders: []string{"eventstore/esdb", "eventstore/esdbwire"}, reason: "only EventStoreDB speaks it"},
	{module: "google.golang.org/genproto", folders: []string{"eventstore/esdbwire"}, reason: "only EventStoreDB speaks it"},
	{module: "google.golang.org/protobuf", folders: []string{"eventstore/esdb", "eventstore/esdbproto", "eventstore/esdbwire"}, reason: "only EventStoreDB speaks it"},
	{module: "modernc.org/sqlite", folders: []string{"projections"}, reason: "read models alone know SQL"},
	{module: "github.com/jackc/pgx", folders: []string{"internal/postgres", "internal/pgserver", "projections", "vault", "bench"}, reason: "read models and the keys of people alone know PostgreSQL (bench measures what a user would build instead)"},
	{module: "github.com/minio/minio-go", folders: []string{"attachments/s3"}, reason: "another client takes its place behind the same port"},
	{module: "github.com/nats-io", folders: []string{"notifications", "cmd", "examples", "bench"}, reason: "JetStream is never the truth; only the feed and the mails know it, cmd starts it, and examples and bench listen to it"},

	{module: "github.com/gorilla/mux", folders: []string{"api", "bench"}, reason: "HTTP ends at the border (bench puts the same before PostgreSQL)"},
	{module: "github.com/danielgtaylor/huma", folders: []string{"api"}, reason: "HTTP ends at the border"},
	{module: "github.com/coreos/go-oidc", folders: []string{"api"}, reason: "who somebody is, is decided at the border"},
	{module: "github.com/golang-jwt/jwt", folders: []string{"api", "bench"}, reason: "who somebody is, is decided at the border (bench puts the same before PostgreSQL)"},
	{module: "github.com/prometheus", file: "metrics", reason: "telemetry is a wrapper in metrics.go and never inside what it measures"},
	{module: "go.opentelemetry.io", file: "trace", reason: "telemetry is a wrapper in trace.go and never inside what it measures"},
	{module: "github.com/wneessen/go-mail", folders: []string{"notifications"}, reason: "mails leave from one place"},
	{module: "github.com/goccy/go-yaml", folders: []string{"catalogfile", "cmd"}, reason: "the catalogue alone is YAML, and what cmd's tests hold the program against"},
	{module: "github.com/rickar/cal", folders: []string{"catalogfile"}, reason: "holidays reach the domain as plain dates"},
	{module: "github.com/alecthomas/kong", folders: []string{"cmd", "bench"}, reason: "flags and environment are read by programs"},
	{module: "github.com/schollz/progressbar", folders: []string{"cmd", "bench"}, reason: "progress is shown by programs; the rest reports it"},

	{module: "pgregory.net/rapid", tests: true, reason: "laws are for tests"},
	{module: "github.com/anishathalye/porcupine", tests: true, reason: "histories are judged by tests"},
	{module: "github.com/Shopify/toxiproxy", folders: []string{"internal/badline"}, reason: "lines are cut in one place, for tests"},
	{module: "github.com/johannesboyne/gofakes3", folders: []string{"internal/s3server"}, reason: "an S3 store is served in one place, for tests"},
	{module: "github.com/emersion", tests: true, reason: "mails are received by tests"},
	{module: "github.com/getkin/kin-openapi", tests: true, reason: "the document is judged by tests"},
	{module: "github.com/santhosh-tekuri/jsonschema", tests: true, reason: "events are held to their schemas by tests"},
	{module: "github.com/chromedp", tests: true, reason: "pages are looked at by tests"},
}

// testSuites are packages that only tests import, though their files are not
// named so.
var testSuites = []string{"eventstore/storetest", "internal/paper"}

// fences allows a module where its fence says.
func fences(f *File) (found []Finding) {
	for _, spec := range f.AST.Imports {
		name := importPath(spec.Path.Value)
		if !thirdParty(name) {
			continue
		}
		i := slices.IndexFunc(fenced, func(c fence) bool { return below(name, c.module) })
		if i < 0 {
			found = append(found, f.finding(spec.Pos(), "imports %s, which has no place yet: add it to the fences in internal/tidy with the reason", name))
		} else if place := fenced[i].place(); !fenced[i].allows(f) {
			found = append(found, f.finding(spec.Pos(), "imports %s, which belongs %s: %s", name, place, fenced[i].reason))
		}
	}
	return found
}

func (c *fence) allows(f *File) bool {
	in := func(folder string) bool { return below(f.Path, folder) }
	if c.tests {
		return f.Test || slices.ContainsFunc(testSuites, in)
	}
	if c.file != "" && strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test") != c.file {
		return false
	}
	return c.folders == nil || slices.ContainsFunc(c.folders, in)
}

func (c *fence) place() string {
	switch {
	case c.tests:
		return "in tests"
	case c.file != "":
		return "in files named " + c.file + ".go"
	default:
		return "in " + strings.Join(c.folders, ", ")
	}
}
