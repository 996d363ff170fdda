package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// readFile takes the settings that the file has. It is strict: what it does not
// know, or finds twice, is refused with its line.
func (l *Loaded) readFile(options []Option, sources Sources) error {
	path := sources.File
	name := path
	if name == "" {
		name = DefaultFile
	}
	content, err := os.ReadFile(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &peal.Error{Code: peal.Invalid, Field: name, Message: "the configuration file cannot be read", Err: err}
	}
	l.File, l.Webhooks = name, []Webhook{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil // empty, or comments only
	} else if err != nil {
		return notYAML(name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return peal.Invalidf(name, "holds more than one YAML document")
	}
	f := file{name: name, options: options, getenv: sources.Env, into: l}
	return f.group("", document.Content[0])
}

// notYAML moves the line to where editors look for it, and keeps a value out of
// the message: it may be part of a secret.
func notYAML(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "anchor") {
		text = "a value that starts with * or & must be in quotes"
	}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, problem, ok := strings.Cut(rest, ": "); ok {
			name, text = name+":"+line, problem
		}
	}
	return peal.Invalidf(name, "is not valid YAML: %s", text)
}

type file struct {
	name    string
	options []Option
	getenv  func(string) string // nil for no environment
	into    *Loaded
}

// refuse returns an error about a place in the file.
func (f *file) refuse(node *yaml.Node, setting, format string, args ...any) error {
	place := fmt.Sprintf("%s:%d", f.name, node.Line)
	if setting != "" {
		place += ": " + setting
	}
	return peal.Invalidf(place, format, args...)
}

// group reads a mapping of settings or groups of settings; prefix is the group's name with a dot,
// or "".
func (f *file) group(prefix string, mapping *yaml.Node) error {
	if isNull(mapping) {
		return nil // a heading with everything below it commented out
	}
	if mapping.Kind != yaml.MappingNode {
		return f.refuse(mapping, strings.TrimSuffix(prefix, "."), "must be settings, each as \"name: value\"")
	}
	if second, line := repeated(mapping); second != nil {
		return f.refuse(second, prefix+second.Value, "is a duplicate of the one in line %d", line)
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := prefix + key.Value
		value = resolve(value)
		var err error
		if name == webhooksName {
			err = f.webhooks(value)
		} else if name == formatsName {
			err = f.formats(value)
		} else if option := f.option(name); option != nil {
			err = f.setting(option, key, value)
		} else if f.isGroup(name) {
			err = f.group(name+".", value)
		} else {
			err = f.refuse(key, name, "is not a setting%s", f.suggestion(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *file) setting(o *Option, key, value *yaml.Node) error {
	if isNull(value) && o.redact != "values" {
		return f.refuse(key, o.Name, "has no value: give one or take the line out")
	}
	if o.Name == variablesName {
		if err := f.variables(o, value); err != nil {
			return err
		}
	} else if err := f.decode(o, value); err != nil {
		return err
	}
	f.into.origins[o.Name] = fmt.Sprintf("%s:%d", f.name, key.Line)
	return nil
}

// variables reads the variables of headers.
func (f *file) variables(o *Option, value *yaml.Node) error {
	if value.Kind == yaml.MappingNode {
		if second, line := repeated(value); second != nil {
			return f.refuse(second, o.Name+"."+second.Value, "is a duplicate of the one in line %d", line)
		}
	}
	at, err := f.into.variables(value)
	if err == nil {
		return nil
	}
	name, message := o.Name, err.Error()
	if e, ok := err.(*peal.Error); ok && e.Field != "" {
		name, message = e.Field, e.Message
	}
	return f.refuse(at, name, "%s", message)
}

// decode sets the option. A single value is read as the environment and the flags
// read it, so that one text means the same everywhere.
func (f *file) decode(o *Option, value *yaml.Node) error {
	target := o.field(&f.into.Config)
	target.SetZero() // a list or a mapping replaces the default, it does not add to it
	switch {
	case value.Kind == yaml.ScalarNode && value.Value == "":
		return nil
	case value.Kind == yaml.ScalarNode && o.redact != "values":
		if err := o.parse(&f.into.Config, value.Value); err != nil {
			return f.refuse(value, o.Name, "%s", err)
		}
		return nil
	case value.Kind == yaml.MappingNode:
		if second, line := repeated(value); second != nil {
			return f.refuse(second, o.Name+"."+second.Value, "is a duplicate of the one in line %d", line)
		}
	}
	if value.Kind == yaml.SequenceNode && o.Type == "list of durations" {
		return f.durations(o, value)
	}
	if err := value.Decode(target.Addr().Interface()); err != nil {
		return f.refuse(value, o.Name, "%s", o.mismatch(""))
	}
	return nil
}

// durations reads a list of durations, which may be in days.
func (f *file) durations(o *Option, list *yaml.Node) error {
	durations := make([]time.Duration, len(list.Content))
	for i, item := range list.Content {
		var err error
		if durations[i], err = ParseDuration(resolve(item).Value); err != nil {
			return f.refuse(item, o.Name, "%s", o.mismatch(""))
		}
	}
	o.field(&f.into.Config).Set(reflect.ValueOf(durations))
	return nil
}

// repeated returns the second occurrence of a key in a mapping, and the line of the first.
func repeated(mapping *yaml.Node) (second *yaml.Node, first int) {
	lines := make(map[string]int)
	for i := 0; i < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if line, twice := lines[key.Value]; twice {
			return key, line
		}
		lines[key.Value] = key.Line
	}
	return nil, 0
}

func (f *file) option(name string) *Option {
	for i := range f.options {
		if f.options[i].Name == name {
			return &f.options[i]
		}
	}
	return nil
}

func (f *file) isGroup(name string) bool {
	for i := range f.options {
		if strings.HasPrefix(f.options[i].Name, name+".") {
			return true
		}
	}
	return false
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
