package api

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// What describes the API is the same for all who ask first, at once.
func TestTheDescriptionIsTheSameForAll(t *testing.T) {
	r := newRig(t)
	starts := map[string]string{"/openapi.json": `{"components":`, "/docs": "<!doctype html>"}
	got := map[string]*[8][]byte{"/openapi.json": {}, "/docs": {}}
	var all sync.WaitGroup
	for path, bodies := range got {
		for i := range bodies {
			all.Go(func() { bodies[i] = r.get("", path).is(200).body })
		}
	}
	all.Wait()
	for path, bodies := range got {
		for _, body := range bodies {
			if string(body) != string(bodies[0]) || !strings.HasPrefix(strings.ToLower(string(body)), starts[path]) {
				t.Errorf("%s is answered with %.100s, and with %.100s", path, bodies[0], body)
			}
		}
	}
}

// R43: a description that cannot be written is a problem like any other.
func TestR43_ADescriptionThatCannotBeWrittenIsAProblem(t *testing.T) {
	r := newRig(t)
	r.serveBytes("get-docs", "/broken", "text/html", "default-src 'none'", func() ([]byte, error) { return nil, errors.New("no way") })
	refused := r.get("", "/broken").refuses(500, "internal")
	if policy := refused.Header.Get("Content-Security-Policy"); policy == "default-src 'none'" || strings.Contains(string(refused.body), "no way") {
		t.Errorf("it is answered under %q with %s", policy, refused.body)
	}
}
