// Package custom creates formats from definitions in the operator's configuration: a body as a jq
// program, headers as templates, and a signature.
//
// A definition is tested when it is read. A program that does not compile, does not end or does not
// return a single value, and an unknown name, are errors with the wrong field. A failure caused by
// the data of an event only affects its delivery.
package custom

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// Definition describes a format in the configuration.
type Definition struct {
	// Name identifies the format in webhooks: 1 to 64 of a-z, 0-9 and "-", different from all other
	// formats.
	Name string
	// Title is the displayed name; "" for Name.
	Title string
	// Body is a jq program. Its input is an object: event, webhook, delivery_id and timestamp (unix
	// seconds). It returns one value, which is the JSON of the body.
	Body string
	// BodyRaw means that the program returns a string, which is the body itself.
	BodyRaw bool
	// ContentType is the value of Content-Type; "" for application/json.
	ContentType string
	// Headers are additional headers. Their values may contain {{NAME}}, see [New].
	Headers map[string]string
	// Signature describes how requests are signed; nil for unsigned requests.
	Signature *Signature
	// RetryPolicy is the default of webhooks with this format; nil for the deployment's default.
	RetryPolicy *peal.RetryPolicy
}

// NewAll creates formats with distinct names. The field of an error starts with the position of the
// definition, such as "formats[1].body".
func NewAll(definitions []Definition, variables map[string]string) ([]*wire.Format, error) {
	formats := make([]*wire.Format, 0, len(definitions))
	names := make(map[string]int, len(definitions))
	for i, d := range definitions {
		place := "formats[" + strconv.Itoa(i) + "]."
		if first, twice := names[d.Name]; twice {
			return nil, peal.Invalidf(place+"name", "is also the name of formats[%d]; each format needs a distinct name", first)
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

// New creates a format. NAME in {{NAME}} in the value of a header is event.id, event.type,
// event.time, event.tenant, webhook.id, delivery_id, timestamp (unix seconds of the attempt) or the
// name of a variable. The values of variables stay confidential.
//
// Errors are *[peal.Error] with code [peal.Invalid] and the field, such as "body" or
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
		return peal.Invalidf("name", "is the name of a built-in format; use another, such as my-%s", name)
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
			return peal.Invalidf(field, "may not be set here; use content_type")
		}
		value, err := parseTemplate(field, d.Headers[name], values, variables)
		if err != nil {
			return err
		}
		f.headers = append(f.headers, header{name: canonicalName(name), value: value, confidential: value.confidential()})
	}
	return nil
}

// format is a compiled definition.
type format struct {
	name    string
	body    *body
	headers []header
	signer  *signer // nil for unsigned requests
}

func (f *format) encode(in *wire.Input) (http.Header, []byte, error) {
	body, err := f.body.encode(in)
	if err != nil {
		if e, ok := err.(*peal.Error); ok {
			return nil, nil, peal.Fault("format", message.FormatBody, f.name, e.At(""))
		}
		return nil, nil, err
	}
	value := func(name string) string { return values[name].get(in) }
	headers := make(http.Header, len(f.headers)+3)
	for _, h := range f.headers {
		headers[h.name] = []string{h.value.fill(value)}
	}
	if f.signer != nil {
		signature, err := f.signer.sign(in, body)
		if err != nil {
			return nil, nil, err
		}
		headers[f.signer.header] = []string{signature}
	}
	return headers, body, nil
}

// body encodes the bodies of a format.
type body struct {
	program *match.Program
	raw     bool
	// text reports whether the program uses the event's data as published.
	text bool
}

// maxBody is the maximum length of a program, in bytes.
const maxBody = 64 << 10

func newBody(text string, raw bool) (*body, error) {
	if strings.TrimSpace(text) == "" {
		return nil, peal.Invalidf("body", `is missing; use a jq program such as {type: .event.type, data: .event.data}`)
	}
	if len(text) > maxBody {
		return nil, peal.Fault("body", message.TooManyBytes, len(text), maxBody)
	}
	program, err := match.CompileProgram("body", text, match.DefaultLimits())
	if err != nil {
		return nil, err
	}
	b := &body{program: program, raw: raw, text: strings.Contains(text, "data_text")}
	input, err := b.input(sample())
	if err != nil {
		return nil, err
	}
	if err := program.Probe(context.Background(), input, raw); err != nil {
		return nil, peal.Invalidf("body", "cannot be used: tried on a sample event with the data {}, it %s",
			err.(*peal.Error).Message)
	}
	return b, nil
}

// encode runs the program. Like a transform, it waits for a turn of the event's tenant.
func (b *body) encode(in *wire.Input) ([]byte, error) {
	ctx := in.Context
	if ctx == nil {
		ctx = context.Background()
	}
	purse := match.NewPurse(ctx, context.Background(), in.Event.Tenant).Patient()
	defer purse.Close()
	input := &match.Input{
		Texts: []json.RawMessage{in.Event.Data, in.Webhook.ExtraPayload},
		Make:  func() (map[string]any, error) { return b.input(in) },
	}
	if !b.raw {
		return b.program.JSON(purse, input)
	}
	text, err := b.program.Text(purse, input)
	return []byte(text), err
}

// input returns the input of the program. It contains neither secrets nor headers of the webhook.
func (b *body) input(in *wire.Input) (map[string]any, error) {
	event, err := match.EventInput(in.Event)
	if err != nil {
		return nil, peal.Fault("body", message.EventUnreadable, err)
	}
	event["id"] = eventID(in)
	if b.text {
		event["data_text"] = string(in.Event.Data)
	}
	w := in.Webhook
	patterns := make([]any, len(w.Events))
	for i, pattern := range w.Events {
		patterns[i] = pattern
	}
	var extra any
	if w.ExtraPayload != nil {
		decoder := json.NewDecoder(strings.NewReader(string(w.ExtraPayload)))
		decoder.UseNumber()
		if err := decoder.Decode(&extra); err != nil {
			return nil, peal.Invalidf("body", "cannot read the webhook's extra payload: %v", err)
		}
	}
	return map[string]any{
		"event": event,
		"webhook": map[string]any{
			"id": w.ID.String(), "tenant": w.Tenant, "url": w.URL, "events": patterns,
			"uuid": w.UUID, "description": w.Description, "extra_payload": extra,
		},
		"delivery_id": in.DeliveryID.String(),
		timeName:      int(in.Time.Unix()),
	}, nil
}

// sample returns the input for testing a definition.
func sample() *wire.Input {
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	key := peal.NewEventKey()
	return &wire.Input{
		Event: &peal.Event{
			Key: key, ID: key.String(), Tenant: peal.DefaultTenant, Type: "sample.event", Subject: "sample",
			Time: peal.TimestampOf(at), Data: json.RawMessage(`{}`),
		},
		Webhook: &peal.Webhook{ID: peal.NewWebhookID(), Tenant: peal.DefaultTenant, URL: "https://example.com/hook",
			Events: []string{"*"}},
		DeliveryID: peal.NewDeliveryID(),
		Time:       at,
	}
}
