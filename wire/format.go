package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// Format is one way of putting an event on the wire, and of reading it back. The
// formats of this package are shared by the whole program: nobody changes them. An
// application may make its own and use its methods in the same way.
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

// formats is filled while the package is initialised, by the variable of each
// format's file, and only read afterwards.
var formats = make(map[string]*Format)

func register(f *Format) *Format {
	if formats[f.Name] != nil {
		panic("wire: two formats are named " + f.Name)
	}
	formats[f.Name] = f
	return f
}

// Lookup finds a format by its name.
func Lookup(name string) (*Format, bool) {
	f, ok := formats[name]
	return f, ok
}

// Formats lists all formats, sorted by name.
func Formats() []*Format {
	list := make([]*Format, 0, len(formats))
	for _, f := range formats {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *Format) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func lookup(name string) (*Format, error) {
	if f, ok := formats[name]; ok {
		return f, nil
	}
	names := make([]string, 0, len(formats))
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return nil, peal.Invalidf("format", "is none that exists: choose one of %s", strings.Join(names, ", "))
}
