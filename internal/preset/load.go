package preset

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

//go:embed systems
var systems embed.FS

// systemFile is what system.json holds.
type systemFile struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Format      string             `json:"format"`
	RetryPolicy client.RetryPolicy `json:"retry_policy"`
	// Definitions are schemas that those of the events refer to as #/$defs/NAME.
	Definitions map[string]json.RawMessage `json:"definitions"`
}

// load reads every system of a file system, by name.
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

// decodeFile reads a file that holds exactly one JSON value of known members.
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

// compact takes the white space out and leaves everything else as it is written.
func compact(text json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
