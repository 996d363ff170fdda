package custom

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/wire"
)

// format is a definition ready for use.
type format struct {
	name    string
	body    *body
	headers []header
	signer  *signer // nil when it does not sign
}

type header struct {
	name         string
	value        template
	confidential bool
}

func (f *format) encode(in *wire.Input) (http.Header, []byte, error) {
	body, err := f.body.encode(in)
	if err != nil {
		if e, ok := err.(*peal.Error); ok {
			return nil, nil, peal.Invalidf("format", "%s has no body for this event: its program %s", f.name, e.Message)
		}
		return nil, nil, err
	}
	value := func(name string) string { return values[name].of(in) }
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

// body makes the bodies of a format.
type body struct {
	program *match.Program
	raw     bool
	// text is whether the program wants the event's data as it was published.
	text bool
}

// maxBody is the longest program of a body, in bytes.
const maxBody = 64 << 10

func newBody(text string, raw bool) (*body, error) {
	if strings.TrimSpace(text) == "" {
		return nil, peal.Invalidf("body", `is missing: give a jq program, such as {type: .event.type, data: .event.data}`)
	}
	if len(text) > maxBody {
		return nil, peal.Invalidf("body", "is %d bytes, at most %d are allowed", len(text), maxBody)
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
		return nil, peal.Invalidf("body", "cannot be used: tried on a sample event with the data {}, it %s", err.(*peal.Error).Message)
	}
	return b, nil
}

// encode runs the program, which waits for its turn as the transforms of the event's tenant do.
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

// input is what the program sees. Secrets and the headers of the webhook are not in it.
func (b *body) input(in *wire.Input) (map[string]any, error) {
	event, err := match.EventInput(in.Event)
	if err != nil {
		return nil, peal.Invalidf("body", "cannot read the event's data: %v", err)
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

// sample is an input that stands for others when a definition is read.
func sample() *wire.Input {
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	key := peal.NewEventKey()
	return &wire.Input{
		Event: &peal.Event{
			Key: key, ID: key.String(), Tenant: peal.DefaultTenant, Type: "sample.event", Subject: "sample",
			Time: peal.TimestampOf(at), Data: json.RawMessage(`{}`),
		},
		Webhook:    &peal.Webhook{ID: peal.NewWebhookID(), Tenant: peal.DefaultTenant, URL: "https://example.com/hook", Events: []string{"*"}},
		DeliveryID: peal.NewDeliveryID(),
		Time:       at,
	}
}
