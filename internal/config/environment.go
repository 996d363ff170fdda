package config

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// readEnvironment reads the settings in the environment. The variable of a secret with the
// suffix _FILE names a file with the value, as container platforms mount them.
func (l *Loaded) readEnvironment(options []Option, getenv func(string) string) error {
	noTelemetry := strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none"
	for i := range options {
		o := &options[i]
		text, from := getenv(o.Env), o.Env
		if path := getenv(o.Env + "_FILE"); o.Secret && path != "" {
			if text != "" {
				return peal.Invalidf(o.Env, "is set, and so is %s_FILE: set one of them", o.Env)
			}
			from = o.Env + "_FILE"
			content, err := os.ReadFile(path)
			if err != nil {
				return &peal.Error{Code: peal.Invalid, Field: from, Message: "names a file that cannot be read", Err: err}
			}
			if text = strings.TrimRight(string(content), "\r\n"); text == "" {
				return peal.Invalidf(from, "names a file that is empty: %s", path)
			}
		}
		for _, standard := range o.Standard {
			if text == "" && !noTelemetry {
				text, from = getenv(standard), standard
			}
		}
		if text == "" {
			continue
		}
		parse := func() error { return o.parse(&l.Config, text) }
		if o.Name == variablesName {
			parse = func() error { return l.parseVariables(o, text) }
		}
		if err := parse(); err != nil {
			return peal.Invalidf(from, "%s", err)
		}
		l.origins[o.Name] = "env " + from
	}
	return nil
}

// parse sets the option from the text of an environment variable or a flag.
func (o *Option) parse(c *Config, text string) error {
	given := text
	if strings.HasPrefix(o.Type, "list") {
		text = strings.ReplaceAll(text, ", ", ",")
	}
	value := reflect.New(o.field(c).Type())
	if err := parse(value, text); err != nil {
		return o.mismatch(given)
	}
	o.field(c).Set(value.Elem())
	return nil
}

// parse sets the variable that to points to, which has the type of a setting.
func parse(to reflect.Value, text string) error {
	switch v := to.Interface().(type) {
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	case *time.Duration:
		d, err := ParseDuration(text)
		*v = d
		return err
	case *bool:
		b, err := strconv.ParseBool(text)
		*v = b
		return err
	case *int:
		n, err := strconv.ParseInt(text, 10, 32)
		*v = int(n)
		return err
	case *float64:
		f, err := strconv.ParseFloat(text, 64)
		*v = f
		return err
	case *string:
		*v = text
		return nil
	case *map[string]string: // a YAML mapping; a JSON object is one
		return yaml.Unmarshal([]byte(text), v)
	}
	if to.Elem().Kind() != reflect.Slice {
		return fmt.Errorf("a %s cannot be parsed", to.Elem().Type()) // TestDefaultsCanBeWritten covers every type
	}
	parts := strings.Split(text, ",")
	list := reflect.MakeSlice(to.Elem().Type(), len(parts), len(parts))
	for i, part := range parts {
		if err := parse(list.Index(i).Addr(), part); err != nil {
			return err
		}
	}
	to.Elem().Set(list)
	return nil
}

// mismatch returns the error for a value that the option cannot have.
func (o *Option) mismatch(given string) error {
	takes := map[string]string{
		"switch":            "true or false",
		"number":            "a number",
		"duration":          "a duration such as 30s, 5m, 2h or 7d",
		"size":              "a size in bytes such as 300000, 256KiB or 1MiB",
		"list of durations": "durations such as 5s, 5m, 2h",
		"list of ports":     "ports or ranges such as 443, 1024-65535",
		"list of texts":     "texts such as a.example.com, *.example.org",
		"address":           "an address such as 10.1.2.3",
		"list of networks":  "networks or addresses such as 10.1.0.0/16, 10.2.3.4",
		"names and values":  "names and their values, each a text",
		"text":              "a text",
	}[o.Type]
	if o.Secret || given == "" {
		return peal.Errorf(peal.Invalid, "must be %s", takes)
	}
	return peal.Errorf(peal.Invalid, "must be %s, not %q", takes, given)
}
