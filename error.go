package peal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Code says what kind of failure an [Error] is. Each edge translates it once: to
// an HTTP status, an exit code or a metric label.
type Code string

// The codes, with the HTTP status that the API answers.
const (
	Invalid      Code = "invalid"      // 422 (400 when the body is no JSON): the input breaks a rule
	NotFound     Code = "not_found"    // 404: no such thing, or not this tenant's
	Conflict     Code = "conflict"     // 409: the thing is in another state than the call needs
	Unauthorized Code = "unauthorized" // 401: no key, or a wrong one
	Forbidden    Code = "forbidden"    // 403: the key may not do this
	TooLarge     Code = "too_large"    // 413: over a size limit
	RateLimited  Code = "rate_limited" // 429: too many requests, try again after RetryAfter
	Unavailable  Code = "unavailable"  // 503: the store cannot do it now, try again after RetryAfter
	Internal     Code = "internal"     // 500: a defect; the cause is in Err and in the log
)

// Error is a failure that a caller can act on. Message is a plain sentence for
// people, without secrets; Err is the cause, for the log.
type Error struct {
	Code Code
	// Field is the place in the input, such as "url" or "events[2].data"; empty
	// when the failure is not about one place.
	Field string
	// Message says what is wrong and what to do, without a full stop at the end.
	Message string
	// RetryAfter is when trying again makes sense; 0 when it does not or nobody knows.
	RetryAfter time.Duration
	// Quota names the [Quota] that is used up; "" when the failure is no refusal of one.
	Quota string
	// Err is the cause; nil when the message says everything.
	Err error
}

// Error gives "field: message: cause", leaving out what is empty.
func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a code with a formatted message and no cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalidf makes an Error of code [Invalid] about one field.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Within puts a place in front of the Field of an *[Error], such as "events[2]"
// before "data", unless it names that place already, and likewise with [Invalids]; any
// other error is returned as it is.
func Within(place string, err error) error {
	if several, ok := err.(Invalids); ok {
		moved := make(Invalids, len(several))
		for i, one := range several {
			moved[i] = Within(place, one).(*Error)
		}
		return moved
	}
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	moved := *e
	moved.Field = place
	if e.Field != "" && e.Field != place {
		moved.Field += "." + e.Field
	}
	return &moved
}

// Invalids are several faults of one input, each with its field, in the order of the
// input. [errors.As] finds the first one.
type Invalids []*Error

// Error gives the faults in turn.
func (f Invalids) Error() string {
	words := make([]string, len(f))
	for i, one := range f {
		words[i] = one.Error()
	}
	return strings.Join(words, "; ")
}

// Unwrap returns the faults for package errors.
func (f Invalids) Unwrap() []error {
	all := make([]error, len(f))
	for i, one := range f {
		all[i] = one
	}
	return all
}

// Faults joins what is wrong with an input: nil for nothing, the only fault as it is,
// and several as [Invalids]. An error that is no fault of an input (see [FaultsOf]) is
// returned in place of all. Of faults of one field the first counts.
func Faults(errs ...error) error {
	var all Invalids
	seen := make(map[string]bool)
	for _, err := range errs {
		if err == nil {
			continue
		}
		found := FaultsOf(err)
		if found == nil {
			return err
		}
		for _, one := range found {
			if !seen[one.Field] {
				seen[one.Field] = true
				all = append(all, one)
			}
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// FaultsOf returns the faults of an input that an error tells of, each of code [Invalid]
// or [TooLarge]; none for any other error.
func FaultsOf(err error) []*Error {
	var several Invalids
	if errors.As(err, &several) {
		return several
	}
	var one *Error
	if errors.As(err, &one) && (one.Code == Invalid || one.Code == TooLarge) {
		return []*Error{one}
	}
	return nil
}

// checkLength returns a fault of a field with more than most characters, as JSON Schema counts
// them: code points, so that a text has the same limit in every script. Otherwise it returns nil.
func checkLength(field, text string, most int) error {
	if len(text) <= most { // no text has more characters than bytes
		return nil
	}
	if n := utf8.RuneCountInString(text); n > most {
		return Invalidf(field, "has %d characters, at most %d are allowed", n, most)
	}
	return nil
}

// CodeOf gives the code of the first Error in err's chain; [Internal] for any
// other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrStaleRoutes is what [Store.Insert] returns when the webhooks have changed
// since the snapshot that the deliveries were routed by. Nothing was written;
// the caller reads [Store.RoutesSince], routes again and repeats the call.
var ErrStaleRoutes = errors.New("routes are stale")

func itoa(n int) string { return strconv.Itoa(n) }
