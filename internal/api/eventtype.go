package api

import (
	"encoding/json"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// eventTypeShape is an entry of the catalogue.
type eventTypeShape struct {
	Name        string          `json:"name" example:"task.created"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema" doc:"JSON Schema of the data; null when there is none."`
	Example     json.RawMessage `json:"example" doc:"An example of the data; null when there is none."`
	CreatedAt   string          `json:"created_at" format:"date-time"`
	UpdatedAt   string          `json:"updated_at" format:"date-time"`
}

type eventTypeInput struct {
	Description optional[string]          `json:"description,omitempty" maxLength:"4096" doc:"What the type means, in plain text."`
	Schema      optional[json.RawMessage] `json:"schema,omitempty" doc:"JSON Schema of the data, at most 64 KiB; publishing is checked against it where the operator turns that on."`
	Example     optional[json.RawMessage] `json:"example,omitempty" doc:"An example of the data, at most 64 KiB; tests send it."`
}

func eventTypeOf(t *peal.EventType) eventTypeShape {
	return eventTypeShape{
		Name: t.Name, Description: t.Description, Schema: t.Schema, Example: t.Example,
		CreatedAt: timeText(t.CreatedAt), UpdatedAt: timeText(t.UpdatedAt),
	}
}

func noEventType() error {
	return refuse(notFound, "the catalogue has no such event type")
}

func (a *API) listEventTypes(c *call) error {
	q := c.query()
	limit, after := q.limit(), q.cursor(eventTypeList)
	if err := q.err(); err != nil {
		return err
	}
	rows, err := a.Store.EventTypes(c.context(), after, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(eventTypeList, rows, limit, eventTypeOf, func(t *peal.EventType) string { return t.Name }))
}

func (a *API) getEventType(c *call) error {
	name := c.pathName()
	if peal.ValidateType(name) != nil {
		return noEventType()
	}
	eventType, err := a.Store.EventType(c.context(), name)
	if peal.CodeOf(err) == peal.NotFound {
		return noEventType()
	}
	if err != nil {
		return err
	}
	return c.json(200, eventTypeOf(&eventType))
}

func (a *API) putEventType(c *call) error {
	var in eventTypeInput
	if err := c.read(&in); err != nil {
		return err
	}
	moment := now()
	eventType := peal.EventType{
		Name: c.pathName(), Description: in.Description.orZero(),
		Schema: in.Schema.orZero(), Example: in.Example.orZero(), CreatedAt: moment, UpdatedAt: moment,
	}
	if err := peal.ValidateType(eventType.Name); err != nil {
		return at("path.name", eventType.Name, err)
	}
	if err := eventType.Validate(); err != nil {
		return err
	}
	if eventType.Schema != nil {
		if _, err := match.CompileSchema(eventType.Schema); err != nil {
			return err
		}
	}
	created, err := a.Store.PutEventType(c.context(), eventType)
	if err != nil {
		return err
	}
	a.refresh(c)
	saved, err := a.Store.EventType(c.context(), eventType.Name)
	if err != nil {
		return err
	}
	status := 200
	if created {
		status = 201
	}
	return c.json(status, eventTypeOf(&saved))
}

func (a *API) deleteEventType(c *call) error {
	name := c.pathName()
	if peal.ValidateType(name) != nil {
		return noEventType()
	}
	err := a.Store.DeleteEventType(c.context(), name)
	if peal.CodeOf(err) == peal.NotFound {
		return noEventType()
	}
	if err != nil {
		return err
	}
	a.refresh(c)
	return c.empty()
}
