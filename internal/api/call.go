package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/processor"
)

// Header values shared by all answers; they must not be changed.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noSniff     = []string{"nosniff"}
	noStore     = []string{"no-store"}
)

const (
	// strangerPrice is the processor time charged for refusing an unknown caller.
	strangerPrice = 500 * time.Microsecond
	// smallBody is the size up to which published events are parsed without a turn, in bytes.
	smallBody = 32 << 10
)

// call is one request and its answer. It is also the ResponseWriter, so that it can turn the mux's
// own refusals into problems.
type call struct {
	http.ResponseWriter
	api     *API
	request *http.Request
	route   *route // nil until the mux has matched one
	caller  identity.Principal
	tenant  string
	audit   audit
	id      string
	status  int  // 0 until the answer's head is written
	mute    bool // discard writes: the answer is complete

	account bodies.Account  // the memory of its bodies
	turn    *processor.Turn // of the processor; nil before the caller is known, and for publishing
}

// Unwrap is for [http.ResponseController].
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader turns the mux's own answers into problems.
func (c *call) WriteHeader(status int) {
	if c.status != 0 {
		return
	}
	c.turn.Leave() // the client may read slowly
	if c.route != nil {
		c.status = status
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.Header().Del("Location") // answer 404 in place of a redirect to the cleaned path
	switch status {
	case http.StatusMethodNotAllowed:
		c.refuse(refuse(methodNotAllowed, "%s does not support %s; use %s", c.request.URL.Path, c.request.Method,
			c.Header().Get("Allow")))
	case http.StatusBadRequest:
		c.refuse(refuse(malformed, "the request's target cannot be read"))
	default:
		c.refuse(refuse(notFound, "there is no route %s; the routes are listed at /docs", c.request.URL.Path))
	}
	c.mute = true
}

// Write sends a part of the body, after the head.
func (c *call) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.mute {
		return len(b), nil
	}
	return c.ResponseWriter.Write(b)
}

// start sets the headers of every answer.
func (c *call) start() {
	h := c.Header()
	c.id = front.NameRequest(c.ResponseWriter, c.request)
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
}

// recoverPanic logs a panic of the handler and answers with a problem.
func (c *call) recoverPanic() {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	c.api.log.Error("a handler panicked", "request_id", c.id, "method", c.request.Method,
		"path", front.LoggedPath(c.request), "panic", front.LoggedPanic(cause), "stack", string(debug.Stack()))
	if c.status != 0 {
		panic(http.ErrAbortHandler) // break the connection, so that half an answer does not look complete
	}
	c.write(refuse(internalError, "%s", internalError.advice))
}

// refuse answers with the problem for err, and logs faults of the server.
func (c *call) refuse(err error) {
	if c.caller.Kind == "" {
		err = c.waitAsStranger(err)
	}
	r := translate(err)
	gone := c.request.Context().Err() != nil && (errors.Is(err, context.Canceled) || r.kind == timedOut)
	if r.kind.status >= http.StatusInternalServerError && !gone && !errors.Is(err, bodies.ErrFull) {
		c.api.log.Error("a request failed", "request_id", c.id, "method", c.request.Method,
			"path", front.LoggedPath(c.request), "status", r.kind.status, "error", err)
	}
	c.write(r)
}

func (c *call) write(r *refusal) {
	if c.status != 0 {
		return
	}
	h := c.Header()
	switch r.kind.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		seconds := max(1, int64((r.retryAfter+time.Second-1)/time.Second))
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	body, err := json.Marshal(problemShape{
		Type: typePrefix + r.kind.name, Title: r.kind.title, Status: r.kind.status,
		Detail: r.detail, Instance: "urn:peal:request:" + c.id, Errors: r.faults,
	})
	if err != nil { // impossible: it has only strings and numbers
		panic(err)
	}
	h["Content-Type"] = problemType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.status = r.kind.status
	c.turn.Leave()
	c.ResponseWriter.WriteHeader(c.status)
	c.ResponseWriter.Write(body)
}

// json answers with a value as JSON.
func (c *call) json(status int, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return c.bytes(status, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

// bytes answers with JSON text.
func (c *call) bytes(status int, body []byte) error {
	if err := c.chargeAnswer(int64(len(body))); err != nil {
		return err
	}
	if err := c.record(status); err != nil {
		return err
	}
	h := c.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.WriteHeader(status)
	c.ResponseWriter.Write(body) // it fails only if the caller has disconnected
	return nil
}

// empty answers without a body.
func (c *call) empty() error {
	if err := c.record(http.StatusNoContent); err != nil {
		return err
	}
	c.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) context() context.Context { return c.request.Context() }

// text answers with a body that is not JSON; clients may cache it and must revalidate.
func (c *call) text(media string, body []byte) error {
	h := c.Header()
	h["Content-Type"] = []string{media}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h.Set("Cache-Control", "no-cache")
	c.WriteHeader(http.StatusOK)
	c.ResponseWriter.Write(body)
	return nil
}

// holder returns the account for the caller's processor time: its tenant, or nobody for operators.
func (c *call) holder() processor.Holder {
	if c.caller.IsOperator() {
		return processor.Holder{}
	}
	return processor.Tenant(c.caller.Tenant)
}

// openTurn creates the processor turn of a call that does not publish. It enters at once if the
// route has no body; otherwise reading the body enters it.
func (c *call) openTurn() error {
	c.turn = processor.Shared.Turn(c.holder())
	c.request = c.request.WithContext(processor.With(c.context(), c.turn))
	if c.route.body != nil {
		return nil
	}
	return c.turn.Enter(c.context())
}

// turnFor waits for a turn to parse published events, and returns it; nil for a small body, which
// needs none.
func (c *call) turnFor(body []byte) (*processor.Turn, error) {
	if len(body) <= smallBody {
		return nil, nil
	}
	turn := processor.Shared.Turn(c.holder())
	return turn, turn.Enter(c.context())
}

// waitAsStranger delays a refusal until its address has a turn of the processor, and returns it or
// the error of the wait. Callers who are refused a thousand times a second thus delay only
// themselves.
func (c *call) waitAsStranger(refused error) error {
	if translate(refused).kind.status >= http.StatusInternalServerError {
		return refused
	}
	turn := processor.Shared.Turn(processor.Address(c.api.Identity.Network(c.request)))
	if err := turn.Enter(c.context()); err != nil {
		if context.Cause(c.context()) != nil {
			return refused
		}
		return err
	}
	turn.LeaveAt(strangerPrice)
	return refused
}
