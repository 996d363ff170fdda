package egress

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	socks "golang.org/x/net/proxy"

	"github.com/pealhq/peal"
)

// proxy is the operator's outgoing proxy. The guard does not check its address.
type proxy struct {
	url     *url.URL
	address string // with the port

	noHosts    []string // reached without the proxy
	noNetworks []netip.Prefix
}

// proxyPorts maps the schemes of proxies to their default ports.
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
		return nil, peal.Invalidf("egress.proxy", "must have a user and a password of at most 255 bytes each, the limit of SOCKS5")
	}
	port := u.Port()
	if port == "" {
		port = proxyPorts[u.Scheme]
	}
	return &proxy{url: u, address: net.JoinHostPort(u.Hostname(), port), noHosts: hosts, noNetworks: networks}, nil
}

// parseNoProxy splits [Options.NoProxy] into names and networks.
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

// bypassedBy reports whether requests to a canonical host do not use the proxy.
func (p *proxy) bypassedBy(host string) bool {
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

// tunnel asks an HTTP proxy to connect to an address (RFC 9110, section 9.3.6). On an error the
// caller must close the connection.
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
		return upstreamFailure{"the outgoing proxy sent data before it was asked"}
	}
	if !release() {
		return ctx.Err()
	}
	return nil
}

// dial returns a dialFunc that connects to an HTTP proxy or through a SOCKS proxy.
func (p *proxy) dial(options Options, guard *guard, resolver *net.Resolver) dialFunc {
	dialer := &net.Dialer{Resolver: options.Resolver, LocalAddr: source(options)}
	reach := &proxyDialer{dialer.DialContext}
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
		return &tunnel{conn, unknownAddr{}}, nil
	}
}

// dialSOCKS returns a dialFunc that connects through a SOCKS5 proxy (RFC 1928). With socks5 the
// name is resolved here, and the proxy receives the address that the guard checked.
func (p *proxy) dialSOCKS(reach *proxyDialer, guard *guard, resolver *net.Resolver) dialFunc {
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
				return nil, socksFailure(ctx, err)
			}
			return &tunnel{conn, unknownAddr{}}, nil
		}
		if err := guard.checkName(host, port); err != nil { // before the look-up, which may be unnecessary
			return nil, err
		}
		addrs, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, addr := range addrs {
			if refused := guard.check(host, addr, port); refused != nil {
				err = cmp.Or(err, refused)
				continue
			}
			target := netip.AddrPortFrom(addr.Unmap(), port)
			conn, dialErr := connect.DialContext(ctx, network, target.String())
			if dialErr == nil {
				return &tunnel{conn, net.TCPAddrFromAddrPort(target)}, nil
			}
			err = cmp.Or(err, socksFailure(ctx, dialErr))
		}
		return nil, err
	}
}

// tunnel is a connection through a proxy. to is the address at its other end, if known.
type tunnel struct {
	net.Conn
	to net.Addr
}

func (t *tunnel) RemoteAddr() net.Addr { return t.to }

// unknownAddr is the address of an endpoint that only the proxy resolved.
type unknownAddr struct{}

func (unknownAddr) Network() string { return "tcp" }

func (unknownAddr) String() string { return "" }

// proxyDialer dials the proxy itself.
type proxyDialer struct{ dial dialFunc }

func (r *proxyDialer) Dial(network, address string) (net.Conn, error) {
	return r.DialContext(context.Background(), network, address)
}

func (r *proxyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, network, address)
	if err != nil && ctx.Err() == nil {
		return nil, proxyFailure{"it cannot be reached: " + words(err)}
	}
	return conn, err
}

// connected returns an error unless a proxy accepted CONNECT (RFC 9110, section 9.3.6).
func connected(response *http.Response) error {
	if response.StatusCode >= 200 && response.StatusCode <= 299 {
		return nil
	}
	return fromProxy(response)
}

// fromProxy returns the error for a response in which a proxy rejects a request.
func fromProxy(response *http.Response) error {
	status := strconv.Itoa(response.StatusCode)
	if why := response.Header.Get(smokescreenError); why != "" { // sent with 407
		return proxyRefusal{"the outgoing proxy refused it: " + why}
	}
	switch response.StatusCode {
	case http.StatusProxyAuthRequired, http.StatusUnauthorized: // Tinyproxy sends 401
		return proxyFailure{"it asks for other credentials than those of egress.proxy"}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusUnavailableForLegalReasons:
		return proxyRefusal{"the outgoing proxy refused it with " + status}
	}
	return upstreamFailure{"the outgoing proxy could not connect to it and answered " + status}
}

// smokescreenError is the header in which Smokescreen explains a denial.
const smokescreenError = "X-Smokescreen-Error"

// ownAnswer returns an error if the response to a plain http request recognizably comes from the
// proxy itself and not from the endpoint.
func (p *proxy) ownAnswer(response *http.Response) error {
	if p == nil || p.isSOCKS() {
		return nil
	}
	if response.StatusCode == http.StatusProxyAuthRequired || response.Header.Get("Proxy-Authenticate") != "" || response.Header.Get(smokescreenError) != "" {
		return fromProxy(response)
	}
	return nil
}

// socksFailure sorts what a SOCKS proxy failed with; only its words tell.
func socksFailure(ctx context.Context, err error) error {
	var failure proxyFailure
	if ctx.Err() != nil || errors.As(err, &failure) {
		return err
	}
	why := err.Error()
	switch {
	case strings.HasSuffix(why, "connection not allowed by ruleset"):
		return proxyRefusal{"the outgoing proxy refused it"}
	case strings.Contains(why, "authentication"):
		return proxyFailure{"it asks for other credentials than those of egress.proxy"}
	case strings.Contains(why, "unknown error"):
		return upstreamFailure{"the outgoing proxy could not connect to it: " + why[strings.LastIndex(why, "unknown error ")+len("unknown error "):]}
	}
	return proxyFailure{"it does not speak SOCKS5 as expected: " + words(err)}
}
