package peal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

// ErrorCode is the kind of an [Error]. Each edge of the program translates it once: to an HTTP
// status, an exit code or a metric label.
type ErrorCode string

// The codes, with the API's HTTP status.
const (
	Invalid      ErrorCode = "invalid"      // 422 (400 when the body is not JSON): the input breaks a rule
	NotFound     ErrorCode = "not_found"    // 404: it does not exist, or belongs to another tenant
	Conflict     ErrorCode = "conflict"     // 409: its state does not permit the call
	Unauthorized ErrorCode = "unauthorized" // 401: no key, or an unknown one
	Forbidden    ErrorCode = "forbidden"    // 403: the key may not do this
	TooLarge     ErrorCode = "too_large"    // 413: over a size limit
	RateLimited  ErrorCode = "rate_limited" // 429: too many requests; retry after RetryAfter
	Unavailable  ErrorCode = "unavailable"  // 503: the store cannot do it now; retry after RetryAfter
	Internal     ErrorCode = "internal"     // 500: a defect; the cause is in Err and in the log
)

// Error is a failure that a caller can act on. Message is a plain sentence for people, without
// secrets; Err is the cause, for the log. [Fault] and [Fail] make errors with a message that the
// pages know in other languages; [Errorf] and [Invalidf] those that only operators and programs
// see.
type Error struct {
	Code ErrorCode
	// Field is the place in the input, such as "url" or "events[2].data"; empty when the
	// failure does not concern one place.
	Field string
	// Message describes the failure and the remedy, without a full stop at the end.
	Message string
	// RetryAfter is the time to wait before a retry; 0 when retrying does not help or the
	// time is unknown.
	RetryAfter time.Duration
	// Quota is the name of the [Quota] that is used up; "" for any other failure.
	Quota string
	// Err is the cause; nil when the message is complete.
	Err error

	text message.Text // Message before it was written in English; zero for one without a key
}

// Error returns "field: message: cause" without empty parts.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Text returns the Message with its key and values, for a translation; the zero Text for a message
// without a key.
func (e *Error) Text() message.Text { return e.text }

// At returns a copy of the error about another field.
func (e *Error) At(field string) *Error {
	moved := *e
	moved.Field = field
	return &moved
}

// Because returns a copy of the error with a cause.
func (e *Error) Because(cause error) *Error {
	caused := *e
	caused.Err = cause
	return &caused
}

// RetryIn returns a copy of the error with the time to wait before a retry.
func (e *Error) RetryIn(after time.Duration) *Error {
	delayed := *e
	delayed.RetryAfter = after
	return &delayed
}

// Fail creates an Error with a code and a message about values (see [message.Message.With]).
func Fail(code ErrorCode, m message.Message, values ...any) *Error {
	text := m.With(values...)
	return &Error{Code: code, Message: text.String(), text: text}
}

// Fault creates an Error of code [Invalid] about one field.
func Fault(field string, m message.Message, values ...any) *Error {
	return Fail(Invalid, m, values...).At(field)
}

// Errorf creates an Error with a code, a formatted message and no cause.
func Errorf(code ErrorCode, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalidf creates an Error of code [Invalid] about one field.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// PrefixField returns an *[Error] with place in front of its Field, such as "events[2]" before
// "data", unless Field already is that place. It does so for each of several faults, and returns
// any other error unchanged.
func PrefixField(place string, err error) error {
	if several, ok := err.(faultList); ok {
		moved := make(faultList, len(several))
		for i, one := range several {
			moved[i] = PrefixField(place, one).(*Error)
		}
		return moved
	}
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	if e.Field != "" && e.Field != place {
		place += "." + e.Field
	}
	return e.At(place)
}

// faultList are several faults of one input, each with its field, in the order of the input.
// [errors.As] finds the first one.
type faultList []*Error

// Error returns the texts of the faults, separated by semicolons.
func (f faultList) Error() string {
	words := make([]string, len(f))
	for i, one := range f {
		words[i] = one.Error()
	}
	return strings.Join(words, "; ")
}

// Unwrap returns the faults for package errors.
func (f faultList) Unwrap() []error {
	all := make([]error, len(f))
	for i, one := range f {
		all[i] = one
	}
	return all
}

// JoinFaults joins the faults of an input: it returns nil for none, a single fault unchanged, and
// several as one error, with only the first one of each field: [FaultsOf] returns them. If one of
// the errors is not a fault of an input, it returns that error alone.
func JoinFaults(errs ...error) error {
	var all faultList
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

// FaultsOf returns the faults of an input in an error's chain, each of code [Invalid] or
// [TooLarge]; none for any other error.
func FaultsOf(err error) []*Error {
	var several faultList
	if errors.As(err, &several) {
		return several
	}
	var one *Error
	if errors.As(err, &one) && (one.Code == Invalid || one.Code == TooLarge) {
		return []*Error{one}
	}
	return nil
}

// checkLength returns a fault if a field has more than most characters. Like JSON Schema, it
// counts code points, so that a text has the same limit in every script.
func checkLength(field, text string, most int) error {
	if len(text) <= most { // no text has more characters than bytes
		return nil
	}
	if n := utf8.RuneCountInString(text); n > most {
		return Fault(field, message.TooManyCharacters, n, most)
	}
	return nil
}

// CodeOf returns the code of the first Error in err's chain; [Internal] for any other error and
// "" for nil.
func CodeOf(err error) ErrorCode {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrStaleRoutes is the error of [Store.Insert] when the webhooks have changed since the
// snapshot that the deliveries were routed by. Nothing was written; the caller calls
// [Store.RoutesSince], routes again and repeats the call.
var ErrStaleRoutes = errors.New("routes are stale")

// ErrRevision is the [Conflict] of an update that was made from an older revision than
// the stored one: the caller reads the record again and repeats the change.
var ErrRevision = Fail(Conflict, message.ChangedMeanwhile)

func itoa(n int) string { return strconv.Itoa(n) }
