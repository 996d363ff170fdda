package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// typePrefix is the start of every problem type. The types identify kinds of error; they are URNs
// because there is nothing to fetch.
const typePrefix = "urn:peal:error:"

// kind is a kind of error: the last part of its type, its status, and the title and advice, which
// are the same for every occurrence.
type kind struct {
	name   string
	status int
	title  string
	advice string
}

// The kinds of error, in the order of their status.
var (
	malformed = kind{"malformed", http.StatusBadRequest, "The request cannot be read",
		"The body is not valid JSON, ends early or is not UTF-8. Correct its syntax."}
	unauthorized = kind{"unauthorized", http.StatusUnauthorized, "The caller is not authenticated", "The key is missing, unknown or revoked: send Authorization: Bearer and the key. At a source: the signature or the Authorization value is wrong."}
	forbidden    = kind{"forbidden", http.StatusForbidden, "The key may not do this",
		"The key lacks the scope, or belongs to another tenant. Use another key."}
	notFound = kind{"not-found", http.StatusNotFound, "There is no such resource",
		"The route or the resource does not exist, or it belongs to another tenant."}
	methodNotAllowed = kind{"method-not-allowed", http.StatusMethodNotAllowed, "The route has no such method",
		"Use one of the methods in the Allow header."}
	timedOut = kind{"request-timeout", http.StatusRequestTimeout, "The body did not arrive in time",
		"Send the request again, without pauses."}
	conflict = kind{"conflict", http.StatusConflict, "The state of the resource does not allow this",
		"Read it again: the id is taken, the delivery is final, or the configuration file owns the webhook, for example."}
	preconditionFailed = kind{"precondition-failed", http.StatusPreconditionFailed, "The resource has changed meanwhile",
		"Read it again and repeat the change with the new ETag."}
	tooLarge = kind{"too-large", http.StatusRequestEntityTooLarge, "The request is too large",
		"Send less at once, or publish a reference to large content."}
	unsupportedMedia = kind{"unsupported-media-type", http.StatusUnsupportedMediaType,
		"The body's content type is not supported", "Send application/json in UTF-8, without a content encoding."}
	invalid = kind{"invalid", http.StatusUnprocessableEntity, "The request breaks a rule",
		"errors lists the values and the rules that they break."}
	rateLimited = kind{"rate-limited", http.StatusTooManyRequests, "Too many requests",
		"Wait for the time in Retry-After."}
	internalError = kind{"internal", http.StatusInternalServerError, "A defect of the server",
		"The server's log has the cause, under the request id of the answer."}
	unavailable = kind{"unavailable", http.StatusServiceUnavailable, "The server cannot do it now",
		"Try again after the time in Retry-After."}
	allKinds = []kind{malformed, unauthorized, forbidden, notFound, methodNotAllowed, timedOut, conflict,
		preconditionFailed, tooLarge, unsupportedMedia, invalid, rateLimited, internalError, unavailable}
	kindsByCode = map[peal.ErrorCode]kind{
		peal.Invalid: invalid, peal.NotFound: notFound, peal.Conflict: conflict, peal.Unauthorized: unauthorized,
		peal.Forbidden: forbidden,
		peal.TooLarge:  tooLarge, peal.RateLimited: rateLimited, peal.Unavailable: unavailable, peal.Internal: internalError,
	}
)

// problemShape is an error as the caller sees it (RFC 9457).
type problemShape struct {
	Type     string  `json:"type" format:"uri" doc:"The kind of error; see the list of types." example:"urn:peal:error:invalid"`
	Title    string  `json:"title" doc:"The kind of error in words; the same for every error of the type."`
	Status   int     `json:"status" doc:"The HTTP status." minimum:"400" maximum:"599"`
	Detail   string  `json:"detail" doc:"What is wrong, and how to correct it."`
	Instance string  `json:"instance,omitempty" doc:"The request id of this answer, to find it in the server's log."`
	Errors   []fault `json:"errors,omitempty" nullable:"false" doc:"The faults of the request."`
}

// fault is one fault of a request.
type fault struct {
	Location string `json:"location" doc:"Where it is: body, path, query or header, and the place in it." example:"body.events[3].id"`
	Message  string `json:"message" doc:"What is wrong, and how to correct it."`
	Value    any    `json:"value,omitempty" doc:"The wrong value; only for the path and the query."`
}

// faults are all faults of a request.
type faults []fault

func (f faults) Error() string {
	words := make([]string, len(f))
	for i, one := range f {
		words[i] = one.sentence()
	}
	return strings.Join(words, "; ")
}

// sentence returns the place, without the part of the request that it is in, and the message.
func (f *fault) sentence() string {
	_, place, inside := strings.Cut(f.Location, ".")
	if !inside {
		place = f.Location
	}
	return place + " " + f.Message
}

// refusal is an error with its kind and the content of the answer.
type refusal struct {
	kind       kind
	detail     string
	faults     faults
	retryAfter time.Duration
	cause      error
}

func (r *refusal) Error() string { return r.detail }
func (r *refusal) Unwrap() error { return r.cause }

func refuse(kind kind, format string, args ...any) *refusal {
	return &refusal{kind: kind, detail: fmt.Sprintf(format, args...)}
}

// at returns a domain error as a fault at a location outside the body.
func at(location string, value any, err error) error {
	var e *peal.Error
	if !errors.As(err, &e) || (e.Code != peal.Invalid && e.Code != peal.TooLarge) {
		return err
	}
	return faults{{Location: location, Message: e.Message, Value: value}}
}

// translate returns the refusal for err. It is the only place where errors become statuses. Fields
// of domain errors are places in the body.
func translate(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var f faults
	if errors.As(err, &f) {
		return &refusal{kind: invalid, detail: f.Error(), faults: f}
	}
	if several := peal.FaultsOf(err); len(several) > 1 {
		for _, one := range several {
			f = append(f, translateDomain(one, err).faults...)
		}
		return &refusal{kind: invalid, detail: f.Error(), faults: f, cause: err}
	}
	var e *peal.Error
	if errors.As(err, &e) {
		return translateDomain(e, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &refusal{kind: unavailable, detail: "the request was canceled before it was done", retryAfter: time.Second,
			cause: err}
	}
	return &refusal{kind: internalError, detail: internalError.advice, cause: err}
}

func translateDomain(e *peal.Error, err error) *refusal {
	kind, ok := kindsByCode[e.Code]
	if !ok || kind.status == http.StatusInternalServerError {
		return &refusal{kind: internalError, detail: internalError.advice, cause: err}
	}
	r := &refusal{kind: kind, detail: e.Message, retryAfter: e.RetryAfter, cause: err}
	if e.Field != "" {
		r.faults = faults{{Location: "body." + e.Field, Message: e.Message}}
		r.detail = e.Field + " " + e.Message
	} else if e.Code == peal.Invalid {
		r.faults = faults{{Location: "body", Message: e.Message}}
	}
	return r
}
