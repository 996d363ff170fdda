package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// formatsName is the name of the list of formats in the file. It has no variable and no flag.
const formatsName = "formats"

// Format is an entry of "formats" in the file.
type Format struct {
	// Name is the name by which webhooks refer to it.
	Name        string
	Title       string
	Body        string
	BodyRaw     bool
	ContentType string
	Headers     map[string]string
	Signature   *FormatSignature // nil when the entry has none
	// Policy changes the deployment's retry policy into the format's; nil when the
	// entry has none.
	Policy func(inherited peal.RetryPolicy) peal.RetryPolicy

	rows []Setting // as config print shows them
	text string    // as in the file, for comparison
}

// FormatSignature is how an entry of "formats" signs; "" is the default of each.
type FormatSignature struct {
	Header, Algorithm, Encoding, Prefix, Content, SecretEncoding string
}

// FormatField is a name that an entry of "formats" may have.
type FormatField struct {
	Name string // such as signature.header
	Doc  string
	read func(r *formatReader, v place) error
}

// formatReader reads one entry of "formats".
type formatReader struct {
	*item
	into *Format
}

// FormatFields are the names that an entry of "formats" may have, in the order of
// the page that describes them.
func FormatFields() []FormatField {
	text := func(at func(f *Format) *string) func(*formatReader, place) error {
		return func(r *formatReader, v place) (err error) {
			*at(r.into), err = r.text(v)
			return err
		}
	}
	signature := func(at func(s *FormatSignature) *string) func(*formatReader, place) error {
		return text(func(f *Format) *string { return at(f.Signature) })
	}
	return []FormatField{
		{Name: "name", Doc: "The name by which webhooks refer to it: 1 to 64 of `a-z`, `0-9` and `-`; not the name of a built-in format.",
			read: text(func(f *Format) *string { return &f.Name })},
		{Name: "title", Doc: "A title for people; the name if absent.",
			read: text(func(f *Format) *string { return &f.Title })},
		{Name: "body", Doc: "A jq program that returns the body: one JSON value for each event.",
			read: text(func(f *Format) *string { return &f.Body })},
		{Name: "body_raw", Doc: "`true`: the program returns a string, which is the body as it is.",
			read: (*formatReader).bodyRaw},
		{Name: "content_type", Doc: "The header `Content-Type`; `application/json` if absent.",
			read: text(func(f *Format) *string { return &f.ContentType })},
		{Name: "headers", Doc: "Headers and their values, which may hold `{{event.id}}`, `{{event.type}}`, `{{event.time}}`, `{{event.tenant}}`, `{{webhook.id}}`, `{{delivery_id}}`, `{{timestamp}}` and the `variables`.",
			read: func(r *formatReader, v place) (err error) { r.into.Headers, err = r.headers(v); return err }},
		{Name: "signature.header", Doc: "The header that carries the signature. Without `signature`, requests are not signed.",
			read: signature(func(s *FormatSignature) *string { return &s.Header })},
		{Name: "signature.algorithm", Doc: "`sha256` (the default), `sha512` or `sha1`, as HMAC; or `ed25519`.",
			read: signature(func(s *FormatSignature) *string { return &s.Algorithm })},
		{Name: "signature.encoding", Doc: "`hex` (the default), `base64` or `base64url` (without padding).",
			read: signature(func(s *FormatSignature) *string { return &s.Encoding })},
		{Name: "signature.prefix", Doc: "Text before the signature, such as `sha256=` or `t={{timestamp}},v1=`.",
			read: signature(func(s *FormatSignature) *string { return &s.Prefix })},
		{Name: "signature.content", Doc: "The signed content, such as `{{id}}.{{timestamp}}.{{body}}`; `{{body}}` if absent.",
			read: signature(func(s *FormatSignature) *string { return &s.Content })},
		{Name: "signature.secret_encoding", Doc: "How a secret becomes the key: `raw` (its bytes, the default), `base64` or `hex`. With `ed25519`: `base64` (the default) or `hex`.",
			read: signature(func(s *FormatSignature) *string { return &s.SecretEncoding })},
		{Name: "retry_policy", Doc: "`delays_seconds` (a list), `jitter`, `disable_after_exhausted`, `disable_after_seconds` of its webhooks; absent ones are the server's.",
			read: func(r *formatReader, v place) (err error) { r.into.Policy, err = r.policy(v); return err }},
	}
}

// formats reads the whole list.
func (f *file) formats(list *yaml.Node) error {
	return f.items(formatsName, list, func(p place) (string, error) {
		r := formatReader{item: &item{file: f, kind: "a format"}, into: new(Format)}
		if err := r.read(p); err != nil {
			return "", err
		}
		f.into.Formats = append(f.into.Formats, *r.into)
		return r.into.Name, nil
	})
}

func (r *formatReader) read(p place) error {
	const group = "signature"
	fields := make(map[string]func(place) error)
	signature := make(map[string]func(place) error)
	for _, field := range FormatFields() {
		into, name := fields, field.Name
		if inner, ok := strings.CutPrefix(name, group+"."); ok {
			into, name = signature, inner
		}
		into[name] = func(v place) error { return field.read(r, v) }
	}
	fields[group] = func(v place) error {
		r.into.Signature = new(FormatSignature)
		return r.mapping(v, "how requests are signed", signature)
	}
	if err := r.mapping(p, "the settings of a format", fields); err != nil {
		return err
	}
	text, err := yaml.Marshal(p.Node)
	r.into.rows, r.into.text = r.rows, string(text)
	return err
}

func (r *formatReader) bodyRaw(v place) (err error) {
	r.into.BodyRaw, err = strconv.ParseBool(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil {
		return r.wrong(v, "must be true or false")
	}
	return nil
}
