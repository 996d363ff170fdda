// Package front holds what all handlers share: the client's address behind proxies, request IDs and
// the log of requests, the security headers of pages, and the TLS certificate.
package front

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies lists the networks of the trusted proxies in front of the server. Forwarded headers from
// other addresses are ignored.
type Proxies []netip.Prefix

// trusted reports whether an address belongs to a proxy.
func (p Proxies) trusted(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// peer returns the remote address of the connection, or the zero Addr if it has none, such as a
// Unix socket.
func peer(r *http.Request) netip.Addr {
	end, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return end.Addr().Unmap().WithZone("")
}

// Peer returns the [Neighbourhood] of the remote end of a connection with the given address and
// port. It returns the zero Prefix for a proxy and without an address.
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

// Neighbourhood returns the network that counts as one client: a /64 for IPv6, because a host
// usually has a whole one, and the address itself for IPv4. It returns the zero Prefix for the zero
// Addr.
func Neighbourhood(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits)
	return network
}

// Address returns the client's address: for a request from a proxy, the last address in
// X-Forwarded-For that is not a proxy's, else the address of the connection. It returns the zero
// Addr if neither is known.
func (p Proxies) Address(r *http.Request) netip.Addr {
	address := peer(r)
	if !p.trusted(address) {
		return address
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return address // the values before it are not trustworthy
		}
		address = hop.Unmap().WithZone("")
		if !p.trusted(address) {
			break
		}
	}
	return address
}

// Secure reports whether the client uses TLS, with this server or with a proxy that sent
// X-Forwarded-Proto: https.
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
