package dashboard

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/preset"
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

type presetRow struct {
	*preset.Preset
	New, Changed int // of its event types, against the catalogue
	Used         bool
}

// listPresets shows the catalogues of known systems, and the changes that each would make.
func (d *Dashboard) listPresets(c *call) error {
	var rows []presetRow
	for _, p := range preset.All() {
		changes, err := p.Apply(c.ctx(), presetStore{d, c}, preset.ApplyOptions{Tenant: c.tenant, DryRun: true})
		if err != nil {
			return err
		}
		row := presetRow{Preset: p}
		for _, change := range changes {
			switch {
			case change.Kind == "tenant":
				row.Used = change.Action == preset.Unchanged
			case change.Action == preset.Created:
				row.New++
			case change.Action == preset.Updated:
				row.Changed++
			}
		}
		rows = append(rows, row)
	}
	return c.page("presets", c.texts.get("menu.presets"), rows)
}

// applyPreset fills the catalogue and sets the tenant's defaults.
func (d *Dashboard) applyPreset(c *call) error {
	p, ok := preset.Lookup(c.name())
	if !ok {
		return peal.Errorf(peal.NotFound, "%s", c.texts.get("error.gone"))
	}
	if _, err := p.Apply(c.ctx(), presetStore{d, c}, preset.ApplyOptions{Tenant: c.tenant}); err != nil {
		return err
	}
	if err := c.recordFor(c.tenant, "preset.apply", p.Name, ""); err != nil {
		return err
	}
	return c.redirect("/presets?done=preset_applied")
}

var _ preset.API = presetStore{}

// presetStore implements preset.API directly, without a network.
type presetStore struct {
	d *Dashboard
	c *call
}

// AllEventTypes implements preset.API.
func (s presetStore) AllEventTypes(ctx context.Context, query client.EventTypesQuery) iter.Seq2[client.EventType, error] {
	return func(yield func(client.EventType, error) bool) {
		for after := ""; ; {
			types, err := s.d.Store.EventTypes(ctx, query.Catalogue, after, maxTypes)
			if err != nil {
				yield(client.EventType{}, err)
				return
			}
			for _, t := range types {
				if !yield(client.EventType{Catalogue: t.Catalogue, Name: t.Name, Description: t.Description, Schema: t.Schema, Example: t.Example, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}, nil) {
					return
				}
				after = t.Name
			}
			if len(types) < maxTypes {
				return
			}
		}
	}
}

// PutEventType implements preset.API.
func (s presetStore) PutEventType(ctx context.Context, name string, query client.EventTypeQuery, body client.EventTypeRequest) (client.EventType, error) {
	_, _, err := s.d.types.Put(ctx, s.actor(), peal.EventType{Catalogue: query.Catalogue, Name: name, Description: *body.Description, Schema: body.Schema, Example: body.Example})
	return client.EventType{Catalogue: query.Catalogue, Name: name}, err
}

// Tenant implements preset.API.
func (s presetStore) Tenant(ctx context.Context, name string) (client.Tenant, error) {
	t, err := s.d.Store.Tenant(ctx, name)
	if peal.CodeOf(err) == peal.NotFound {
		return client.Tenant{}, &client.Error{Status: 404}
	}
	found := client.Tenant{Name: t.Name, Description: t.Description, Format: t.Format, Catalogue: t.CatalogueName(), CreatedAt: t.CreatedAt}
	if p := t.RetryPolicy; p != nil {
		found.RetryPolicy = &client.RetryPolicy{Jitter: p.Jitter, DisableAfterExhausted: p.DisableAfterExhausted, DisableAfterSeconds: p.DisableAfterFailing.Seconds()}
		for _, delay := range p.Delays {
			found.RetryPolicy.DelaysSeconds = append(found.RetryPolicy.DelaysSeconds, delay.Seconds())
		}
	}
	return found, err
}

// CreateTenant implements preset.API.
func (s presetStore) CreateTenant(ctx context.Context, body client.TenantCreateRequest) (client.Tenant, error) {
	tenant := peal.Tenant{Name: body.Name}
	setDefaults(&tenant, body.TenantRequest)
	_, err := s.d.tenants.Create(ctx, s.actor(), tenant, nil)
	return client.Tenant{Name: body.Name}, err
}

// UpdateTenant implements preset.API.
func (s presetStore) UpdateTenant(ctx context.Context, name string, body client.TenantRequest) (client.Tenant, error) {
	_, err := s.d.tenants.Change(ctx, s.actor(), name, "", func(t *peal.Tenant) error {
		setDefaults(t, body)
		return nil
	})
	return client.Tenant{Name: name}, err
}

// actor returns the caller without audit entries for single changes, because there is one entry for
// the preset.
func (s presetStore) actor() manage.Actor {
	actor := s.c.actor("")
	actor.Record = nil
	return actor
}

// setDefaults sets the format, the catalogue and the retry policy of a tenant to those of a preset.
func setDefaults(tenant *peal.Tenant, settings client.TenantRequest) {
	tenant.Format, tenant.Catalogue = *settings.Format, *settings.Catalogue
	in := settings.RetryPolicy
	policy := peal.RetryPolicy{Jitter: *in.Jitter, DisableAfterExhausted: *in.DisableAfterExhausted, DisableAfterFailing: inSeconds(*in.DisableAfterSeconds)}
	for _, delay := range in.DelaysSeconds {
		policy.Delays = append(policy.Delays, inSeconds(delay))
	}
	tenant.RetryPolicy = &policy
}

func inSeconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
