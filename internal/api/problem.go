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

// typePrefix begins the type of every problem. The types name kinds of error; they
// are URNs because there is nothing to fetch behind them.
const typePrefix = "urn:peal:error:"

// kind is a kind of error: the last part of its type, the status that carries it,
// and the title and advice that never change with the occurrence.
type kind struct {
	name   string
	status int
	title  string
	advice string
}

// The kinds of error, in the order of their status.
var (
	malformed          = kind{"malformed", http.StatusBadRequest, "The request cannot be read", "The body is no JSON, ends early or is not UTF-8. Correct how it is written."}
	unauthorized       = kind{"unauthorized", http.StatusUnauthorized, "The caller is not verified", "There is no key, or it is unknown or revoked: send Authorization: Bearer and the key. At a source: the signature or the Authorization value does not fit."}
	forbidden          = kind{"forbidden", http.StatusForbidden, "The key may not do this", "The key lacks the scope, or belongs to another tenant. Use another key."}
	notFound           = kind{"not-found", http.StatusNotFound, "There is no such thing", "The route or the thing does not exist, or it is another tenant's."}
	methodNotAllowed   = kind{"method-not-allowed", http.StatusMethodNotAllowed, "The route has no such method", "Use one of the methods in the Allow header."}
	timedOut           = kind{"request-timeout", http.StatusRequestTimeout, "The body did not arrive in time", "Send the request again, without pauses."}
	conflict           = kind{"conflict", http.StatusConflict, "The thing is in another state", "Read it again and decide anew: the id is taken, the delivery is final, or the configuration file owns the webhook."}
	preconditionFailed = kind{"precondition-failed", http.StatusPreconditionFailed, "The thing has changed meanwhile", "Read it again and repeat the change with the new ETag."}
	tooLarge           = kind{"too-large", http.StatusRequestEntityTooLarge, "The request is too large", "Send less at once, or publish a reference to large content."}
	unsupportedMedia   = kind{"unsupported-media-type", http.StatusUnsupportedMediaType, "The body's content type is not supported", "Send application/json in UTF-8, without a content encoding."}
	invalid            = kind{"invalid", http.StatusUnprocessableEntity, "The request breaks a rule", "errors says which value breaks which rule."}
	rateLimited        = kind{"rate-limited", http.StatusTooManyRequests, "Too many requests", "Wait for as long as Retry-After says."}
	internalError      = kind{"internal", http.StatusInternalServerError, "A defect of the server", "The server's log has the cause, under the request id of the answer."}
	unavailable        = kind{"unavailable", http.StatusServiceUnavailable, "The server cannot do it now", "Try again after as long as Retry-After says."}
	allKinds           = []kind{malformed, unauthorized, forbidden, notFound, methodNotAllowed, timedOut, conflict, preconditionFailed, tooLarge, unsupportedMedia, invalid, rateLimited, internalError, unavailable}
	kindsByCode        = map[peal.ErrorCode]kind{
		peal.Invalid: invalid, peal.NotFound: notFound, peal.Conflict: conflict, peal.Unauthorized: unauthorized, peal.Forbidden: forbidden,
		peal.TooLarge: tooLarge, peal.RateLimited: rateLimited, peal.Unavailable: unavailable, peal.Internal: internalError,
	}
)

// problemShape is an error as the caller sees it (RFC 9457).
type problemShape struct {
	Type     string  `json:"type" format:"uri" doc:"What kind of error it is; see the list of types." example:"urn:peal:error:invalid"`
	Title    string  `json:"title" doc:"The kind in words; the same for every error of the type."`
	Status   int     `json:"status" doc:"The HTTP status." minimum:"400" maximum:"599"`
	Detail   string  `json:"detail" doc:"What is wrong this time, and what to do."`
	Instance string  `json:"instance,omitempty" doc:"The request id of this answer, to find it in the server's log."`
	Errors   []fault `json:"errors,omitempty" nullable:"false" doc:"The places that are wrong."`
}

// fault is one place of a request that is wrong.
type fault struct {
	Location string `json:"location" doc:"Where: body, path, query or header, and the place in it." example:"body.events[3].id"`
	Message  string `json:"message" doc:"What is wrong there and what to do."`
	Value    any    `json:"value,omitempty" doc:"What was given; only for the path and the query."`
}

// faults are all the places of a request that break a rule.
type faults []fault

func (f faults) Error() string {
	words := make([]string, len(f))
	for i, one := range f {
		words[i] = one.sentence()
	}
	return strings.Join(words, "; ")
}

// sentence is the place, without the part of the request it is in, and what is wrong.
func (f *fault) sentence() string {
	_, place, inside := strings.Cut(f.Location, ".")
	if !inside {
		place = f.Location
	}
	return place + " " + f.Message
}

// refusal is an error that knows its kind and how the answer carries it.
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

// at makes a domain error about one place of the request that is not the body.
func at(location string, value any, err error) error {
	var e *peal.Error
	if !errors.As(err, &e) || (e.Code != peal.Invalid && e.Code != peal.TooLarge) {
		return err
	}
	return faults{{Location: location, Message: e.Message, Value: value}}
}

// translate gives the refusal that stands for an error: the one place where errors
// become statuses. Fields of domain errors are places in the body.
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
		return &refusal{kind: unavailable, detail: "the request was given up before it was done", retryAfter: time.Second, cause: err}
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
