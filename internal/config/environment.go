package config

import (
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// readEnvironment takes the settings that the environment has. A secret may also
// be in a file that its variable with _FILE names, as container platforms mount them.
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
	err := env.ParseWithOptions(c, env.Options{
		Environment: map[string]string{o.Env: text}, // this one alone, so an error is about it
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[map[string]string](): parseValues,
			reflect.TypeFor[time.Duration]():     func(text string) (any, error) { return ParseDuration(text) },
		},
	})
	if err != nil {
		return o.mismatch(given)
	}
	return nil
}

// parseValues reads names and values from a YAML mapping, which a JSON object is too.
func parseValues(text string) (any, error) {
	var values map[string]string
	err := yaml.Unmarshal([]byte(text), &values)
	return values, err
}

// mismatch says what the option takes instead of the text that was given.
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
