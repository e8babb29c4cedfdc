package api

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	heard "github.com/supportledger/supportledger/internal/transcript"
)

// What is logged and counted names routes, codes and pseudonyms: no Contract ID
// (R3), no token, no text of anybody.
func TestR3LogsAndMetricsTellNoSecret(t *testing.T) {
	logged, registry := new(heard.Transcript), prometheus.NewRegistry()
	r := newRig(t, func(c *Config) {
		c.Registry, c.Logger = registry, slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	registry.MustRegister(r.Collectors()...)
	registry.MustRegister(r.Ledger.Collectors()...)
	ani, c := r.ani(), r.linked()
	r.submit(ani, c).is(201)
	r.post(ani, "/v1/links", object{"access_id": c["access_id"], "contract_id": "0000000001", "portal": "mpn"}).refuses(422, "pair-not-valid")
	r.get(ani, "/v1/links?cursor="+c["contract_id"].(string)).refuses(400, "malformed-cursor")
	r.get(ani, "/v1/"+c["contract_id"].(string)).refuses(404, "not-found")
	r.post(ani, "/v1/incidents", `{"payment":{"contract_id":`+c["contract_id"].(string)+`}}`).is(400)
	shown := string(r.get("", "/metrics").is(200).body)
	for what, text := range map[string]string{"log": logged.String(), "metrics": shown} {
		for _, secret := range []string{c["contract_id"].(string), c["access_id"].(string), "0000000001", ani, "No way in", "ani@example.com", "key-1"} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s has %q: %s", what, secret, text)
			}
		}
	}
	for _, want := range []string{
		`supportledger_http_requests_total{method="POST",route="/v1/incidents",status="201"} 1`,
		`supportledger_http_problems_total{code="pair-not-valid"} 1`,
		`supportledger_http_requests_total{method="none",route="none",status="404"} 1`,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, shown)
		}
	}
	if !strings.Contains(logged.String(), `"route":"/v1/incidents"`) {
		t.Errorf("log: %s", logged)
	}
}

// ended is how many event streams have ended for a reason.
func (r *rig) ended(reason string) int {
	r.t.Helper()
	return r.counted(r.metrics.ended, reason)
}

// sent is how many events were sent to subscribers.
func (r *rig) sent() int {
	r.t.Helper()
	return r.counted(r.metrics.streamed, "")
}

// counted is a counter's or gauge's value, of one label where there is one.
func (r *rig) counted(c prometheus.Collector, label string) (n int) {
	r.t.Helper()
	registry := prometheus.NewRegistry()
	must(r.t, registry.Register(c))
	families, err := registry.Gather()
	must(r.t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if label == "" || m.GetLabel()[0].GetValue() == label {
				n += int(m.GetCounter().GetValue() + m.GetGauge().GetValue())
			}
		}
	}
	return n
}

// gauged is a gauge's value.
func (r *rig) gauged(g prometheus.Collector) int { return r.counted(g, "") }

// R42: the download of a damaged file breaks off, so that nobody takes a part for the
// whole, and is counted and logged like any other request.
func TestR42_ADamagedFileIsNotTakenForWhole(t *testing.T) {
	logged, registry := new(heard.Transcript), prometheus.NewRegistry()
	r := newRig(t, func(c *Config) {
		c.Registry, c.Logger = registry, slog.New(slog.NewJSONHandler(logged, nil))
	})
	registry.MustRegister(r.Collectors()...)
	content := strings.Repeat("a file that is read in pieces ", 40_000)
	digest := r.uploadFile(r.ani(), content)
	must(t, filepath.WalkDir(filepath.Join(r.dir, "attachments"), func(path string, e fs.DirEntry, err error) error {
		info, failed := e.Info()
		if err = errors.Join(err, failed); err != nil || info.Size() <= int64(len(content)) {
			return err
		}
		return os.WriteFile(path, damaged(t, path), 0o600)
	}))
	func() {
		defer func() {
			if broken := recover(); broken != http.ErrAbortHandler {
				t.Errorf("it ended with %v", broken)
			}
		}()
		r.get(r.ani(), "/v1/attachments/"+digest)
	}()
	if !strings.Contains(logged.String(), "its content has another digest") {
		t.Errorf("the log does not tell of it: %s", logged)
	}
	if shown := string(r.get("", "/metrics").is(200).body); !strings.Contains(shown, "supportledger_http_requests_running 1\n") {
		t.Error("more is running than this one")
	}
}

// damaged is a file of which a bit is turned.
func damaged(t *testing.T, path string) []byte {
	body, err := os.ReadFile(path)
	must(t, err)
	body[len(body)/2] ^= 1
	return body
}
