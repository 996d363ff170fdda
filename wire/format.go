package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// Format is a way to put an event on the wire and to read it back. [Lookup] and [Formats]
// return copies of the built-in ones; an application can define its own.
type Format struct {
	// Name is what a webhook's format says, such as "standard".
	Name string
	// Title is what people call it.
	Title string
	// Secrets says whether the format signs.
	Secrets SecretUse
	// SignatureHeader is the header that carries the signature; "" when there is none.
	SignatureHeader string
	// Headers are the names of the headers that the format sets, spelled as it sends them.
	Headers []string
	// ExtraPayload is true when the format merges the webhook's extra payload into its body.
	ExtraPayload bool
	// Handshake is true when the format's receivers can be asked for their consent, as
	// section 4 of the CloudEvents web hooks specification says.
	Handshake bool
	// RetryPolicy is what a webhook of this format gets unless it or its tenant has
	// its own; nil for the deployment's default.
	RetryPolicy *peal.RetryPolicy

	// Encode makes the format's own headers and body. [Format.Request] adds the rest.
	Encode func(in *Input) (http.Header, []byte, error)
	// Verify checks what a receiver got; nil when the format has nothing to check.
	// The secrets of a format without a signature are the values of the header
	// Authorization that are expected. Its errors are of type *[VerifyError].
	Verify func(header http.Header, body []byte, secrets []string, options VerifyOptions) error
	// Decode reads a request of the format back into an event: type, subject, time,
	// data, and as ID the sender's own id of the delivery or event where it has one.
	// The data may share the body's memory. Decode does not verify. It is nil when the
	// format says too little to do so. Its errors are *[peal.Error] of code Invalid.
	Decode func(header http.Header, body []byte) (peal.Event, error)

	// MakeSecret makes a new secret; nil for 256 random bits in base64 for URLs.
	MakeSecret func() string
	// AcceptSecret checks a secret that is not empty; nil to take any text of up to
	// [MaxSecret] bytes. Its errors are *[peal.Error] of code Invalid with the field "secret".
	AcceptSecret func(secret string) error
	// Variables names the operator's variables that the format sends; a webhook that may
	// not use all of them cannot have the format.
	Variables []string
	// Confidential names the headers of the format whose values no record may show.
	Confidential []string

	scheme *scheme // how it signs, for [Diagnose]; nil when it does not
}

// Owns reports whether a header is one of those that the format sets, other than
// Content-Type: receivers verify and identify deliveries by them, so that a webhook's
// extra headers must not replace them.
func (f *Format) Owns(header string) bool {
	return !strings.EqualFold(header, "Content-Type") && (strings.EqualFold(header, f.SignatureHeader) ||
		slices.ContainsFunc(f.Headers, func(own string) bool { return strings.EqualFold(header, own) }))
}

// clone returns a copy that shares no memory which its holder could change.
func (f *Format) clone() *Format {
	c := *f
	c.Headers, c.Variables, c.Confidential = slices.Clone(f.Headers), slices.Clone(f.Variables), slices.Clone(f.Confidential)
	if f.RetryPolicy != nil {
		policy := *f.RetryPolicy
		policy.Delays = slices.Clone(policy.Delays)
		c.RetryPolicy = &policy
	}
	return &c
}
