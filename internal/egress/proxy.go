package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	socks "golang.org/x/net/proxy"

	"github.com/pealhq/peal"
)

// proxy is the operator's own way out. Its own address is not judged.
type proxy struct {
	url     *url.URL
	address string // with the port

	noHosts    []string // that are reached without it
	noNetworks []netip.Prefix
}

// The schemes of proxies with their usual ports.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// parseProxy reads [Options.Proxy] and [Options.NoProxy]; nil for none.
func parseProxy(text string, except []string) (*proxy, error) {
	hosts, networks, err := parseNoProxy(except)
	if err != nil || text == "" {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || proxyPorts[u.Scheme] == "" { // the text may hold a password
		return nil, peal.Invalidf("egress.proxy", "must be the URL of a proxy: http://USER:PASSWORD@HOST:PORT, or the same with https, socks5 or socks5h")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, peal.Invalidf("egress.proxy", "must end after the port: a proxy has no path")
	}
	password, _ := u.User.Password()
	if u.Scheme[0] == 's' && (len(u.User.Username()) > 255 || len(password) > 255) { // RFC 1929
		return nil, peal.Invalidf("egress.proxy", "has a user or password of more than 255 bytes, which SOCKS5 cannot carry")
	}
	port := u.Port()
	if port == "" {
		port = proxyPorts[u.Scheme]
	}
	return &proxy{url: u, address: net.JoinHostPort(u.Hostname(), port), noHosts: hosts, noNetworks: networks}, nil
}

// parseNoProxy sorts [Options.NoProxy] into names and networks.
func parseNoProxy(except []string) (hosts []string, networks []netip.Prefix, err error) {
	for _, text := range except {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			networks = append(networks, prefix.Masked())
		} else if addr, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			hosts = append(hosts, text)
		}
	}
	if err := validatePrefixes("egress.no_proxy", networks); err != nil {
		return nil, nil, err
	}
	return hosts, networks, validateHosts("egress.no_proxy", hosts)
}

func (p *proxy) isSOCKS() bool { return p.url.Scheme == "socks5" || p.url.Scheme == "socks5h" }

// via returns the proxy that requests to a target go through; nil for none.
func (r *rules) via(to *target) *proxy {
	if r.proxy == nil || r.guard.isInside(to.URL) || r.proxy.spares(canonicalHost(to.host)) {
		return nil
	}
	return r.proxy
}

// forwards reports whether a proxy is sent the request itself, as it is for http.
func (r *rules) forwards(to *target) bool {
	if to.secure {
		return false
	}
	via := r.via(to)
	return via != nil && !via.isSOCKS()
}

// spares reports whether requests to a canonical host go past the proxy.
func (p *proxy) spares(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return contains(p.noNetworks, addr.Unmap().WithZone(""))
	}
	return matchHost(p.noHosts, host)
}

// credentials returns the value of Proxy-Authorization; "" for none.
func (p *proxy) credentials() string {
	if p.url.User == nil {
		return ""
	}
	password, _ := p.url.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.url.User.Username()+":"+password))
}

// tunnel has an HTTP proxy connect to an address (RFC 9110, section 9.3.6). On an error the caller
// closes the connection.
func (p *proxy) tunnel(ctx context.Context, conn net.Conn, address string) error {
	asked := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": nil}}
	if credentials := p.credentials(); credentials != "" {
		asked.Header.Set("Proxy-Authorization", credentials)
	}
	release := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer release()
	if err := asked.Write(conn); err != nil {
		return err
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxHeadBytes))
	response, err := http.ReadResponse(reader, asked)
	if err != nil {
		return err
	}
	response.Body.Close()
	if err := connected(response); err != nil {
		return err
	}
	if reader.Buffered() > 0 {
		return proxyTrouble{"the outgoing proxy sent data before it was asked"}
	}
	if !release() {
		return ctx.Err()
	}
	return nil
}

// dial gives what makes connections: to an HTTP proxy, or through a SOCKS one.
func (p *proxy) dial(options Options, guard *guard, resolver *net.Resolver) dialFunc {
	dialer := &net.Dialer{Resolver: options.Resolver, LocalAddr: source(options)}
	reach := &reaching{dialer.DialContext}
	if options.Dial != nil {
		reach.dial = options.Dial
	}
	if p.isSOCKS() {
		return p.dialSOCKS(reach, guard, resolver)
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := reach.DialContext(ctx, network, p.address)
		if err != nil {
			return nil, err
		}
		if p.url.Scheme == "https" {
			secured := tls.Client(conn, &tls.Config{ServerName: p.url.Hostname(), RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12})
			if err := secured.HandshakeContext(ctx); err != nil {
				conn.Close()
				return nil, proxyFailure{"no secure connection to it: " + words(err)}
			}
			conn = secured
		}
		return &tunnel{conn, beyond{}}, nil
	}
}

// dialSOCKS connects through a SOCKS5 proxy (RFC 1928). With socks5 the name is
// looked up here, and the proxy is asked for the very address that was judged.
func (p *proxy) dialSOCKS(reach *reaching, guard *guard, resolver *net.Resolver) dialFunc {
	var auth *socks.Auth
	if p.url.User != nil {
		password, _ := p.url.User.Password()
		auth = &socks.Auth{User: p.url.User.Username(), Password: password}
	}
	through, err := socks.SOCKS5("tcp", p.address, auth, reach)
	connect, ok := through.(socks.ContextDialer)
	if err != nil || !ok {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, proxyFailure{"it cannot be used"}
		}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := splitAddress(address)
		if err != nil {
			return nil, err
		}
		if p.url.Scheme == "socks5h" {
			conn, err := connect.DialContext(ctx, network, net.JoinHostPort(host, text(port)))
			if err != nil {
				return nil, refusedBySOCKS(ctx, err)
			}
			return &tunnel{conn, beyond{}}, nil
		}
		if err := guard.checkName(host, port); err != nil { // without a look-up where that is enough
			return nil, err
		}
		addrs, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, addr := range addrs {
			if refused := guard.check(host, addr, port); refused != nil {
				err = firstOf(err, refused)
				continue
			}
			target := netip.AddrPortFrom(addr.Unmap(), port)
			conn, dialErr := connect.DialContext(ctx, network, target.String())
			if dialErr == nil {
				return &tunnel{conn, net.TCPAddrFromAddrPort(target)}, nil
			}
			err = firstOf(err, refusedBySOCKS(ctx, dialErr))
		}
		return nil, err
	}
}

// ahead judges what is asked of a proxy before it is asked: the port, the name, an
// address that is written out, and those that the name leads to as seen from here.
// A name that does not resolve here is left to the proxy, which may know more. So
// with a proxy that looks names up itself, that proxy must refuse private addresses
// too: between this look and its own, a name can change.
func (r *rules) ahead(ctx context.Context, via *proxy, u *url.URL, resolver *net.Resolver) error {
	if via.url.Scheme == "socks5" {
		return nil // judged when it is dialled
	}
	port, ok := portOf(u)
	host := canonicalHost(u.Hostname())
	if !ok {
		return refusal{why: badPort}
	}
	if err := r.guard.checkName(host, port); err != nil {
		return err
	}
	addrs, err := lookAhead(ctx, resolver, host)
	if err != nil {
		return nil // told by what the proxy makes of the name
	}
	return r.guard.checkAll(host, addrs, port)
}

// checkAll refuses when any of the addresses is refused: nobody knows which one a
// proxy would take.
func (g *guard) checkAll(host string, addrs []netip.Addr, port uint16) error {
	for _, addr := range addrs {
		if err := g.check(host, addr, port); err != nil {
			return err
		}
	}
	return nil
}

func lookAhead(ctx context.Context, resolver *net.Resolver, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if isLocalhost(host) {
		return slices.Clone(loopbacks), nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookAheadTime)
	defer cancel()
	return resolver.LookupNetIP(ctx, "ip", host)
}
