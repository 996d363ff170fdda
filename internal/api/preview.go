package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
)

// previewInput says what to preview.
type previewInput struct {
	Event   given[previewedEvent] `json:"event,omitempty" doc:"An event of your own, as it would be published."`
	Type    given[string]         `json:"type,omitempty" format:"event-type" doc:"The catalogue's example of this type."`
	Last    given[int]            `json:"last,omitempty" minimum:"1" maximum:"50" doc:"The tenant's newest events, so many."`
	Webhook given[WebhookInput]   `json:"webhook,omitempty" doc:"Settings to try in place of the webhook's own, as in a change of it; nothing is saved."`
}

// previewedEvent is the text of an event; [peal.ParseEvent] reads it.
type previewedEvent []byte

func (e *previewedEvent) decodeJSON(_ *decoder, _ string, text []byte) { *e = bytes.Clone(text) }

// Schema is that of a published event.
func (previewedEvent) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[eventInput](), true, "")
}

// previewsShape is what a webhook would do with each of the events.
type previewsShape struct {
	Data []previewShape `json:"data" nullable:"false" doc:"One for each event, newest first."`
}

// previewShape is what a webhook would do with an event.
type previewShape struct {
	Event       previewedEventShape             `json:"event"`
	Matches     bool                            `json:"matches" doc:"Whether the webhook gets the event: its patterns match and its filter does. A disabled webhook gets none all the same."`
	Pattern     bool                            `json:"pattern" doc:"Whether its patterns match the event's type."`
	Filter      *bool                           `json:"filter" doc:"Whether its filter lets the event through; null without one."`
	FilterError *string                         `json:"filter_error" doc:"Why the filter failed, which counts as no match; null otherwise."`
	Request     optional[previewedRequestShape] `json:"request" doc:"The request of a first attempt made now, whether or not the webhook matches; null with error."`
	Error       *string                         `json:"error" doc:"Why no request can be made from the event; a delivery would fail at once. Null otherwise."`
}

type previewedEventShape struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject" doc:"What it happened to; may be empty."`
	Time    string `json:"time" format:"date-time"`
}

type previewedRequestShape struct {
	URL        string        `json:"url"`
	Headers    []headerShape `json:"headers" nullable:"false" doc:"As they would be sent, the real signature among them; secrets are hidden."`
	Body       *string       `json:"body" doc:"The exact body where it is UTF-8; null where it is not."`
	BodyBase64 *string       `json:"body_base64" encoding:"base64" doc:"The exact body where it is not UTF-8; null where it is."`
}

func (a *API) previewWebhook(c *call) error {
	var in previewInput
	if err := c.readOptional(&in); err != nil {
		return err
	}
	choice, err := in.choice()
	if err != nil {
		return err
	}
	if err := c.mayPreview(&choice); err != nil {
		return err
	}
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	var change managing.Change
	if in.Webhook.Given {
		format, err := a.Engine.DefaultFormat(c.context(), c.tenant)
		if err != nil {
			return err
		}
		change = func(w *peal.Webhook) error {
			in.Webhook.Value.apply(w, format, a.Engine)
			return nil
		}
	}
	if webhook, err = a.webhooks.Try(c.context(), c.actor(), webhook, change); err != nil {
		return inEvent(err, "webhook.")
	}
	previews, err := a.Engine.Preview(c.context(), &webhook, choice)
	if err != nil {
		return err
	}
	shape := previewsShape{Data: make([]previewShape, len(previews))}
	for i := range previews {
		shape.Data[i] = previewOf(&previews[i], webhook.Filter != "")
	}
	return c.json(200, shape)
}

// mayPreview refuses a choice that shows a guest a part that is hidden: the tenant's events, or
// the catalogue's examples.
func (c *call) mayPreview(choice *dispatch.PreviewChoice) error {
	switch {
	case choice.Event != nil:
		return nil
	case choice.Last != 0:
		return c.mustSee(peal.PartEvents)
	}
	return c.mustSee(peal.PartCatalogue)
}

func (in *previewInput) choice() (dispatch.PreviewChoice, error) {
	choice := dispatch.PreviewChoice{Type: in.Type.Value, Last: in.Last.Value}
	switch {
	case in.Type.Given && choice.Type == "":
		return choice, peal.ValidateType("")
	case in.Last.Given && choice.Last == 0:
		return choice, faults{{Location: "body.last", Message: "must be from 1 to 50"}}
	case in.Event.Given:
		event, err := peal.ParseEvent(in.Event.Value)
		if err != nil {
			var e *peal.Error
			if errors.As(err, &e) && e.Field == "" {
				return choice, faults{{Location: "body.event", Message: e.Message}}
			}
			return choice, inEvent(err, "event.")
		}
		choice.Event = &event
	}
	return choice, nil
}

func previewOf(p *dispatch.Preview, filters bool) previewShape {
	shape := previewShape{
		Event:   previewedEventShape{ID: p.Event.ID, Type: p.Event.Type, Subject: p.Event.Subject, Time: p.Event.Time.String()},
		Matches: p.Matches(), Pattern: p.Pattern,
	}
	if filters {
		shape.Filter = &p.Filter
	}
	if p.FilterError != nil {
		shape.FilterError = ptr(peal.NewFilterError(peal.WebhookID{}, p.FilterError).Message)
	}
	if p.Error != nil {
		shape.Error = ptr(p.Error.Error())
		return shape
	}
	request := previewedRequestShape{URL: p.URL, Headers: headersOf(p.Head)}
	if utf8.Valid(p.Body) {
		request.Body = ptr(string(p.Body))
	} else {
		request.BodyBase64 = ptr(base64.StdEncoding.EncodeToString(p.Body))
	}
	shape.Request = some(request)
	return shape
}
