package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/internal/message"
)

// classify returns the reason for a failure without a response and its text, passed through a gate.
func classify(ctx context.Context, err error, watch *watch, target string, g *gate.Gate) (peal.Reason, gate.Text) {
	reason, raw := explain(ctx, err, watch, target)
	return reason, g.Text(raw)
}

// explain returns the reason for a failure without a response and its text. The text reveals
// neither addresses of this machine nor those of its name servers, but an endpoint may have written
// parts of it.
func explain(ctx context.Context, err error, watch *watch, target string) (peal.Reason, string) {
	at, address, tlsErr := watch.progress()
	address = visibleAddress(address, target)
	var refused refusal
	var cannot unsendable
	var failure proxyFailure
	var denial proxyRefusal
	var trouble upstreamFailure
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return peal.ReasonBlocked, refused.public(hostOf(target)).String()
	case errors.As(err, &cannot):
		return peal.ReasonEncode, string(cannot)
	case errors.As(err, &denial):
		return peal.ReasonBlocked, plain(hostOf(target)) + ": " + denial.why
	case errors.Is(ctx.Err(), context.Canceled):
		return peal.ReasonCanceled, "stopped before an answer came"
	case ctx.Err() != nil:
		return peal.ReasonTimeout, timedOut(at, address)
	case errors.As(err, &failure):
		return peal.ReasonProxy, "the outgoing proxy did not take it: " + failure.why
	case errors.As(err, &trouble):
		return peal.ReasonUnreachable, trouble.why
	case errors.As(err, &dns):
		return peal.ReasonDNS, dnsText(dns).String()
	case isClosed(err), isReset(err):
		return peal.ReasonConnection, connectionLost(at, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return peal.ReasonTimeout, timedOut(at, address)
	case isRenegotiation(err):
		return peal.ReasonTLS, "the endpoint asks for another handshake (TLS 1.2 renegotiation), which is refused; " +
			"have it ask for the client certificate in the first handshake, or serve TLS 1.3"
	case tlsErr != nil, isTLS(err):
		return peal.ReasonTLS, "no secure connection: " + tlsText(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return peal.ReasonRefused, "connection refused: nothing listens at " + address
	case isUnreachable(err):
		return peal.ReasonUnreachable, "no way to " + address + ": " + words(err)
	case strings.HasPrefix(err.Error(), "net/http: invalid header field"):
		return peal.ReasonEncode, words(err)
	case at >= sending:
		return peal.ReasonProtocol, "no HTTP answer that can be read: " + words(err)
	}
	return peal.ReasonOther, words(err)
}

// visibleAddress returns the address if everybody may see it, else the host and port of the URL:
// everybody who sees an attempt sees its error.
func visibleAddress(address, target string) string {
	if shown := (&peal.Attempt{URL: target, Address: address}).AddressFor(false); shown != "" || address == "" {
		return shown
	}
	u, err := url.Parse(target)
	if err != nil {
		return "its address"
	}
	return plain(newTarget(u).address)
}

// hostOf returns the host and port of a valid URL.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Host
}

// timedOut describes the step that did not complete in time.
func timedOut(at step, address string) string {
	switch at {
	case lookingUp:
		return "its name was not looked up in time"
	case dialling:
		return "no connection to " + address + " was made in time"
	case securing:
		return "connected to " + address + ", but no secure connection was agreed upon in time"
	case sending:
		return "connected, but the request was not taken in time"
	case waiting:
		return "the request was sent, but no answer came in time"
	case answering:
		return "the answer started, but its head did not end in time"
	}
	return "no connection was made in time"
}

func dnsText(dns *net.DNSError) message.Text {
	why := message.NameServersFailed
	switch {
	case dns.IsNotFound:
		why = message.NoSuchHost
	case dns.IsTimeout:
		why = message.NameServersSlow
	}
	return message.NameUnresolved.With(plain(dns.Name), why.With())
}

// isClosed reports whether an established connection was closed. net/http exports no error values
// for HTTP/2 and pooled connections, so their texts are compared.
func isClosed(err error) bool {
	for _, target := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	text := err.Error()
	for _, beginning := range []string{
		"http: server closed idle connection",
		"http2: server sent GOAWAY", "http2: Transport received Server's graceful shutdown", "http2: client conn",
	} {
		if strings.HasPrefix(text, beginning) {
			return true
		}
	}
	return false
}

// isReset reports whether an HTTP/2 endpoint reset the stream of this request.
func isReset(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "stream error: ") && strings.HasSuffix(text, "; received from peer")
}

// isUnprocessed reports whether an HTTP/2 endpoint did not process the request, so that it may be
// repeated (RFC 9113, section 8.7).
func isUnprocessed(err error) bool {
	return isReset(err) && strings.Contains(err.Error(), "; REFUSED_STREAM; ")
}

func connectionLost(at step, err error) string {
	how := "closed"
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || isReset(err) {
		how = "reset"
	}
	switch {
	case at < sending:
		return "the connection was " + how + " before it was secure"
	case at == sending:
		return "the connection was " + how + " before the request was sent"
	case at == waiting:
		return "the request was sent, but the connection was " + how + " without an answer"
	}
	return "the connection was " + how + " in the middle of the answer's head"
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var hostname x509.HostnameError
	var op *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &hostname) ||
		errors.As(err, &op) && op.Op == "remote error" // an alert from the endpoint
}

// isRenegotiation reports whether an endpoint requested renegotiation, as some do to request a
// client certificate once they know the path. crypto/tls exports no error value for it.
func isRenegotiation(err error) bool {
	return strings.Contains(err.Error(), "tls: no renegotiation")
}

func tlsText(err error) string {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		return "this port speaks http, not https"
	}
	return words(err)
}

func isUnreachable(err error) bool {
	for _, target := range []error{
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EADDRNOTAVAIL,
		syscall.EACCES, syscall.EPERM, // a firewall of this machine
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// words returns the text of an error without wrappers that contain this machine's address. It must
// pass a gate before it is shown.
func words(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op != "remote error" && op.Err != nil {
		err = op.Err
	}
	return strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection connectionLost: ")
}

// proxyFailure is a failure between this machine and the proxy. Its text does not contain the
// proxy's address.
type proxyFailure struct{ why string }

func (f proxyFailure) Error() string { return f.why }

// proxyRefusal is a proxy's refusal to connect to the endpoint.
type proxyRefusal struct{ why string }

func (r proxyRefusal) Error() string { return r.why }

// upstreamFailure is a failure between the proxy and the endpoint.
type upstreamFailure struct{ why string }

func (t upstreamFailure) Error() string { return t.why }

// stale reports whether the endpoint closed a reused connection or, over HTTP/2, did not process
// the request. After the first byte of a response, a failure is never stale.
func (w *watch) stale(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.step < answering && (w.timing.Reused && (isClosed(err) || errors.Is(err, errStrayData)) || isUnprocessed(err))
}

// unsendable is the reason why a request cannot be sent.
type unsendable string

func (u unsendable) Error() string { return string(u) }

// errStrayData is the error for a reused connection that received something other than a response
// after the request was sent: the rest of an earlier response.
var errStrayData = errors.New("what came is the rest of an earlier answer")
