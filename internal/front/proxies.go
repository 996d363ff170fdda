// Package front is what stands before every handler: who a request really came from,
// what it is called in the logs, and the headers that keep a browser in its bounds.
package front

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of the proxies in front of the server. Only what they say
// of the client is believed: to anybody else's forwarded headers nobody listens.
type Proxies []netip.Prefix

// trusted reports whether an address is a proxy's.
func (p Proxies) trusted(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// peer gives the address of the other end of the connection; the zero Addr when it
// has none, as over a Unix socket.
func peer(r *http.Request) netip.Addr {
	end, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return end.Addr().Unmap().WithZone("")
}

// Peer returns the network that the other end of a connection shares its address with (an
// IPv6 host has a whole /64), by its address and port; the zero Prefix for a proxy, and where
// it has no address.
func (p Proxies) Peer(remote string) netip.Prefix {
	end, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address := end.Addr().Unmap().WithZone("")
	if p.trusted(address) {
		return netip.Prefix{}
	}
	return Neighbourhood(address)
}

// Neighbourhood returns the network of those who share an address: an IPv6 host has a whole
// /64. It is the zero Prefix for the zero Addr.
func Neighbourhood(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits)
	return network
}

// Address gives the client's address: the last one of X-Forwarded-For that is not a
// proxy's, when a proxy has sent the request; else that of the connection. The zero
// Addr when neither is known.
func (p Proxies) Address(r *http.Request) netip.Addr {
	address := peer(r)
	if !p.trusted(address) {
		return address
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return address // what stands before it is anybody's word
		}
		address = hop.Unmap().WithZone("")
		if !p.trusted(address) {
			break
		}
	}
	return address
}

// Secure reports whether the client speaks TLS: with this server, or with a proxy that
// says so in X-Forwarded-Proto.
func (p Proxies) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	said := r.Header["X-Forwarded-Proto"]
	if len(said) == 0 || !p.trusted(peer(r)) {
		return false
	}
	values := strings.Split(said[len(said)-1], ",")
	return strings.EqualFold(strings.TrimSpace(values[len(values)-1]), "https")
}
