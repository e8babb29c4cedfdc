package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks whose word counts about where a request comes from.
type Proxies []netip.Prefix

// ParseProxies reads networks such as 10.0.0.0/8, or single addresses.
func ParseProxies(texts []string) (Proxies, error) {
	var out Proxies
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, single := netip.ParseAddr(text)
			if single != nil && strings.Contains(text, "/") {
				return nil, err
			}
			if single != nil {
				return nil, single
			}
			network = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())
		}
		if a := network.Addr(); a.Is4In6() && network.Bits() >= mapped { // as addresses are, which are compared with it
			network = netip.PrefixFrom(a.Unmap(), network.Bits()-mapped)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("%s is everybody, and who is trusted is not counted: name the proxies' own network", text)
		}
		out = append(out, network.Masked())
	}
	return out, nil
}

// mapped is how many bits stand before an IPv4 address within IPv6.
const mapped = 96

func (p Proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// clientOf is where a request comes from: the rightmost entry of X-Forwarded-For that
// is no trusted proxy. What stands left of it anybody may have written. "" unless a
// trusted proxy has sent the request and says so.
func (p Proxies) clientOf(r *http.Request) string {
	if len(p) == 0 {
		return ""
	}
	if peer, ok := addressOf(r.RemoteAddr); !ok || !p.trust(peer) {
		return ""
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(entries) {
		address, ok := addressOf(strings.TrimSpace(entry))
		if !ok {
			return ""
		}
		if !p.trust(address) {
			return origin(address)
		}
	}
	return ""
}

// addressOf reads an address, with a port or without.
func addressOf(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone(""), true
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap().WithZone(""), err == nil
}

// ownNetwork is how much of an IPv6 address its holder does not choose.
const ownNetwork = 64

// origin is what is counted of an address: of IPv6 the network, since whoever has one
// address there has all of it.
func origin(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	network, err := a.Prefix(ownNetwork)
	if err != nil {
		return a.String() // only for lengths that no address has
	}
	return network.String()
}
