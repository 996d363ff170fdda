package egress

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/transform"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

// drainLimit is the number of bytes read and discarded after the recorded part of a response, so
// that its connection can be reused.
const drainLimit = 256 << 10

// readAnswer records the head of a response and the start of its body. The error is the reason why
// the recorded part is incomplete.
func readAnswer(response *http.Response, attempt *peal.Attempt, g *gate.Gate) error {
	attempt.StatusCode = response.StatusCode
	attempt.ResponseHead = responseHead(response.Header, g)
	if response.ContentLength == 0 { // also for 101, which has no body
		return nil
	}
	body, err := readUpTo(response.Body, response.ContentLength, peal.MaxResponseBody)
	cut := err != nil && err != io.EOF
	if err == nil {
		more, err := io.CopyN(io.Discard, response.Body, drainLimit)
		cut = more > 0 || err != nil && err != io.EOF
	}
	body, cut = decode(response.Header, body, cut)
	body = g.HideBytes(body, cut)
	attempt.ResponseBody = body[:min(len(body), peal.MaxResponseBody)]
	attempt.ResponseTruncated = cut
	if err == io.EOF {
		return nil
	}
	return err
}

// readUpTo reads limit bytes, or fewer with an error, which is [io.EOF] at the regular end. length
// is the expected length, negative if unknown.
func readUpTo(r io.Reader, length int64, limit int) ([]byte, error) {
	size := 512
	if length >= 0 {
		size = int(min(length, int64(limit)-1)) + 1 // one more byte, to find the end
	}
	kept := make([]byte, 0, size)
	for len(kept) < limit {
		if len(kept) == cap(kept) {
			kept = append(make([]byte, 0, min(4*cap(kept), limit)), kept...)
		}
		n, err := r.Read(kept[len(kept):cap(kept)])
		kept = kept[:len(kept)+n]
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// retryAfter returns the delay in Retry-After (RFC 9110, section 10.2.3), which holds seconds or an
// HTTP date. It returns 0 for an absent, past or invalid value.
func retryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return peal.MaxRetryAfter // overflow: longer than the maximum
		}
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// maxCodings is the maximum number of content codings removed from a response.
const maxCodings = 2

// decode returns the start of a response body in the form that is shown and searched: without
// content codings, and converted to UTF-8 from a declared charset. It returns at most
// [peal.MaxResponseBody] bytes, however large the expanded body. A body in an unknown coding is
// dropped, because secrets in it could not be found.
func decode(header http.Header, body []byte, cut bool) ([]byte, bool) {
	if len(body) == 0 {
		return body, cut
	}
	if codings := header["Content-Encoding"]; len(codings) > 0 {
		list := strings.Split(strings.ToLower(strings.Join(codings, ",")), ",")
		if len(list) > maxCodings {
			return nil, true
		}
		for i := len(list) - 1; i >= 0; i-- { // the last coding was applied last (RFC 9110, section 8.4)
			var known bool
			if body, cut, known = expand(strings.TrimSpace(list[i]), body, cut); !known {
				return nil, true
			}
		}
	}
	if kind := header["Content-Type"]; len(kind) > 0 && strings.Contains(strings.ToLower(kind[0]), "charset") {
		return toUTF8(kind[0], body, cut)
	}
	return body, cut
}

// expand removes one content coding from a body. A body that is not in the declared coding is
// returned unchanged.
func expand(coding string, body []byte, cut bool) (expanded []byte, more, known bool) {
	var reader io.Reader
	var err error
	switch coding {
	case "", "identity":
		return body, cut, true
	case "gzip", "x-gzip":
		reader, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		if reader, err = zlib.NewReader(bytes.NewReader(body)); err != nil { // many endpoints omit the zlib header
			reader, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return nil, true, false
	}
	if err != nil {
		return body, cut, true
	}
	expanded, err = io.ReadAll(io.LimitReader(reader, peal.MaxResponseBody+1))
	if len(expanded) > peal.MaxResponseBody {
		return expanded[:peal.MaxResponseBody], true, true
	}
	if err != nil && len(expanded) == 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
		return body, cut, true
	}
	return expanded, cut || err != nil, true
}

// toUTF8 converts a body to UTF-8. A body in an unknown charset is returned unchanged.
func toUTF8(contentType string, body []byte, cut bool) ([]byte, bool) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return body, cut
	}
	encoding, name := charset.Lookup(parameters["charset"])
	if encoding == nil || name == "utf-8" {
		return body, cut
	}
	text, err := io.ReadAll(io.LimitReader(transform.NewReader(bytes.NewReader(body), encoding.NewDecoder()), peal.MaxResponseBody+1))
	if err != nil {
		return body, cut
	}
	if len(text) > peal.MaxResponseBody {
		return text[:peal.MaxResponseBody], true
	}
	return text, cut
}

// verdict returns the outcome of an attempt from the head of its response. A 2xx status is a
// success even if the body is incomplete: the endpoint accepted the event, and a retry would
// deliver it twice. Any other status is a refusal, which is more useful to record than an error of
// reading the body.
func verdict(ctx context.Context, response *http.Response, readErr error, g *gate.Gate) (peal.Reason, gate.Text) {
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return "", gate.Text{}
	}
	if readErr != nil && errors.Is(ctx.Err(), context.Canceled) {
		return peal.ReasonCanceled, gate.Fixed("stopped while the answer was read")
	}
	reason, text := peal.ReasonStatus, g.Text(strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status))))
	if status >= 300 && status <= 399 {
		reason, text = peal.ReasonRedirect, gate.Join(text, gate.Fixed("; redirects are not followed"))
		if location := response.Header.Get("Location"); location != "" {
			text = gate.Join(text, gate.Fixed(", it points to "), g.Text(location))
		}
	}
	switch {
	case readErr != nil && ctx.Err() != nil:
		text = gate.Join(text, gate.Fixed("; its body did not end in time"))
	case readErr != nil:
		text = gate.Join(text, gate.Fixed("; its body broke off"))
	}
	return reason, text
}

// Response holds the metadata of a response that the attempt does not record.
type Response struct {
	// RetryAfter is the delay that the endpoint asked for, 0 for none.
	RetryAfter time.Duration
	// CertificateExpires is the earliest expiry in the endpoint's certificate chain, in UTC; zero
	// without TLS or without a response.
	CertificateExpires time.Time
}

func expiry(response *http.Response) time.Time {
	if response.TLS == nil || len(response.TLS.VerifiedChains) == 0 {
		return time.Time{}
	}
	var first time.Time
	for _, certificate := range response.TLS.VerifiedChains[0] {
		if first.IsZero() || certificate.NotAfter.Before(first) {
			first = certificate.NotAfter
		}
	}
	return first.UTC()
}
