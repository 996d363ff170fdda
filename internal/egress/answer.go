package egress

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

// drainLimit is how much of an answer beyond what is kept is read and thrown
// away, so that its connection can be used again.
const drainLimit = 256 << 10

// readAnswer keeps the answer's head and the beginning of its body. The error is
// why the body that is to be kept broke off.
func readAnswer(response *http.Response, attempt *peal.Attempt, g *gate.Gate) error {
	attempt.StatusCode = response.StatusCode
	attempt.ResponseHead = responseHead(response.Header, g)
	if response.ContentLength == 0 { // as it is with 101, whose connection is no body
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

// readUpTo reads limit bytes, or fewer and an error, [io.EOF] at the regular end.
// length is how many are expected, below 0 when that is not known.
func readUpTo(r io.Reader, length int64, limit int) ([]byte, error) {
	size := 512
	if length >= 0 {
		size = int(min(length, int64(limit)-1)) + 1 // one more, for the end to be found in
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

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or an HTTP
// date; 0 when it is absent, past or neither.
func retryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return peal.MaxRetryAfter // more than anybody waits
		}
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
