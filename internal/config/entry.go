package config

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// entry reads one entry of "webhooks".
type entry struct {
	*item
	into    *Webhook
	sources map[string]string // origins of secret values, by the field's name
	hidden  []string          // names of values that must not be shown
}

// webhooks reads the whole list.
func (f *file) webhooks(list *yaml.Node) error {
	return f.items(webhooksName, list, func(p place) (string, error) {
		e := entry{item: &item{file: f, kind: "a webhook"}, into: new(Webhook), sources: make(map[string]string)}
		if err := e.read(p); err != nil {
			return "", err
		}
		f.into.Webhooks = append(f.into.Webhooks, *e.into)
		return e.into.Name, nil
	})
}

func (e *entry) read(p place) error {
	fields := make(map[string]func(place) error)
	for _, field := range WebhookFields() {
		fields[field.Name] = func(v place) error { return field.read(e, v) }
		if field.secret {
			e.hidden = append(e.hidden, p.name+"."+field.Name)
		}
	}
	if err := e.mapping(p, "the settings of a webhook", fields); err != nil {
		return err
	}
	e.into.rows = e.rows
	for i := range e.into.rows {
		row := &e.into.rows[i]
		if slices.Contains(e.hidden, row.Name) {
			row.Value = redacted
		}
		if isAddress(row) {
			row.Value = peal.RedactURL(row.Value)
		}
	}
	return nil
}

// text returns a function that reads a text into the field that at returns.
func text(at func(e *entry) *string) func(*entry, place) error {
	return func(e *entry, v place) (err error) {
		*at(e), err = e.text(v)
		return err
	}
}
