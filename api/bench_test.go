package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A prepared request is sent again and again under keys of its own.
type prepared struct {
	handler http.Handler
	token   string
	body    []byte
}

func (r *rig) prepare(c object) prepared {
	r.t.Helper()
	body, err := json.Marshal(r.request(object{"contract": c["id"]}))
	must(r.t, err)
	return prepared{r.handler, "Bearer " + r.ani(), body}
}

func (p prepared) send(key string) int {
	q := httptest.NewRequest(http.MethodPost, "/v1/incidents", bytes.NewReader(p.body))
	q.Header.Set("Authorization", p.token)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, q)
	return w.Code
}

// BenchmarkSubmit is a whole submission through the handler, by 64 callers at
// once on one contract, durable.
func BenchmarkSubmit(b *testing.B) {
	r := newRig(b)
	p := r.prepare(r.rich())
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if code := p.send(fmt.Sprint("key-", r.keys.Add(1))); code != http.StatusCreated {
				b.Errorf("got %d", code)
			}
		}
	})
}

// BenchmarkSubmitNothing is what a submission costs before and after the ledger:
// routing, token, decoding and rules, through both ways of serving it.
func BenchmarkSubmitNothing(b *testing.B) {
	r := newRig(b)
	p := r.prepare(object{"id": "no contract"})
	for name, handler := range map[string]http.Handler{"fast": r.handler, "huma": r.throughHuma()} {
		b.Run(name, func(b *testing.B) {
			p.handler = handler
			b.ReportAllocs()
			for b.Loop() {
				if code := p.send("key"); code != http.StatusNotFound {
					b.Fatalf("got %d", code)
				}
			}
		})
	}
}
