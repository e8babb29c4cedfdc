// Package ownaddress gives tests addresses that stay theirs while nothing listens
// there. What a listener at port 0 was given goes, between its end and a restart, to
// any other listener or connection of the machine that asks for one.
package ownaddress

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// Systems give ports from 32768 on to those who name none (IANA: from 49152).
const first, end = 10_000, 32_768

// Free is an address of this machine that only those get who name it.
func Free(t testing.TB) string {
	t.Helper()
	return Several(t, 1)[0]
}

// Several are so many of them.
func Several(t testing.TB, n int) (all []string) {
	t.Helper()
	found, err := Find(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		all = append(all, a.String())
	}
	return all
}

// Find is Several for what is started outside of a test.
func Find(n int) (all []netip.AddrPort, err error) {
	for len(all) < n {
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), first+rand.N[uint16](end-first))
		l, err := net.Listen("tcp", a.String())
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // at the end, so that none is given twice
		all = append(all, a)
	}
	return all, nil
}
