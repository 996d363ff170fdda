package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// Format defines how events are encoded as requests and decoded. [Lookup] and [Formats] return
// copies of the built-in ones; an application can define its own.
type Format struct {
	// Name identifies the format, such as "standard".
	Name string
	// Title is the displayed name.
	Title string
	// Secrets defines whether the format signs.
	Secrets SecretUse
	// SignatureHeader is the header with the signature; "" for none.
	SignatureHeader string
	// Headers lists the names of the headers set by the format, in their spelling on the wire.
	Headers []string
	// ExtraPayload reports whether the format merges the webhook's extra payload into the body.
	ExtraPayload bool
	// Handshake reports whether receivers can be asked for their consent (CloudEvents web hooks
	// specification, section 4).
	Handshake bool
	// RetryPolicy is the default for webhooks with this format, unless the tenant has its own; nil
	// for the deployment's default.
	RetryPolicy *peal.RetryPolicy

	// Encode returns the headers and the body of the format. [Format.Request] adds the other
	// headers.
	Encode func(in *Input) (http.Header, []byte, error)
	// Verify verifies a received request; nil if there is nothing to verify. For a format without a
	// signature the secrets are the expected values of the Authorization header. Errors are of type
	// *[VerifyError].
	Verify func(header http.Header, body []byte, secrets []string, options VerifyOptions) error
	// Decode decodes a request to an event: type, subject, time, data, and as ID the sender's ID of
	// the delivery or event, if any. The data may share memory with the body. Decode does not
	// verify. It is nil if requests of the format lack the necessary information. Errors are
	// *[peal.Error] with code Invalid.
	Decode func(header http.Header, body []byte) (peal.Event, error)

	// MakeSecret creates a secret; nil for 256 random bits in URL-safe base64.
	MakeSecret func() string
	// AcceptSecret checks a non-empty secret; nil to accept any text of up to [MaxSecret] bytes.
	// Errors are *[peal.Error] with code Invalid and the field "secret".
	AcceptSecret func(secret string) error
	// Variables lists the operator's variables in the format; a webhook must be allowed to use all
	// of them.
	Variables []string
	// Confidential lists the headers of the format with values that must not appear in records.
	Confidential []string

	scheme *scheme // for [Diagnose]; nil without a signature
}

// Owns reports whether the format sets a header other than Content-Type. A webhook's extra headers
// must not replace these headers, because receivers use them to verify and identify deliveries.
func (f *Format) Owns(header string) bool {
	return !strings.EqualFold(header, "Content-Type") && (strings.EqualFold(header, f.SignatureHeader) ||
		slices.ContainsFunc(f.Headers, func(own string) bool { return strings.EqualFold(header, own) }))
}

// clone returns a copy without shared mutable memory.
func (f *Format) clone() *Format {
	c := *f
	c.Headers, c.Variables, c.Confidential = slices.Clone(f.Headers), slices.Clone(f.Variables),
		slices.Clone(f.Confidential)
	if f.RetryPolicy != nil {
		policy := *f.RetryPolicy
		policy.Delays = slices.Clone(policy.Delays)
		c.RetryPolicy = &policy
	}
	return &c
}
