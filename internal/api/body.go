package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
)

const (
	// envelope is what a published event may have beside its data, in bytes.
	envelope = 16 << 10
	// maxBatchBody is the largest body of a batch, in bytes.
	maxBatchBody = 8 << 20
	// maxBody is the largest body of the other routes, in bytes.
	maxBody = 1<<20 + envelope
)

// body reads the request's JSON text into memory of its own, which the caller may
// keep: published data stays in it.
func (c *call) body(limit int64) ([]byte, error) {
	if err := checkContentType(c.request.Header); err != nil {
		return nil, err
	}
	return c.asked(c.sizedBody(limit))
}

// asked asks once more who calls, now that a body is there that may have taken its time.
func (c *call) asked(text []byte, err error) ([]byte, error) {
	if err == nil {
		err = c.again()
	}
	if err == nil {
		err = c.turn.Enter(c.context())
	}
	return text, err
}

// rawBody is body whatever its type, as other systems send it.
func (c *call) rawBody(limit int64) ([]byte, error) {
	if err := checkEncoding(c.request.Header); err != nil {
		return nil, err
	}
	return c.sizedBody(limit)
}

func (c *call) sizedBody(limit int64) ([]byte, error) {
	text, err := c.account.Read(c.request.Body, c.request.ContentLength, limit)
	if err == nil {
		return text, nil
	}
	var refused *peal.Error
	switch {
	case errors.As(err, &refused):
		return nil, err
	case errors.Is(err, bodies.ErrTooLarge):
		return nil, tooLargeBody(limit)
	}
	return nil, unreadable(err)
}

func tooLargeBody(limit int64) error {
	r := refuse(tooLarge, "the body is too large: at most %d bytes are accepted here", limit)
	r.faults = faults{{Location: "body", Message: r.detail}}
	return r
}

func unreadable(err error) error {
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return tooLargeBody(tooBig.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{kind: timedOut, detail: "the body did not arrive in time", cause: err}
	}
	return &refusal{kind: malformed, detail: "the body ended early or cannot be read", faults: faults{{Location: "body", Message: "ended early or cannot be read"}}, cause: err}
}

// checkContentType wants JSON in UTF-8 as it is.
func checkContentType(h http.Header) error {
	if err := checkEncoding(h); err != nil {
		return err
	}
	value := h.Get("Content-Type")
	if value == "application/json" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(value)
	if err == nil && kind == "application/json" {
		charset, given := params["charset"]
		if !given && len(params) == 0 || given && len(params) == 1 && strings.EqualFold(charset, "utf-8") {
			return nil
		}
	}
	return refuse(unsupportedMedia, "the content type must be application/json (in UTF-8), not %q", short(value))
}

func checkEncoding(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(unsupportedMedia, "the content encoding %q is not supported: send the body as it is", short(encoding))
	}
	return nil
}

// isJSON reports whether text is one JSON value in UTF-8, to tell what cannot be
// read from what breaks a rule.
func isJSON(text []byte) bool { return utf8.Valid(text) && json.Valid(text) }

// unparsed says that a body was refused: as malformed when it is no JSON at all.
func unparsed(err error, body []byte) error {
	if isJSON(body) {
		return err
	}
	r := translate(err)
	if r.kind.status != invalid.status {
		return err
	}
	return &refusal{kind: malformed, detail: r.detail, faults: r.faults, cause: err}
}

// short cuts what is only repeated to the caller.
func short(text string) string {
	const longest = 64
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// optionalBody is body for routes that do without one: nil when there is none.
func (c *call) optionalBody(limit int64) ([]byte, error) {
	if c.request.ContentLength == 0 {
		return nil, c.turn.Enter(c.context())
	}
	if c.request.ContentLength < 0 && c.request.Header.Get("Content-Type") == "" {
		text, err := c.sizedBody(limit)
		if err != nil || len(bytes.TrimSpace(text)) == 0 {
			return c.asked(nil, err)
		}
		return nil, checkContentType(c.request.Header)
	}
	return c.body(limit)
}

// read reads a body into a struct, strictly.
func (c *call) read(into any) error {
	body, err := c.body(maxBody)
	if err != nil {
		return err
	}
	c.changing(body)
	return c.decode(body, into)
}

// readOptional is read for routes that do without a body.
func (c *call) readOptional(into any) error {
	body, err := c.optionalBody(maxBody)
	if err != nil || body == nil {
		return err
	}
	return c.decode(body, into)
}

// decode reads a body strictly. The memory that this takes beside the body is charged first.
func (c *call) decode(body []byte, into any) error {
	if err := c.account.Take(2 * int64(len(body))); err != nil {
		return err
	}
	return decode(body, into)
}
