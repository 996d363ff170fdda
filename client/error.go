package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrAnswer is wrapped by the error for a successful answer that is not from Peal, because another
// server is at the address.
var ErrAnswer = errors.New("the answer is not from Peal")

// Error is an answer that refuses the call: a problem (RFC 9457), or the answer of a proxy.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Type is a URI that identifies the kind of problem and never changes, such as
	// urn:peal:error:invalid; "" if the answer is not from Peal.
	Type string
	// Title is the kind of problem in words.
	Title string
	// Detail explains the problem, and how to correct it.
	Detail string
	// Errors lists the faults of the input.
	Errors []FieldError
	// RetryAfter is the time to wait before trying again; 0 if unknown.
	RetryAfter time.Duration
	// RequestID identifies the call in the server's log; "" if unknown.
	RequestID string
}

// FieldError is one fault of the input.
type FieldError struct {
	// Location is the place, such as "body.url" or "query.limit".
	Location string `json:"location"`
	// Message explains the fault.
	Message string `json:"message"`
}

// Error returns the detail or else the title, and the faults that it does not mention.
func (e *Error) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	if text == "" {
		text = fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	var places []string
	for _, field := range e.Errors {
		if strings.Contains(text, field.Message) {
			continue
		}
		place := field.Message
		if field.Location != "" {
			place = field.Location + " " + place
		}
		places = append(places, place)
	}
	if len(places) == 0 {
		return text
	}
	return text + ": " + strings.Join(places, "; ")
}

// StatusOf returns the HTTP status of the [Error] in err's chain; 0 if there is none, or err is
// nil.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// malformed returns the server's error for input that the client cannot even send.
func malformed(location, message string) *Error {
	return &Error{
		Status: http.StatusBadRequest, Type: "urn:peal:error:malformed", Title: "The request cannot be read",
		Errors: []FieldError{{location, message}},
	}
}

// maxProblem is the largest part of a refusal's body that is read, in bytes.
const maxProblem = 1 << 20

func readError(response *http.Response, now time.Time) error {
	e := &Error{
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), now),
		RequestID:  response.Header.Get("X-Request-Id"),
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
	if err != nil {
		return e // the status is enough
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind != "application/problem+json" && kind != "application/json" {
		return e
	}
	var problem struct {
		Type   string       `json:"type"`
		Title  string       `json:"title"`
		Detail string       `json:"detail"`
		Errors []FieldError `json:"errors"`
	}
	if json.Unmarshal(body, &problem) == nil {
		e.Type, e.Title, e.Detail, e.Errors = problem.Type, problem.Title, problem.Detail, problem.Errors
	}
	return e
}

// retryAfter parses a Retry-After header (RFC 9110, section 10.2.3): seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
