package ownaddress

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Nobody is given what another was given just now, nor what the system may give to
// whoever names no port.
func TestAddressesAreDifferentAndNobodysElse(t *testing.T) {
	const many = 600 // of which some would be the same in all but one of 2,000 tries
	from, to := systemsRange(t)
	seen := map[string]bool{}
	for _, a := range Several(t, many) {
		if port := netip.MustParseAddrPort(a).Port(); from <= port && port <= to {
			t.Errorf("%s is one of those from %d to %d, which the system gives to anybody", a, from, to)
		}
		seen[a] = true
	}
	if len(seen) != many {
		t.Errorf("%d addresses are %d different ones", many, len(seen))
	}
}

// Where somebody listens, nobody else is sent; where nobody does, one can.
func TestWhatIsTakenIsNotGiven(t *testing.T) {
	taken := map[string]bool{}
	for _, a := range Several(t, 300) {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		taken[a] = true
	}
	for range 2000 {
		if a := Free(t); taken[a] {
			t.Fatalf("%s was given, where somebody listens", a)
		}
	}
}

// systemsRange are the ports that the system gives to those who name none.
func systemsRange(t *testing.T) (from, to uint16) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 49_152, 65_535 // IANA's
	}
	ends := strings.Fields(string(text))
	for i, into := range []*uint16{&from, &to} {
		n, err := strconv.ParseUint(ends[i], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		*into = uint16(n)
	}
	return from, to
}
