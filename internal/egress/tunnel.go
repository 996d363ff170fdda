package egress

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// lookAheadTime bounds looking a name up only to judge it.
const lookAheadTime = 2 * time.Second

var loopbacks = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// tunnel is a connection through a proxy. to is the other end of it, as far as it
// is known.
type tunnel struct {
	net.Conn
	to net.Addr
}

func (t *tunnel) RemoteAddr() net.Addr { return t.to }

// beyond is an address that only the proxy knows.
type beyond struct{}

func (beyond) Network() string { return "tcp" }
func (beyond) String() string  { return "" }

// reaching dials the proxy itself.
type reaching struct{ dial dialFunc }

func (r *reaching) Dial(network, address string) (net.Conn, error) {
	return r.DialContext(context.Background(), network, address)
}

func (r *reaching) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, network, address)
	if err != nil && ctx.Err() == nil {
		return nil, proxyFailure{"it cannot be reached: " + words(err)}
	}
	return conn, err
}

// proxyFailure is a failure between here and the proxy, in words without its address.
type proxyFailure struct{ why string }

func (f proxyFailure) Error() string { return f.why }

// proxyRefusal is a proxy's own no to this endpoint.
type proxyRefusal struct{ why string }

func (r proxyRefusal) Error() string { return r.why }

// proxyTrouble is what kept the proxy from connecting to the endpoint.
type proxyTrouble struct{ why string }

func (t proxyTrouble) Error() string { return t.why }

// connected judges a proxy's answer to CONNECT (RFC 9110, section 9.3.6).
func connected(response *http.Response) error {
	if response.StatusCode >= 200 && response.StatusCode <= 299 {
		return nil
	}
	return fromProxy(response)
}

// fromProxy says why a proxy did not pass a request on.
func fromProxy(response *http.Response) error {
	status := strconv.Itoa(response.StatusCode)
	if why := response.Header.Get(smokescreenError); why != "" { // it says so with 407
		return proxyRefusal{"the outgoing proxy refused it: " + why}
	}
	switch response.StatusCode {
	case http.StatusProxyAuthRequired, http.StatusUnauthorized: // Tinyproxy says 401
		return proxyFailure{"it asks for other credentials than those of egress.proxy"}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusUnavailableForLegalReasons:
		return proxyRefusal{"the outgoing proxy refused it with " + status}
	}
	return proxyTrouble{"the outgoing proxy could not connect to it and answered " + status}
}

// smokescreenError is the header in which Smokescreen says why it denies a request.
const smokescreenError = "X-Smokescreen-Error"

// ownAnswer gives the error of an answer to a plain request that is not the
// endpoint's but the proxy's own, where that can be told.
func (p *proxy) ownAnswer(response *http.Response) error {
	if p == nil || p.isSOCKS() {
		return nil
	}
	if response.StatusCode == http.StatusProxyAuthRequired || response.Header.Get("Proxy-Authenticate") != "" || response.Header.Get(smokescreenError) != "" {
		return fromProxy(response)
	}
	return nil
}

// refusedBySOCKS sorts what a SOCKS proxy failed with; only its words tell.
func refusedBySOCKS(ctx context.Context, err error) error {
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
		return proxyTrouble{"the outgoing proxy could not connect to it: " + why[strings.LastIndex(why, "unknown error ")+len("unknown error "):]}
	}
	return proxyFailure{"it does not speak SOCKS5 as expected: " + words(err)}
}

func firstOf(a, b error) error { return cmp.Or(a, b) }

func text(port uint16) string { return strconv.Itoa(int(port)) }
