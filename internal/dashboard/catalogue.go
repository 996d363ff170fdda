package dashboard

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

// catalogue returns the name of the catalogue that describes the tenant's events.
func (c *call) catalogue() (string, error) {
	tenant, err := c.d.Store.Tenant(c.ctx(), c.tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		return "", err
	}
	return tenant.CatalogueName(), nil
}

// eventTypes returns the types of the tenant's catalogue after a name, by name.
func (c *call) eventTypes(after string, limit int) ([]peal.EventType, error) {
	catalogue, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	return c.d.Store.EventTypes(c.ctx(), catalogue, after, limit)
}

// findEventTypes returns the types of the tenant's catalogue that match a query, by name.
func (c *call) findEventTypes(q peal.EventTypeQuery) (found []peal.EventType, err error) {
	if q.Catalogue, err = c.catalogue(); err != nil {
		return nil, err
	}
	return manage.FindEventTypes(c.ctx(), c.d.Store, c.d.Engine, c.tenant, q)
}

// eventType returns a type of the tenant's catalogue.
func (c *call) eventType(name string) (peal.EventType, error) {
	catalogue, err := c.catalogue()
	if err != nil {
		return peal.EventType{}, err
	}
	return c.d.Store.EventType(c.ctx(), catalogue, name)
}

type cataloguePage struct {
	Name        string
	Text, Group string // the filter of the list
	Types       []peal.EventType
	Next        string // the address of the next page
}

// catalogue shows the types of events.
func (d *Dashboard) catalogue(c *call) error {
	name, err := c.catalogue()
	if err != nil {
		return err
	}
	values := c.r.URL.Query()
	data := cataloguePage{Name: name, Text: findText(values), Group: strings.Trim(values.Get("group"), ".*")}
	if peal.ValidateType(data.Group) != nil {
		data.Group = ""
	}
	data.Types, err = c.findEventTypes(peal.EventTypeQuery{Text: data.Text, Group: data.Group, Brief: true, After: values.Get("after"), Limit: 2*pageRows + 1})
	if err != nil {
		return err
	}
	if len(data.Types) > 2*pageRows {
		data.Types = data.Types[:2*pageRows]
		data.Next = listAddress("/catalogue", "q", data.Text, "group", data.Group, "after", data.Types[2*pageRows-1].Name)
	}
	return c.page("catalogue", c.texts.get("menu.catalogue"), data)
}

type eventTypePage struct {
	Type    peal.EventType
	Members []member
}

// eventType shows a type's schema and example as documentation.
func (d *Dashboard) eventType(c *call) error {
	t, err := c.eventType(c.name())
	if peal.CodeOf(err) == peal.NotFound {
		return peal.Errorf(peal.NotFound, "%s", c.texts.get("error.no_type"))
	} else if err != nil {
		return err
	}
	data := eventTypePage{Type: t}
	var schema any
	if json.Unmarshal(t.Schema, &schema) == nil {
		data.Members = membersOf(schema, "", 0, nil)
	}
	return c.page("event_type", t.Name, data)
}

// member is a member of the data as a schema describes it.
type member struct {
	Name, Kind, Description string
	Required                bool
}

// Bounds of a schema's documentation; the page also shows the whole schema.
const (
	maxMembers     = 200
	maxMemberDepth = 6
)

// membersOf returns the members in a JSON Schema, with their paths.
func membersOf(schema any, path string, depth int, all []member) []member {
	object, _ := schema.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	required, _ := object["required"].([]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if len(all) >= maxMembers || depth >= maxMemberDepth {
			return all
		}
		of, _ := properties[name].(map[string]any)
		description, _ := of["description"].(string)
		full := strings.TrimPrefix(path+"."+name, ".")
		all = append(all, member{full, kindOf(of), description, slices.Contains(required, any(name))})
		all = membersOf(of, full, depth+1, all)
		if items, ok := of["items"]; ok {
			all = membersOf(items, full+"[]", depth+1, all)
		}
	}
	return all
}

// kindOf describes the values of a schema in a few words.
func kindOf(schema map[string]any) string {
	var words []string
	switch kind := schema["type"].(type) {
	case string:
		words = append(words, kind)
	case []any:
		for _, one := range kind {
			if text, ok := one.(string); ok {
				words = append(words, text)
			}
		}
	}
	if format, ok := schema["format"].(string); ok {
		words = append(words, format)
	}
	if values, ok := schema["enum"].([]any); ok {
		text, err := json.Marshal(values)
		if err == nil {
			words = append(words, string(text))
		}
	}
	return strings.Join(words, " · ")
}
