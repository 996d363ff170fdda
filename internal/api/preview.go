package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
)

// previewInput selects what to preview.
type previewInput struct {
	Event   given[previewedEvent] `json:"event,omitempty" doc:"An event, as it would be published."`
	Type    given[string]         `json:"type,omitempty" format:"event-type" doc:"The catalogue's example of this type."`
	Last    given[int]            `json:"last,omitempty" minimum:"1" maximum:"50" doc:"The number of the tenant's newest events to preview."`
	Webhook given[WebhookInput]   `json:"webhook,omitempty" doc:"Settings to try in place of the webhook's, as in a change of it; nothing is saved."`
}

// previewedEvent is the text of an event; [peal.ParseEvent] reads it.
type previewedEvent []byte

func (e *previewedEvent) decodeJSON(_ *decoder, _ string, text []byte) { *e = bytes.Clone(text) }

// Schema returns the schema of a published event.
func (previewedEvent) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[eventInput](), true, "")
}

// previewsShape has one preview for each event.
type previewsShape struct {
	Data []previewShape `json:"data" nullable:"false" doc:"One for each event, newest first."`
}

// previewShape is the outcome of an event for a webhook, with the request.
type previewShape struct {
	Event       previewedEventShape             `json:"event"`
	Matches     bool                            `json:"matches" doc:"Whether the patterns and the filter of the webhook match the event. A disabled webhook gets no events even so."`
	Pattern     bool                            `json:"pattern" doc:"Whether its patterns match the event's type."`
	Filter      *bool                           `json:"filter" doc:"Whether its filter matches the event; null without one."`
	FilterError *string                         `json:"filter_error" doc:"Why the filter failed, which counts as no match; null otherwise."`
	Request     optional[previewedRequestShape] `json:"request" doc:"The request of a first attempt made now, whether or not the webhook matches; null if error is set."`
	Error       *string                         `json:"error" doc:"Why the event cannot become a request, so that a delivery would fail at once; null otherwise."`
}

type previewedEventShape struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject" doc:"What the event is about; may be empty."`
	Time    string `json:"time" format:"date-time"`
}

type previewedRequestShape struct {
	URL        string        `json:"url"`
	Headers    []headerShape `json:"headers" nullable:"false" doc:"The headers as they would be sent, with the real signature; secrets are hidden."`
	Body       *string       `json:"body" doc:"The exact body if it is UTF-8; null otherwise."`
	BodyBase64 *string       `json:"body_base64" encoding:"base64" doc:"The exact body if it is not UTF-8; null otherwise."`
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

// mayPreview refuses a choice that would show a guest a hidden part: the tenant's events, or the
// examples of the catalogue.
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
		Event: previewedEventShape{ID: p.Event.ID, Type: p.Event.Type, Subject: p.Event.Subject,
			Time: p.Event.Time.String()},
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

type testInput struct {
	Type given[string]          `json:"type,omitempty" format:"event-type" doc:"The type of the sample event; if absent, the first in the catalogue to which the webhook subscribes."`
	Data given[json.RawMessage] `json:"data,omitempty" doc:"The content of the sample event; the example of the type if absent."`
}

// testResultShape is the result of a test.
type testResultShape struct {
	DeliveryID peal.DeliveryID `json:"delivery_id"`
	Success    bool            `json:"success" doc:"Whether the endpoint accepted it."`
	Attempt    attemptShape    `json:"attempt"`
	Warnings   []string        `json:"warnings" nullable:"false" doc:"What will prevent requests from arriving unless it is corrected."`
}

func (a *API) testWebhook(c *call) error {
	var in testInput
	if err := c.readOptional(&in); err != nil {
		return err
	}
	if in.Type.Given && in.Type.Value == "" {
		return peal.ValidateType("")
	}
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	delivery, attempt, err := a.webhooks.Test(c.context(), c.actor(), c.tenant, webhook.ID, in.Type.Value, in.Data.Value)
	if err != nil {
		return err
	}
	return c.json(200, testResultShape{DeliveryID: delivery.ID, Success: attempt.Succeeded(),
		Attempt: c.attemptOf(&attempt), Warnings: c.warnings(&webhook)})
}
