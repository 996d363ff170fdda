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
	"github.com/pealhq/peal/internal/identity"
)

const (
	// envelope is the largest size of a published event without its data, in bytes.
	envelope = 16 << 10
	// maxBatchBody is the largest body of a batch, in bytes.
	maxBatchBody = 8 << 20
	// maxBody is the largest body of the other routes, in bytes.
	maxBody = 1<<20 + envelope
)

// body reads the JSON text of the request into new memory. The caller may keep it, as published
// data does.
func (c *call) body(limit int64) ([]byte, error) {
	if err := checkContentType(c.request.Header); err != nil {
		return nil, err
	}
	return c.admitted(c.sizedBody(limit))
}

// admitted rechecks the caller after a body has arrived, which can take a while, and waits for the
// processor.
func (c *call) admitted(text []byte, err error) ([]byte, error) {
	if err == nil {
		err = c.recheck()
	}
	if err == nil {
		err = c.turn.Enter(c.context())
	}
	return text, err
}

// rawBody reads a body of any content type, as other systems send it.
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
	r := refuse(tooLarge, "the body is too large; send at most %d bytes", limit)
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
	return &refusal{kind: malformed, detail: "the body ended early or cannot be read",
		faults: faults{{Location: "body", Message: "ended early or cannot be read"}}, cause: err}
}

// checkContentType refuses anything but JSON in UTF-8 without a content encoding.
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
	return refuse(unsupportedMedia, "the content type is %q; it must be application/json (in UTF-8)", short(value))
}

func checkEncoding(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(unsupportedMedia, "the content encoding %q is not supported; send the body without one",
			short(encoding))
	}
	return nil
}

// isJSON reports whether text is one JSON value in UTF-8.
func isJSON(text []byte) bool { return utf8.Valid(text) && json.Valid(text) }

// unparsed returns the refusal of a body for err: malformed if it is not valid JSON at all.
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

// optionalBody is like body, but returns nil if the request has no body.
func (c *call) optionalBody(limit int64) ([]byte, error) {
	if c.request.ContentLength == 0 {
		return nil, c.turn.Enter(c.context())
	}
	if c.request.ContentLength < 0 && c.request.Header.Get("Content-Type") == "" {
		text, err := c.sizedBody(limit)
		if err != nil || len(bytes.TrimSpace(text)) == 0 {
			return c.admitted(nil, err)
		}
		return nil, checkContentType(c.request.Header)
	}
	return c.body(limit)
}

// read decodes the body of the request strictly into a struct.
func (c *call) read(into any) error {
	body, err := c.body(maxBody)
	if err != nil {
		return err
	}
	c.changing(body)
	return c.decode(body, into)
}

// readOptional is like read, but accepts a request without a body.
func (c *call) readOptional(into any) error {
	body, err := c.optionalBody(maxBody)
	if err != nil || body == nil {
		return err
	}
	return c.decode(body, into)
}

// decode decodes a body strictly, after charging the caller for the memory that this takes.
func (c *call) decode(body []byte, into any) error {
	if err := c.account.Take(2 * int64(len(body))); err != nil {
		return err
	}
	return decode(body, into)
}

// largeAnswer is the size from which an answer is charged to the caller's account, in bytes.
// Otherwise a caller could hold memory by requesting many answers and reading none.
const largeAnswer = 16 << 10

// openAccount charges the memory of bodies to the caller.
func (c *call) openAccount() {
	caller := bodies.Holder{Kind: bodies.User, Name: c.caller.ID}
	if c.caller.Kind == identity.KindKey {
		caller.Kind = bodies.Key
	}
	c.account = c.api.Bodies.Known(c.caller.Tenant, caller)
}

// openSourceAccount charges the memory of the body to the source and to the sender's address.
func (c *call) openSourceAccount(source *peal.Source) {
	c.account = c.api.Bodies.Unknown(bodies.Holder{Kind: bodies.Source, Name: source.ID.String()},
		bodies.Holder{Kind: bodies.Address, Name: c.api.Identity.Neighbourhood(c.request)})
}

// chargeAnswer charges a large answer to the caller's account. The answer to a change is sent even
// if the account is full.
func (c *call) chargeAnswer(bytes int64) error {
	if bytes < largeAnswer {
		return nil
	}
	if c.request.Method == http.MethodGet {
		return c.account.Take(bytes)
	}
	c.account.Charge(bytes)
	return nil
}
