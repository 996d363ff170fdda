package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Option is one setting: its names, its type, its default and what it means.
type Option struct {
	Name     string   // in the file, such as egress.allow_http
	Standard []string // other variables that are read when Env is not set, the first one that is
	Env      string   // in the environment, such as PEAL_EGRESS_ALLOW_HTTP
	Flag     string   // on the command line, without dashes; "" when there is none
	Type     string   // for people, such as "duration"
	Default  string   // as it would be written; "" for none
	Doc      string
	Secret   bool // its value is never shown

	redact string // how: see redactions
	path   []int  // of the field in Config
}

// Options lists every setting in the order of the file.
func Options() []Option {
	defaults := Default()
	return collect(nil, "", nil, reflect.ValueOf(defaults))
}

func collect(options []Option, prefix string, path []int, group reflect.Value) []Option {
	for i := range group.NumField() {
		field := group.Type().Field(i)
		name := prefix + field.Tag.Get("yaml")
		at := append(slices.Clone(path), i)
		if field.Tag.Get("env") == "" {
			options = collect(options, name+".", at, group.Field(i))
			continue
		}
		o := Option{
			Name:     name,
			Env:      field.Tag.Get("env"),
			Standard: strings.FieldsFunc(field.Tag.Get("standard"), func(r rune) bool { return r == ',' }),
			Type:     typeName(field.Type),
			Default:  write(group.Field(i).Interface()),
			Doc:      field.Tag.Get("doc"),
			redact:   field.Tag.Get("secret"),
			path:     at,
		}
		o.Secret = o.redact != ""
		if o.redact == "" || o.redact == "url" { // other users of the machine can read a command line
			o.Flag = strings.NewReplacer(".", "-", "_", "-").Replace(name)
		}
		options = append(options, o)
	}
	return options
}

// field gives the option's field of a Config.
func (o *Option) field(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(o.path)
}

// IsSwitch reports whether the option is true or false, so that its flag needs no value.
func (o *Option) IsSwitch() bool { return o.Type == "switch" }

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Network]():
		return "network"
	case reflect.TypeFor[Address]():
		return "address"
	case reflect.TypeFor[Ports]():
		return "port"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "switch"
	case reflect.Int, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	case reflect.Map:
		return "names and values"
	default:
		return "text"
	}
}

// write gives a value as a person would write it in the environment.
func write(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return writeDuration(v)
	case map[string]string:
		return "" // shown name by name
	}
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(value)
	}
	var items []string
	for i := range v.Len() {
		items = append(items, write(v.Index(i).Interface()))
	}
	return strings.Join(items, ",")
}

// writeDuration leaves out the zero minutes and seconds that time.Duration writes.
func writeDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
