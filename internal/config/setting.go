package config

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Setting is one setting as it is in force, without the values of secrets.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "default", "peal.yaml:3", "env PEAL_LISTEN" or "flag --listen"
}

const redacted = "[redacted]"

// Settings lists all settings in the order of the file.
func (l *Loaded) Settings() []Setting {
	var settings []Setting
	for _, o := range Options() {
		origin := l.origins[o.Name]
		if origin == "" {
			origin = "default"
		}
		settings = append(settings, Setting{Name: o.Name, Value: o.show(&l.Config), Origin: origin})
		if o.Name != variablesName {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(l.VariableScopes)) {
			scope := l.VariableScopes[name]
			for _, row := range []struct {
				name   string
				values []string
			}{{"hosts", scope.Hosts}, {"tenants", scope.Tenants}} {
				if row.values != nil {
					settings = append(settings, Setting{Name: o.Name + "." + name + "." + row.name,
						Value: strings.Join(row.values, ","), Origin: origin})
				}
			}
		}
	}
	for i := range l.Formats {
		settings = append(settings, l.Formats[i].rows...)
	}
	for i := range l.Webhooks {
		settings = append(settings, l.Webhooks[i].rows...)
	}
	return settings
}

// reloaded are settings that a running server takes over, beside webhooks.
var reloaded = []string{
	"egress.allow_http", "egress.allow", "egress.allow_hosts", "egress.deny", "egress.deny_hosts", "egress.ports",
	"egress.proxy", "egress.no_proxy",
}

// Changed names the settings that have another value in a later reading and need a restart for it.
func (l *Loaded) Changed(later *Loaded) []string {
	var names []string
	for _, o := range Options() {
		if slices.Contains(reloaded, o.Name) {
			continue
		}
		if !reflect.DeepEqual(o.field(&l.Config).Interface(), o.field(&later.Config).Interface()) {
			names = append(names, o.Name)
		}
	}
	if !reflect.DeepEqual(l.VariableScopes, later.VariableScopes) && !slices.Contains(names, variablesName) {
		names = append(names, variablesName)
	}
	same := func(a, b Format) bool { return a.text == b.text }
	if !slices.EqualFunc(l.Formats, later.Formats, same) {
		names = append(names, formatsName)
	}
	return names
}

// show writes the option's value; of a secret only that it is there.
func (o *Option) show(c *Config) string {
	value := o.field(c).Interface()
	switch o.redact {
	case "":
		return write(value)
	case "url":
		return redactURL(value.(string))
	case "values":
		var shown []string
		for _, name := range slices.Sorted(maps.Keys(value.(map[string]string))) {
			shown = append(shown, name+"="+redacted)
		}
		return strings.Join(shown, ",")
	}
	if value == "" {
		return ""
	}
	return redacted
}

// redactURL hides the password in a database's URL, and all of a text that has
// the makings of one but cannot be read.
func redactURL(text string) string {
	if !strings.Contains(text, "@") && !strings.Contains(text, "password") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Query().Has("password") || u.Host == "" {
		return redacted
	}
	return u.Redacted()
}
