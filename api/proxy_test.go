package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestR8_OnlyATrustedProxyStatesAnAddress(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "192.0.2.1", "fd00::/8"})
	must(t, err)
	inIPv6, err := ParseProxies([]string{"::ffff:10.0.0.0/104", "::ffff:192.0.2.1", "fd00::/8"})
	must(t, err)
	for rule, c := range map[string]struct {
		peer   string
		states []string
		want   string
	}{
		"it is the one that the proxy names":         {"10.1.2.3:4711", []string{"203.0.113.9"}, "203.0.113.9"},
		"not one that somebody else has written":     {"10.1.2.3:4711", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"also in another header line":                {"10.1.2.3:4711", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"behind several proxies the first of them's": {"192.0.2.1:80", []string{"198.51.100.1, 203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"whoever is no proxy states nothing":         {"203.0.113.9:4711", []string{"198.51.100.1"}, ""},
		"and a proxy that is silent neither":         {"10.1.2.3:4711", nil, ""},
		"nor one that names proxies alone":           {"10.1.2.3:4711", []string{"10.1.1.1, 10.2.2.2"}, ""},
		"what is no address hides those before it":   {"10.1.2.3:4711", []string{"203.0.113.9, unknown"}, ""},
		"with a port, as some proxies write":         {"10.1.2.3:4711", []string{"203.0.113.9:5555"}, "203.0.113.9"},
		"of IPv6 the network counts":                 {"[fd00::1]:4711", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"IPv4 within IPv6 is IPv4":                   {"[::ffff:10.1.2.3]:4711", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/links", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.states
		if got := proxies.clientOf(r); got != c.want {
			t.Errorf("%s: got %q, want %q", rule, got, c.want)
		}
		if same := inIPv6.clientOf(r); same != c.want {
			t.Errorf("%s: where networks are written within IPv6: %q", rule, same)
		}
		if got := Proxies(nil).clientOf(r); got != "" {
			t.Errorf("%s: where no proxy is trusted: %q", rule, got)
		}
	}
	for _, wrong := range []string{"", "10.0.0.0/33", "proxy.example.com", "10.0.0.1:80", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"} {
		if got, err := ParseProxies([]string{wrong}); err == nil {
			t.Errorf("%q is read as %v", wrong, got)
		}
	}
}

// Twenty failures from one address in an hour, by as many accounts, and nobody there may
// try; elsewhere people may.
func TestR8_FailuresAreCountedByAddressToo(t *testing.T) {
	proxies, err := ParseProxies([]string{"192.0.2.1"}) // where requests come from in these tests
	must(t, err)
	r := newRig(t, func(c *Config) { c.TrustedProxies = proxies })
	c := r.contract()
	try := func(n int, from string, body object) answer {
		return r.post(r.token(fmt.Sprint("somebody-", n), "customer"), "/v1/links", body, "X-Forwarded-For", "198.51.100.77, "+from)
	}
	for n := range 20 {
		try(n, "203.0.113.9", object{"access_id": fmt.Sprintf("%010d", n), "contract_id": "0000000000", "portal": "mpn"}).refuses(422, "pair-not-valid")
	}
	a := try(20, "203.0.113.9", pairAt(c, "mpn")).refuses(429, "too-many-tries")
	if wait := a.Header.Get("Retry-After"); wait != "3600" {
		t.Errorf("Retry-After is %q", wait)
	}
	try(20, "203.0.113.10", pairAt(c, "mpn")).is(201)
	body := r.request(pair(c))
	r.post(r.budi(), "/v1/incidents", body, "X-Forwarded-For", "203.0.113.9").refuses(429, "too-many-tries")
	r.post(r.budi(), "/v1/incidents", body).is(201)
}
