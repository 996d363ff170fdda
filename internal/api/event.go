package api

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

var typeParam = param{"type", "Only events of this type.", huma.Schema{Type: "string", Format: ruleType}}

// eventRowShape is an event in a list.
type eventRowShape struct {
	ID         string `json:"id" doc:"The publisher's own id, or the one that was chosen."`
	Type       string `json:"type"`
	Subject    string `json:"subject" doc:"What it happened to; empty when the publisher did not say."`
	Time       string `json:"time" format:"date-time" doc:"When it happened, as its publisher wrote it."`
	AcceptedAt string `json:"accepted_at" format:"date-time" doc:"When it was accepted."`
	Size       int    `json:"size" doc:"The size of its data in bytes." minimum:"0"`
}

// eventShape is an event with everything.
type eventShape struct {
	ID               string             `json:"id" doc:"The publisher's own id, or the one that was chosen."`
	Type             string             `json:"type"`
	Subject          string             `json:"subject" doc:"What it happened to; empty when the publisher did not say."`
	Time             string             `json:"time" format:"date-time" doc:"When it happened, as its publisher wrote it."`
	AcceptedAt       string             `json:"accepted_at" format:"date-time" doc:"When it was accepted."`
	Size             int                `json:"size" doc:"The size of its data in bytes." minimum:"0"`
	Deliveries       []DeliveryShape    `json:"deliveries" nullable:"false" doc:"Its deliveries, newest first; at most 200."`
	DeliveriesCursor *string            `json:"deliveries_cursor" doc:"Where GET /v1/deliveries?event=… goes on when there are more; null otherwise."`
	FilterErrors     []filterErrorShape `json:"filter_errors" nullable:"false" maxItems:"20" doc:"The webhooks whose filters failed on the event, which counts as no match; at most 20."`
	Data             json.RawMessage    `json:"data" doc:"Its content, byte for byte as it was published."`
}

// filterErrorShape is a webhook whose filter failed on an event.
type filterErrorShape struct {
	WebhookID peal.WebhookID `json:"webhook_id"`
	Error     string         `json:"error" doc:"What failed, at most 500 bytes."`
}

// timeLayout is how the API writes times: RFC 3339 in UTC with microseconds.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func timeText(t time.Time) string { return t.UTC().Format(timeLayout) }

// timeOrNil gives nil for the zero time.
func timeOrNil(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return ptr(timeText(t))
}

func eventRow(e *peal.Event) eventRowShape {
	return eventRowShape{
		ID: e.ID, Type: e.Type, Subject: e.Subject, Time: e.Time.String(),
		AcceptedAt: timeText(e.AcceptedAt()), Size: len(e.Data),
	}
}

func (a *API) listEvents(c *call) error {
	q := c.query()
	choice := peal.EventQuery{Tenant: c.tenant, Since: q.time("since"), Until: q.time("until")}
	choice.Type = parsed(q, "type", func(text string) (string, error) { return text, peal.ValidateType(text) })
	limit, cursor := q.limit(), q.cursor(eventList)
	text, bySearch := q.text("text")
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if choice.Before, err = idOrZero(cursor, peal.ParseEventKey); err != nil {
		return err
	}
	if bySearch {
		return a.searchEvents(c, q, text, choice, limit)
	}
	choice.Limit = limit + 1
	rows, err := a.Store.Events(c.context(), choice)
	if err != nil {
		return err
	}
	return c.json(200, page(eventList, rows, limit, eventRow, func(e *peal.Event) string { return e.Key.String() }))
}

// idOrZero reads the id in a cursor that has been checked; "" gives the zero id.
func idOrZero[ID any](text string, parse func(string) (ID, error)) (ID, error) {
	var zero ID
	if text == "" {
		return zero, nil
	}
	return parse(text)
}

func (a *API) getEvent(c *call) error {
	event, err := a.pathEvent(c)
	if err != nil {
		return err
	}
	var rows []peal.Delivery
	if c.caller.Sees(peal.PartDeliveries) {
		if rows, err = a.Store.Deliveries(c.context(), peal.DeliveryQuery{Tenant: c.tenant, EventKey: event.Key, Limit: maxLimit + 1}); err != nil {
			return err
		}
	}
	failures, err := a.Store.FilterErrors(c.context(), c.tenant, event.Key)
	if err != nil {
		return err
	}
	deliveries := page(deliveryList, rows, maxLimit, deliveryRow, deliveryName)
	row := eventRow(&event)
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(eventShape{
		ID: row.ID, Type: row.Type, Subject: row.Subject, Time: row.Time, AcceptedAt: row.AcceptedAt, Size: row.Size,
		Deliveries: deliveries.Data, DeliveriesCursor: deliveries.NextCursor, FilterErrors: filterErrorsOf(failures),
	})
	if err != nil {
		return err
	}
	// Package json would write the data anew, so they take the place of the null at the end.
	answer, isLast := bytes.CutSuffix(body.Bytes(), []byte("null}\n"))
	if !isLast {
		return refuse(internalError, "%s", internalError.advice)
	}
	answer = append(answer, event.Data...)
	return c.bytes(200, append(answer, '}'))
}

func filterErrorsOf(failures []peal.FilterError) []filterErrorShape {
	shapes := make([]filterErrorShape, len(failures))
	for i, failure := range failures {
		shapes[i] = filterErrorShape{WebhookID: failure.WebhookID, Error: failure.Message}
	}
	return shapes
}

// event finds an event by the publisher's id or its own. What cannot be an id is not found.
func (a *API) event(c *call, id string) (peal.Event, error) {
	if !isEventID(id) {
		return peal.Event{}, refuse(notFound, "there is no such event")
	}
	event, err := a.Store.Event(c.context(), c.tenant, id)
	if peal.CodeOf(err) == peal.NotFound {
		return peal.Event{}, refuse(notFound, "there is no such event")
	}
	return event, err
}

func isEventID(id string) bool {
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return id != "" && len(id) <= peal.MaxEventIDLength
}
