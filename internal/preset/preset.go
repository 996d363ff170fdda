// Package preset contains the event catalogues of systems with webhooks that Peal can send: for
// each event a description, the JSON Schema of its data and an example, and for each system the
// format and the retry policy of its webhooks.
//
// The catalogues are embedded from the directory systems. Each has a directory with system.json for
// the whole system and a file for each event.
package preset

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

// docsURL is the prefix of the URL of a system's page, which ends with its name and .md.
const docsURL = "https://github.com/pealhq/peal/blob/main/docs/systems/"

// Preset is the catalogue of a system. Presets are shared and must not be changed.
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
	// Subject is an example of the event's subject; "" if the system has none.
	Subject string `json:"subject,omitempty"`
	// Time is an example of the event's time, in RFC 3339 as the system writes it.
	Time string `json:"time"`
	// Schema is the JSON Schema (draft 2020-12) of the data. It is self-contained.
	Schema json.RawMessage `json:"schema"`
	// Example is an example of the data, without white space.
	Example json.RawMessage `json:"example"`
}

// EventType returns the event as an entry of the server's catalogue.
func (e *Event) EventType() client.EventType {
	return client.EventType{Name: e.Type, Description: e.Description, Schema: e.Schema, Example: e.Example}
}

// Event returns an entry by its type.
func (p *Preset) Event(eventType string) (*Event, bool) {
	for i := range p.Events {
		if p.Events[i].Type == eventType {
			return &p.Events[i], true
		}
	}
	return nil, false
}

// presets returns the embedded presets, loaded on first use. An error in them is a defect of the
// program, which tests detect.
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

// Lookup returns a preset by its name.
func Lookup(name string) (*Preset, bool) {
	for _, p := range presets() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

//go:embed systems
var systems embed.FS

// systemFile is the content of system.json.
type systemFile struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Format      string             `json:"format"`
	RetryPolicy client.RetryPolicy `json:"retry_policy"`
	// Definitions are schemas that those of the events refer to as #/$defs/NAME.
	Definitions map[string]json.RawMessage `json:"definitions"`
}

// load returns all systems in a file system, sorted by name.
func load(files fs.FS) ([]*Preset, error) {
	entries, err := fs.ReadDir(files, "systems")
	if err != nil {
		return nil, err
	}
	var list []*Preset
	for _, entry := range entries {
		p, err := loadSystem(files, path.Join("systems", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", entry.Name(), err)
		}
		list = append(list, p)
	}
	return list, nil
}

func loadSystem(files fs.FS, dir string) (*Preset, error) {
	var system systemFile
	if err := decodeFile(files, path.Join(dir, "system.json"), &system); err != nil {
		return nil, err
	}
	if system.Name != path.Base(dir) || system.Title == "" || system.Description == "" || system.Format == "" {
		return nil, errors.New("system.json must have the directory's name, a title, a description and a format")
	}
	p := &Preset{
		Name: system.Name, Title: system.Title, Description: system.Description,
		Format: system.Format, RetryPolicy: system.RetryPolicy, Docs: docsURL + system.Name + ".md",
	}
	names, err := fs.Glob(files, path.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if path.Base(name) == "system.json" {
			continue
		}
		event, err := loadEvent(files, name, system.Definitions)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		p.Events = append(p.Events, event)
	}
	return p, nil
}

func loadEvent(files fs.FS, name string, definitions map[string]json.RawMessage) (Event, error) {
	var e Event
	if err := decodeFile(files, name, &e); err != nil {
		return Event{}, err
	}
	if e.Type != strings.TrimSuffix(path.Base(name), ".json") || e.Description == "" || e.Schema == nil || e.Example == nil {
		return Event{}, errors.New("must have the file's name as its type, a description, a schema and an example")
	}
	if _, err := peal.ParseTimestamp(e.Time); err != nil {
		return Event{}, fmt.Errorf("time: %w", err)
	}
	var err error
	if e.Schema, err = selfContained(e.Schema, definitions); err != nil {
		return Event{}, err
	}
	if e.Example, err = compact(e.Example); err != nil {
		return Event{}, err
	}
	entry := peal.EventType{Name: e.Type, Description: e.Description, Schema: e.Schema, Example: e.Example}
	return e, entry.Validate()
}

// decodeFile decodes a file with exactly one JSON value with known members.
func decodeFile(files fs.FS, name string, into any) error {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("decode %s: %w", path.Base(name), err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("decode %s: something follows the value", path.Base(name))
	}
	return nil
}

// compact removes white space and preserves everything else.
func compact(text json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// dialect is the value of $schema in every schema.
const dialect = "https://json-schema.org/draft/2020-12/schema"

var reference = regexp.MustCompile(`"\$ref":\s*"#/\$defs/([^"]+)"`)

// selfContained returns a schema that includes all definitions that it refers to, directly or
// indirectly.
func selfContained(schema json.RawMessage, definitions map[string]json.RawMessage) (json.RawMessage, error) {
	needed := make(map[string]bool)
	if err := gather(schema, definitions, needed); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"$schema":%q`, dialect)
	body, err := compact(schema)
	if err != nil {
		return nil, err
	}
	if len(body) < 3 || body[0] != '{' {
		return nil, fmt.Errorf("the schema must be an object with members")
	}
	b.WriteByte(',')
	b.Write(body[1 : len(body)-1])
	for i, name := range slices.Sorted(maps.Keys(needed)) {
		definition, err := compact(definitions[name])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			b.WriteString(`,"$defs":{`)
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, definition)
	}
	if len(needed) > 0 {
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// gather collects the names of the definitions that a schema needs.
func gather(schema json.RawMessage, definitions map[string]json.RawMessage, needed map[string]bool) error {
	for _, match := range reference.FindAllSubmatch(schema, -1) {
		name := string(match[1])
		if needed[name] {
			continue
		}
		definition, ok := definitions[name]
		if !ok {
			return fmt.Errorf("the schema refers to %q, which system.json does not define", name)
		}
		needed[name] = true
		if err := gather(definition, definitions, needed); err != nil {
			return err
		}
	}
	return nil
}
