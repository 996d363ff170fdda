package api

import (
	"errors"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

var (
	textParam         = param{"text", "Only those with these words: in the event's id, type, subject and data, in the delivery's id, or in what was answered. All words must be there; \"a phrase\" stands in quotes, and a * at a word's end stands for whatever follows. Search must be on (search.enabled).", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(256)}}
	deliveryTypeParam = param{"type", "Only deliveries of events of this type.", typeParam.schema}
)

// searchNote is what a list with text or type differs in.
const searchNote = "With `text`, or `type` of deliveries, rows are found by the time of their events, and since and until are about that too. " +
	"One call looks at a bounded number of events: a page may have few rows or none and still a next_cursor, where to go on."

// isSearch is whether a list of deliveries is to be found by words or by a type.
func isSearch(q *query) bool {
	_, byText := q.text("text")
	_, byType := q.text("type")
	return byText || byType
}

// searchDeliveries answers with the deliveries that were found.
func (a *API) searchDeliveries(c *call, q *query, choice peal.DeliveryQuery, byEvent bool) error {
	if byEvent {
		q.fault("event", nil, "cannot stand beside text or type: an event's deliveries are few, leave those out")
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

// searchEvents answers with the events that were found.
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
		Tenant: choice.Tenant, Type: choice.Type, Text: text, Since: choice.Since, Until: choice.Until, Before: choice.Before, Limit: limit,
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

// words gives the parameter text; an empty one is wrong.
func (q *query) words() string {
	text, ok := q.text("text")
	if ok && text == "" {
		q.fault("text", nil, "is empty: write words, or leave it out")
	}
	return text
}

// wrongWords makes what the store says of the text the parameter's fault.
func (q *query) wrongWords(text string, err error) error {
	var known *peal.Error
	if errors.As(err, &known) && known.Code == peal.Invalid && known.Field == "text" {
		q.fault("text", short(text), known.Message)
		return q.err()
	}
	return err
}

// placeText writes where a search goes on.
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
