package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// entry reads one entry of "webhooks".
type entry struct {
	*file
	into    *Webhook
	changes []func(*peal.RetryPolicy) // what its retry_policy says
	sources map[string]string         // where a secret value was taken from, by the field's name
}

// place is a value in the file and what errors call it.
type place struct {
	name string // such as webhooks[0].url
	key  *yaml.Node
	*yaml.Node
}

// webhooks reads the whole list.
func (f *file) webhooks(list *yaml.Node) error {
	if isNull(list) {
		return nil // a heading with everything below it commented out
	}
	if list.Kind != yaml.SequenceNode {
		return f.refuse(list, webhooksName, "must be a list, each entry as \"- name: value\"")
	}
	lines := make(map[string]int) // of the names
	for i, node := range list.Content {
		e := entry{file: f, into: new(Webhook), sources: make(map[string]string)}
		p := place{fmt.Sprintf("%s[%d]", webhooksName, i), node, resolve(node)}
		if err := e.read(p); err != nil {
			return err
		}
		if e.into.Name == "" {
			return f.refuse(p.Node, p.name+".name", "is missing: give the entry a name that no other has")
		}
		if line, taken := lines[e.into.Name]; taken {
			return f.refuse(p.Node, p.name+".name", "is that of the entry in line %d: give each a name of its own", line)
		}
		lines[e.into.Name] = p.Line
		f.into.Webhooks = append(f.into.Webhooks, *e.into)
	}
	return nil
}

func (e *entry) read(p place) error {
	fields := make(map[string]func(place) error)
	var secret []string
	for _, field := range WebhookFields() {
		fields[field.Name] = func(v place) error { return field.read(e, v) }
		if field.secret {
			secret = append(secret, p.name+"."+field.Name)
		}
	}
	if err := e.mapping(p, "the settings of a webhook", fields); err != nil {
		return err
	}
	for i := range e.into.rows {
		if row := &e.into.rows[i]; slices.Contains(secret, row.Name) {
			row.Value = redacted
		}
	}
	if changes := e.changes; changes != nil {
		e.into.Policy = func(p peal.RetryPolicy) peal.RetryPolicy {
			for _, change := range changes {
				change(&p)
			}
			return p
		}
	}
	return nil
}

// mapping reads names and values, each by its own function.
func (e *entry) mapping(p place, of string, fields map[string]func(place) error) error {
	if p.Kind != yaml.MappingNode {
		return e.refuse(p.Node, p.name, "must be %s, each as \"name: value\"", of)
	}
	if second, line := repeated(p.Node); second != nil {
		return e.refuse(second, p.name+"."+second.Value, "stands already in line %d", line)
	}
	e.file.into.origins[p.name] = e.origin(p.key)
	for i := 0; i < len(p.Content); i += 2 {
		key := p.Content[i]
		v := place{p.name + "." + key.Value, key, resolve(p.Content[i+1])}
		read, ok := fields[key.Value]
		if !ok {
			return e.refuse(key, v.name, "is no setting of a webhook%s", nearest(key.Value, fields))
		}
		if isNull(v.Node) {
			return e.refuse(key, v.name, "has no value: give one or take the line out")
		}
		e.file.into.origins[v.name] = e.origin(key)
		if v.Kind == yaml.ScalarNode {
			e.show(v, v.Value)
		}
		if err := read(v); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) origin(node *yaml.Node) string { return fmt.Sprintf("%s:%d", f.name, node.Line) }

// show keeps what config print shows of a value.
func (e *entry) show(p place, value string) {
	e.into.rows = append(e.into.rows, Setting{Name: p.name, Value: value, Origin: e.origin(p.key)})
}

// wrong says what is wrong with a value.
func (e *entry) wrong(p place, format string, args ...any) error {
	return e.refuse(p.Node, p.name, format, args...)
}

// text reads a text into the field that at gives.
func text(at func(e *entry) *string) func(*entry, place) error {
	return func(e *entry, v place) (err error) {
		*at(e), err = e.text(v)
		return err
	}
}

func (e *entry) text(v place) (string, error) {
	switch {
	case v.Kind != yaml.ScalarNode:
		return "", e.wrong(v, "must be a text")
	case v.Value == "":
		return "", e.wrong(v, "is empty: give a value or take the line out")
	}
	return v.Value, nil
}

func (e *entry) number(v place) (float64, error) {
	n, err := strconv.ParseFloat(v.Value, 64)
	if v.Kind != yaml.ScalarNode || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, e.wrong(v, "must be a number")
	}
	return n, nil
}

func (e *entry) whole(v place) (int, error) {
	n, err := strconv.ParseInt(v.Value, 10, 32)
	if v.Kind != yaml.ScalarNode || err != nil {
		return 0, e.wrong(v, "must be a whole number")
	}
	return int(n), nil
}

// list gives the values of a list.
func (e *entry) list(v place, of string) ([]place, error) {
	if v.Kind != yaml.SequenceNode {
		return nil, e.wrong(v, "must be a list of %s", of)
	}
	var values []place
	var shown []string
	for i, node := range v.Content {
		values = append(values, place{fmt.Sprintf("%s[%d]", v.name, i), node, resolve(node)})
		shown = append(shown, values[i].Value)
	}
	e.show(v, strings.Join(shown, ","))
	return values, nil
}
