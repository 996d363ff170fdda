package api

import (
	"errors"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

var (
	textParam         = param{"text", "Only those with all of these words: in the event's id, type, subject and data, in the delivery's id, or in the response. Put \"a phrase\" in quotes; a * at the end of a word matches any rest. Search must be on (search.enabled).", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	deliveryTypeParam = param{"type", "Only deliveries of events of this type.", typeParam.schema}
)

// searchNote describes the differences of a list with text or type.
const searchNote = "With `text`, or `type` of deliveries, rows are ordered by the time of their events, and since and until refer to that time. " +
	"One call examines a bounded number of events: a page may have few rows or none, and still a next_cursor for more."

// isSearch reports whether a list of deliveries is a search by words or type.
func isSearch(q *query) bool {
	_, byText := q.text("text")
	_, byType := q.text("type")
	return byText || byType
}

// searchDeliveries answers with the deliveries that match.
func (a *API) searchDeliveries(c *call, q *query, choice peal.DeliveryQuery, byEvent bool) error {
	if byEvent {
		q.fault("event", nil, "cannot be combined with text or type; omit those, because an event has few deliveries")
	}
	search := peal.DeliverySearch{
		Tenant: choice.Tenant, WebhookID: choice.WebhookID, Status: choice.Status, Since: choice.Since, Until: choice.Until,
		EventType: parsed(q, "type", parseType), Text: q.words(),
	}
	search.Limit = q.limit()
	cursor := q.cursor(foundList)
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if search.Before, err = idOrZero(cursor, parsePlace); err != nil {
		return err
	}
	leave, err := a.Engine.Share(c.context(), share.Search, choice.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	found, err := a.Store.FindDeliveries(c.context(), search)
	if err != nil {
		return q.wrongWords(search.Text, err)
	}
	list := page(deliveryList, found.Deliveries, search.Limit, deliveryRow, deliveryName)
	if found.Next != (peal.SearchPosition{}) {
		list.NextCursor = ptr(cursorOf(foundList, placeText(found.Next)))
	}
	return c.json(200, list)
}

// searchEvents answers with the events that match.
func (a *API) searchEvents(c *call, q *query, text string, choice peal.EventQuery, limit int) error {
	q.words()
	if err := q.err(); err != nil {
		return err
	}
	leave, err := a.Engine.Share(c.context(), share.Search, choice.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	found, err := a.Store.FindEvents(c.context(), peal.EventSearch{
		Tenant: choice.Tenant, Type: choice.Type, Text: text, Since: choice.Since, Until: choice.Until,
		Before: choice.Before, Limit: limit,
	})
	if err != nil {
		return q.wrongWords(text, err)
	}
	list := page(eventList, found.Events, limit, eventRow, func(e *peal.Event) string { return e.Key.String() })
	if !found.Next.IsZero() {
		list.NextCursor = ptr(cursorOf(eventList, found.Next.String()))
	}
	return c.json(200, list)
}

func parseType(text string) (string, error) { return text, peal.ValidateType(text) }

// words returns the parameter text, which must not be empty.
func (q *query) words() string {
	text, ok := q.text("text")
	if ok && text == "" {
		q.fault("text", nil, "must not be empty; write words, or omit it")
	}
	return text
}

// wrongWords returns err, or the fault of the parameter if the store refused the text.
func (q *query) wrongWords(text string, err error) error {
	var known *peal.Error
	if errors.As(err, &known) && known.Code == peal.Invalid && known.Field == "text" {
		q.fault("text", short(text), known.Message)
		return q.err()
	}
	return err
}

// placeText returns the text of a place at which a search continues.
func placeText(place peal.SearchPosition) string {
	text := place.Event.String()
	if !place.Delivery.IsZero() {
		text += "/" + place.Delivery.String()
	}
	return text
}

func parsePlace(text string) (place peal.SearchPosition, err error) {
	event, delivery, both := strings.Cut(text, "/")
	if place.Event, err = peal.ParseEventKey(event); err == nil && both {
		place.Delivery, err = peal.ParseDeliveryID(delivery)
	}
	return place, err
}
