package preset

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/pealhq/peal/client"
)

// docsURL is where the page of a system is, its name and .md added.
const docsURL = "https://github.com/pealhq/peal/blob/main/docs/systems/"

// Preset is what is known of a system. Those that this package gives are shared:
// nobody changes them.
type Preset struct {
	Name        string             `json:"name"`         // such as vikunja
	Title       string             `json:"title"`        // what people call the system
	Description string             `json:"description"`  // plain text
	Format      string             `json:"format"`       // the default of its webhooks
	RetryPolicy client.RetryPolicy `json:"retry_policy"` // the default of its webhooks
	Docs        string             `json:"docs"`         // address of the page about it
	Events      []Event            `json:"events"`       // sorted by type
}

// Event is an entry of a system's catalogue.
type Event struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	// Subject is an example of the event's subject; "" where the system has none.
	Subject string `json:"subject,omitempty"`
	// Time is an example of the event's time, in RFC 3339 as the system writes it.
	Time string `json:"time"`
	// Schema is the JSON Schema (draft 2020-12) of the data. It refers to nothing
	// outside itself.
	Schema json.RawMessage `json:"schema"`
	// Example is an example of the data, without white space.
	Example json.RawMessage `json:"example"`
}

// EventType gives the entry as the server's catalogue takes it.
func (e *Event) EventType() client.EventType {
	return client.EventType{Name: e.Type, Description: e.Description, Schema: e.Schema, Example: e.Example}
}

// Event finds an entry by its type.
func (p *Preset) Event(eventType string) (*Event, bool) {
	for i := range p.Events {
		if p.Events[i].Type == eventType {
			return &p.Events[i], true
		}
	}
	return nil, false
}

// presets are read when they are first asked for. What is wrong with them is a
// defect of the program, which its tests find.
var presets = sync.OnceValue(func() []*Preset {
	list, err := load(systems)
	if err != nil {
		panic("preset: " + err.Error())
	}
	return list
})

// All lists the presets, sorted by name.
func All() []*Preset { return slices.Clone(presets()) }

// Names lists the names of the presets, sorted.
func Names() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.Name)
	}
	return names
}

// Lookup finds a preset by its name.
func Lookup(name string) (*Preset, bool) {
	for _, p := range presets() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}
