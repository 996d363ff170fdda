package api

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
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

// eventShape is an event with its data and deliveries.
type eventShape struct {
	ID               string             `json:"id" doc:"The publisher's own id, or the one that was chosen."`
	Type             string             `json:"type"`
	Subject          string             `json:"subject" doc:"What it happened to; empty when the publisher did not say."`
	Time             string             `json:"time" format:"date-time" doc:"When it happened, as its publisher wrote it."`
	AcceptedAt       string             `json:"accepted_at" format:"date-time" doc:"When it was accepted."`
	Size             int                `json:"size" doc:"The size of its data in bytes." minimum:"0"`
	Deliveries       []DeliveryShape    `json:"deliveries" nullable:"false" doc:"Its deliveries, newest first; at most 200."`
	DeliveriesCursor *string            `json:"deliveries_cursor" doc:"The cursor with which GET /v1/deliveries?event=… returns more of them; null if there are no more."`
	FilterErrors     []filterErrorShape `json:"filter_errors" nullable:"false" maxItems:"20" doc:"The webhooks with a filter that failed on the event, which counts as no match; at most 20."`
	Data             json.RawMessage    `json:"data" doc:"Its content, byte for byte as published."`
}

// filterErrorShape is a failure of a webhook's filter on an event.
type filterErrorShape struct {
	WebhookID peal.WebhookID `json:"webhook_id"`
	Error     string         `json:"error" doc:"The error, at most 500 bytes."`
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

func (a *API) getEvent(c *call) error {
	event, err := a.pathEvent(c)
	if err != nil {
		return err
	}
	var rows []peal.Delivery
	if c.caller.Sees(peal.PartDeliveries) {
		if rows, err = a.Store.Deliveries(c.context(), peal.DeliveryQuery{Tenant: c.tenant, EventKey: event.Key,
			Limit: maxLimit + 1}); err != nil {
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
	// Package json would reformat the data, so they replace the null at the end as they are.
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

// event finds an event by the publisher's id or its key. A text that cannot be an id is not found.
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

// missedShape lists the webhooks that did not get an event.
type missedShape struct {
	Data     []missedGroupShape `json:"data" nullable:"false" maxItems:"7" doc:"The webhooks without a delivery of the event, in groups by the reason."`
	Complete bool               `json:"complete" doc:"Whether all webhooks were examined: false, without groups, if the event went to more than 5,000."`
}

type missedGroupShape struct {
	Reason   string               `json:"reason" enum:"filter_failed,filter,disabled,changed_later,unknown,created_later,type" doc:"filter_failed: the filter failed on the event; filter: the filter excluded the event; disabled; changed_later: changed after the event was accepted, and its earlier settings are not recorded; created_later: created after the event was accepted; type: not subscribed to the type; unknown: subscribed to such events, and yet there is no delivery."`
	Count    int                  `json:"count" minimum:"1" doc:"The number of webhooks."`
	Webhooks []missedWebhookShape `json:"webhooks" nullable:"false" maxItems:"20" doc:"The newest 20 of them."`
}

type missedWebhookShape struct {
	ID    peal.WebhookID `json:"id"`
	Name  string         `json:"name"`
	Error *string        `json:"error" doc:"Why the filter failed; null for other reasons."`
}

func (a *API) getMissed(c *call) error {
	event, err := a.pathEvent(c)
	if err != nil {
		return err
	}
	groups, complete, err := a.Engine.Missed(c.context(), &event)
	if err != nil {
		return err
	}
	shape := missedShape{Data: []missedGroupShape{}, Complete: complete}
	for i := range groups {
		shape.Data = append(shape.Data, missedGroupOf(&groups[i]))
	}
	return c.json(200, shape)
}

func missedGroupOf(g *dispatch.MissedGroup) missedGroupShape {
	shape := missedGroupShape{Reason: string(g.Reason), Count: g.Count}
	for _, w := range g.Webhooks {
		shape.Webhooks = append(shape.Webhooks, missedWebhookShape{w.ID, w.Name, textOrNil(g.Errors[w.ID])})
	}
	return shape
}
