package egress

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/transform"

	"github.com/pealhq/peal"
)

// maxCodings is the most content codings that are taken off an answer.
const maxCodings = 2

// decode returns the beginning of an answer's body as text is shown and searched: without its
// content codings, and in UTF-8 where it declares another charset. At most
// [peal.MaxResponseBody] bytes come of it, however much it would expand to. A body in a coding
// that is not known is dropped, since nobody could see the secrets in it.
func decode(header http.Header, body []byte, cut bool) ([]byte, bool) {
	if len(body) == 0 {
		return body, cut
	}
	if codings := header["Content-Encoding"]; len(codings) > 0 {
		list := strings.Split(strings.ToLower(strings.Join(codings, ",")), ",")
		if len(list) > maxCodings {
			return nil, true
		}
		for i := len(list) - 1; i >= 0; i-- { // the last one was applied last (RFC 9110, section 8.4)
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

// expand takes one content coding off a body. One that is not in the coding that it claims stays as
// it is.
func expand(coding string, body []byte, cut bool) (expanded []byte, more, known bool) {
	var reader io.Reader
	var err error
	switch coding {
	case "", "identity":
		return body, cut, true
	case "gzip", "x-gzip":
		reader, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		if reader, err = zlib.NewReader(bytes.NewReader(body)); err != nil { // many send it without zlib's frame
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

// toUTF8 returns a body in UTF-8. One in a charset that is not known stays as it is.
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
