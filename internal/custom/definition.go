package custom

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// Definition is a format as an operator describes it.
type Definition struct {
	// Name is what webhooks call it: 1 to 64 of a-z, 0-9 and "-", none that exists.
	Name string
	// Title is what people call it; "" for the name.
	Title string
	// Body is a jq program. Its input is an object: event, webhook, delivery_id and
	// timestamp (unix seconds). It gives one value, which is the body's JSON.
	Body string
	// BodyRaw makes the program give a string, which is the body as it is.
	BodyRaw bool
	// ContentType is the header of that name; "" for application/json.
	ContentType string
	// Headers are sent too. Their values may hold {{NAME}}: see [New].
	Headers map[string]string
	// Signature says how requests are signed; nil for not at all.
	Signature *Signature
	// RetryPolicy is that of webhooks that have none of their own; nil for the deployment's.
	RetryPolicy *peal.RetryPolicy
}

// NewAll makes formats, each under a name of its own. The field of an error begins
// with its place, such as "formats[1].body".
func NewAll(definitions []Definition, variables map[string]string) ([]*wire.Format, error) {
	formats := make([]*wire.Format, 0, len(definitions))
	names := make(map[string]int, len(definitions))
	for i, d := range definitions {
		place := "formats[" + strconv.Itoa(i) + "]."
		if first, twice := names[d.Name]; twice {
			return nil, peal.Invalidf(place+"name", "is that of formats[%d] too: give each format a name of its own", first)
		}
		names[d.Name] = i
		format, err := New(d, variables)
		if err != nil {
			moved := *err.(*peal.Error)
			moved.Field = place + moved.Field
			return nil, &moved
		}
		formats = append(formats, format)
	}
	return formats, nil
}

// New makes the format. {{NAME}} in a header's value stands for event.id, event.type,
// event.time, event.tenant, webhook.id, delivery_id, timestamp (unix seconds of the
// attempt) or one of the variables, which stay confidential.
//
// Its errors are *[peal.Error] of code Invalid with the field, such as "body" or
// "signature.header".
func New(d Definition, variables map[string]string) (*wire.Format, error) {
	if err := checkName(d.Name); err != nil {
		return nil, err
	}
	f := &format{name: d.Name}
	var err error
	if f.body, err = newBody(d.Body, d.BodyRaw); err != nil {
		return nil, err
	}
	if err := f.addHeaders(&d, variables); err != nil {
		return nil, err
	}
	made := &wire.Format{
		Name: d.Name, Title: d.Title, Secrets: wire.SecretNone, RetryPolicy: d.RetryPolicy,
		ExtraPayload: strings.Contains(d.Body, "extra_payload"), Encode: f.encode,
	}
	if made.Title == "" {
		made.Title = d.Name
	}
	for _, h := range f.headers {
		made.Headers = append(made.Headers, h.name)
		for _, variable := range h.value.variables() {
			if !slices.Contains(made.Variables, variable) {
				made.Variables = append(made.Variables, variable)
			}
		}
		if h.confidential {
			made.Confidential = append(made.Confidential, h.name)
		}
	}
	if d.RetryPolicy != nil {
		if err := d.RetryPolicy.Validate(); err != nil {
			return nil, err
		}
	}
	if d.Signature == nil {
		return made, nil
	}
	if f.signer, err = newSigner(d.Signature, f.headers); err != nil {
		return nil, err
	}
	made.Secrets, made.SignatureHeader = wire.SecretAlways, f.signer.header
	made.Headers = append(made.Headers, f.signer.header)
	made.MakeSecret, made.AcceptSecret = f.signer.makeSecret, f.signer.acceptSecret
	if f.signer.verifiable() {
		made.Verify = f.signer.verify
	}
	return made, nil
}

func checkName(name string) error {
	const longest = 64
	valid := name != "" && len(name) <= longest && name[0] != '-'
	for i := range len(name) {
		c := name[i]
		valid = valid && (c-'a' <= 25 || c-'0' <= 9 || c == '-')
	}
	if !valid {
		return peal.Invalidf("name", "must be 1 to %d of a-z, 0-9 and -, such as ticket-system", longest)
	}
	if _, exists := wire.Lookup(name); exists {
		return peal.Invalidf("name", "is that of a built-in format: choose another, such as my-%s", name)
	}
	return nil
}

// addHeaders compiles the headers, Content-Type first.
func (f *format) addHeaders(d *Definition, variables map[string]string) error {
	contentType := d.ContentType
	if contentType == "" {
		contentType = "application/json"
	}
	if _, _, err := mime.ParseMediaType(contentType); err != nil || strings.Contains(contentType, "{{") {
		return peal.Invalidf("content_type", "must be a media type, such as application/json or text/plain; charset=utf-8")
	}
	if err := peal.ValidateHeaders(map[string]string{"Content-Type": contentType}); err != nil {
		return peal.Invalidf("content_type", "%s", err.(*peal.Error).Message)
	}
	if err := peal.ValidateHeaders(d.Headers); err != nil {
		return err
	}
	f.headers = []header{{name: "Content-Type", value: literal(contentType)}}
	for _, name := range sortedNames(d.Headers) {
		field := "headers." + name
		if strings.EqualFold(name, "Content-Type") {
			return peal.Invalidf(field, "may not be set here: use content_type")
		}
		value, err := parseTemplate(field, d.Headers[name], values, variables)
		if err != nil {
			return err
		}
		f.headers = append(f.headers, header{name: spelled(name), value: value, confidential: value.confidential()})
	}
	return nil
}

// spelled gives the names that others look for in one spelling; the rest stay as
// they were written.
func spelled(name string) string {
	for _, known := range []string{"User-Agent", "Authorization", "Accept-Encoding"} {
		if strings.EqualFold(name, known) {
			return http.CanonicalHeaderKey(known)
		}
	}
	return name
}
