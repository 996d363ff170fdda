package api

import (
	"cmp"
	"encoding/json"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

// The parameters of the list of event types.
var (
	findTypeParam = param{"q", "Only those with this text in the name, in any case.", findParam.schema}
	groupParam    = param{"group", "Only those with a name that starts with this and a dot.", typeParam.schema}
)

// eventTypeShape is an entry of the catalogue.
type eventTypeShape struct {
	Name        string          `json:"name" example:"task.created"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema" doc:"JSON Schema of the data; null if there is none."`
	Example     json.RawMessage `json:"example" doc:"An example of the data; null if there is none."`
	Catalogue   string          `json:"catalogue" example:"default" doc:"The catalogue that the entry is in."`
	CreatedAt   string          `json:"created_at" format:"date-time"`
	UpdatedAt   string          `json:"updated_at" format:"date-time"`
}

type eventTypeInput struct {
	Description optional[string]          `json:"description,omitempty" maxLength:"4096" doc:"What the type means, in plain text."`
	Schema      optional[json.RawMessage] `json:"schema,omitempty" doc:"JSON Schema of the data, at most 64 KiB. Published events are checked against it if the operator turns that on."`
	Example     optional[json.RawMessage] `json:"example,omitempty" doc:"An example of the data, at most 64 KiB; tests send it."`
}

func eventTypeOf(t *peal.EventType) eventTypeShape {
	return eventTypeShape{
		Catalogue: cmp.Or(t.Catalogue, peal.DefaultCatalogue), Name: t.Name, Description: t.Description, Schema: t.Schema,
		Example:   t.Example,
		CreatedAt: timeText(t.CreatedAt), UpdatedAt: timeText(t.UpdatedAt),
	}
}

func noEventType() error {
	return refuse(notFound, "there is no such event type")
}

func (a *API) listEventTypes(c *call) error {
	q := c.query()
	limit, after := q.limit(), q.cursor(eventTypeList)
	query := peal.EventTypeQuery{Text: q.find(), Group: parsed(q, "group", typeNamed), After: after, Limit: limit + 1}
	catalogue, err := c.catalogue(q)
	if err != nil {
		return err
	}
	query.Catalogue = catalogue
	rows, err := managing.FindEventTypes(c.context(), a.Store, a.Engine, c.tenant, query)
	if err != nil {
		return err
	}
	return c.json(200, page(eventTypeList, rows, limit, eventTypeOf, func(t *peal.EventType) string { return t.Name }))
}

func (a *API) getEventType(c *call) error {
	name := c.pathName()
	catalogue, err := c.catalogue(c.query())
	if err != nil {
		return err
	}
	if peal.ValidateType(name) != nil {
		return noEventType()
	}
	eventType, err := a.Store.EventType(c.context(), catalogue, name)
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
	catalogue, err := c.catalogue(c.query())
	if err != nil {
		return err
	}
	wanted := peal.EventType{Catalogue: catalogue, Name: c.pathName(), Description: in.Description.orZero(),
		Schema: in.Schema.orZero(), Example: in.Example.orZero()}
	saved, created, err := a.types.Put(c.context(), c.actor(), wanted)
	if err != nil {
		return namedInPath(err, wanted.Name)
	}
	status := 200
	if created {
		status = 201
	}
	return c.json(status, eventTypeOf(&saved))
}

// namedInPath moves the faults of an event type's name to the path.
func namedInPath(err error, name string) error {
	var all faults
	for _, one := range peal.FaultsOf(err) {
		if one.Field != "type" {
			all = append(all, translateDomain(one, err).faults...)
			continue
		}
		all = append(all, fault{Location: "path.name", Message: one.Message, Value: short(name)})
	}
	if all == nil {
		return err
	}
	return all
}

func (a *API) deleteEventType(c *call) error {
	name := c.pathName()
	catalogue, err := c.catalogue(c.query())
	if err != nil {
		return err
	}
	if peal.ValidateType(name) != nil {
		return noEventType()
	}
	err = a.types.Delete(c.context(), c.actor(), catalogue, name)
	if peal.CodeOf(err) == peal.NotFound {
		return noEventType()
	}
	if err != nil {
		return err
	}
	return c.empty()
}

// catalogueShape is a catalogue in the list of them.
type catalogueShape struct {
	Name string `json:"name" example:"vikunja"`
}

func (a *API) listCatalogues(c *call) error {
	q := c.query()
	limit, after := q.limit(), q.cursor(catalogueList)
	if err := q.err(); err != nil {
		return err
	}
	names, err := a.Store.Catalogues(c.context(), after, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(catalogueList, names, limit, func(name *string) catalogueShape { return catalogueShape{*name} }, func(name *string) string { return *name }))
}

// catalogue returns the catalogue of a call: that of its tenant, or the one in the parameter, which
// only callers with oversight of the whole server may use. It also returns the other faults of the
// query.
func (c *call) catalogue(q *query) (string, error) {
	name, named := q.text("catalogue")
	if named {
		if err := peal.ValidateCatalogue(name); err != nil {
			q.fault("catalogue", short(name), translate(err).faults[0].Message)
		}
	}
	if err := q.err(); err != nil {
		return "", err
	}
	if named {
		if !c.caller.Can(identity.Oversee) {
			return "", refuse(forbidden, "only an operator may name a catalogue; omit the parameter for that of the tenant")
		}
		return name, nil
	}
	tenant, err := c.api.Store.Tenant(c.context(), c.tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		return "", err
	}
	return tenant.CatalogueName(), nil
}
