package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pealhq/peal"
)

var errHTTP = errors.New("http is not allowed, only https")

// verdict judges an answer. A complete head with a 2xx status is success, even
// when its body breaks off: the endpoint has said that it took the event, and
// sending it again would only double it.
func verdict(ctx context.Context, response *http.Response, readErr error) (peal.Reason, string) {
	status := response.StatusCode
	switch {
	case status >= 200 && status <= 299:
		return "", ""
	case status >= 300 && status <= 399:
		text := fmt.Sprintf("answered %d; redirects are not followed", status)
		if location := response.Header.Get("Location"); location != "" {
			text += ", it points to " + plain(location)
		}
		return peal.ReasonRedirect, text
	case readErr != nil && ctx.Err() == context.Canceled:
		return peal.ReasonCanceled, "stopped while the answer was read"
	}
	return peal.ReasonStatus, strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
}

// classify finds the reason of a failure without an answer.
func classify(ctx context.Context, err error, wrote bool) (peal.Reason, string) {
	var block *blocked
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var hostname x509.HostnameError
	var op *net.OpError
	text := plain(err.Error())
	switch {
	case errors.As(err, &block):
		return peal.ReasonBlocked, block.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		return peal.ReasonCanceled, "stopped before an answer came"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		if wrote {
			return peal.ReasonTimeout, "the request was sent, but no answer came in time"
		}
		return peal.ReasonTimeout, "no connection was made in time"
	case errors.As(err, &dns):
		return peal.ReasonDNS, text
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &hostname):
		return peal.ReasonTLS, text
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert from the endpoint
		return peal.ReasonTLS, text
	case errors.Is(err, syscall.ECONNREFUSED):
		return peal.ReasonRefused, text
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return peal.ReasonUnreachable, text
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return peal.ReasonConnection, text
	case wrote:
		return peal.ReasonProtocol, text
	}
	return peal.ReasonOther, text
}

// maxErrorText is how much of an error's own words is kept, in bytes.
const maxErrorText = 500

// plain makes a text from outside safe to keep and to show: one line, no control
// characters, valid UTF-8, not long.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or an HTTP
// date; 0 when it is absent, past or neither.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
