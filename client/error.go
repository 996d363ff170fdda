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

// ErrAnswer is in the chain of an error about an answer that succeeds and is not
// what Peal answers: something else is at the address.
var ErrAnswer = errors.New("it is not what Peal answers")

// Error is an answer that refuses the call: a problem of RFC 9457, or whatever a
// proxy between answered.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Type is a URI that names the kind of problem and never changes, such as
	// urn:peal:error:invalid; "" when the answer is not Peal's.
	Type string
	// Title says what kind of problem it is.
	Title string
	// Detail says what is wrong this time, and what to do.
	Detail string
	// Errors names each place in the input that is wrong.
	Errors []FieldError
	// RetryAfter is when to try again; 0 when the server did not say.
	RetryAfter time.Duration
	// RequestID is the call's name in the server's log; "" when it has none.
	RequestID string
}

// FieldError is one thing that is wrong with the input.
type FieldError struct {
	// Location is the place, such as "body.url" or "query.limit".
	Location string `json:"location"`
	// Message says what is wrong with it.
	Message string `json:"message"`
}

// Error gives the detail, or the title where there is none, and the places that
// it does not tell by itself.
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

// StatusOf gives the HTTP status of the [Error] in err's chain; 0 when there is
// none, so for nil too.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// malformed is what the server would answer to input that the client cannot even send.
func malformed(location, message string) *Error {
	return &Error{
		Status: http.StatusBadRequest, Type: "urn:peal:error:malformed", Title: "The request cannot be read",
		Errors: []FieldError{{location, message}},
	}
}

// maxProblem is how much of a refusal's body is read.
const maxProblem = 1 << 20

func readError(response *http.Response, now time.Time) error {
	e := &Error{
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), now),
		RequestID:  response.Header.Get("X-Request-Id"),
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
	if err != nil {
		return e // the status says the most of it
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

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
