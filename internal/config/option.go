package config

import (
	_ "embed"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Option describes a setting.
type Option struct {
	Name     string   // in the file, such as egress.allow_http
	Standard []string // standard variables that apply if Env is not set; the first one set counts
	Env      string   // in the environment, such as PEAL_EGRESS_ALLOW_HTTP
	Flag     string   // on the command line, without dashes; "" if there is none
	Type     string   // for people, such as "duration"
	Default  string   // in the form of the environment; "" if there is none
	Doc      string   // the text in settings.yaml
	Secret   bool     // its value is never shown

	redact string // the tag secret: see [Option.show]
	path   []int  // the index of the field in Config
}

// Options returns every setting in the order of [Config].
func Options() []Option {
	defaults := Default()
	return collect(nil, "", nil, reflect.ValueOf(defaults))
}

//go:embed settings.yaml
var settings []byte

// texts returns the texts of all settings by name. TestOptions checks that they are complete.
var texts = sync.OnceValue(func() (byName map[string]string) {
	if err := yaml.Unmarshal(settings, &byName); err != nil {
		return nil
	}
	return byName
})

// isGroup reports whether a field of the type is a group of settings instead of a single one.
func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// collect appends the settings of a group. prefix starts their names, and path is the
// group's place in [Config].
func collect(options []Option, prefix string, path []int, group reflect.Value) []Option {
	for i := range group.NumField() {
		field := group.Type().Field(i)
		name := prefix + field.Tag.Get("yaml")
		at := append(slices.Clone(path), i)
		if isGroup(field.Type) {
			options = collect(options, name+".", at, group.Field(i))
			continue
		}
		o := Option{
			Name:     name,
			Env:      "PEAL_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_")),
			Standard: strings.FieldsFunc(field.Tag.Get("standard"), func(r rune) bool { return r == ',' }),
			Type:     typeName(field.Type),
			Default:  write(group.Field(i).Interface()),
			Doc:      texts()[name],
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

// field returns the option's field of a Config.
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

// write returns a value in the form of the environment.
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

// writeDuration returns a duration without the zero minutes and seconds of its String method.
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
