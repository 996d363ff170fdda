package config

import (
	"os"
	"strings"

	"github.com/pealhq/peal"
)

func (e *entry) secret(v place) error {
	value, err := e.text(v)
	if err != nil {
		return err
	}
	return e.setSecret(v, value)
}

func (e *entry) setSecret(v place, value string) error {
	e.into.Settings.Secrets = []peal.Secret{{Value: value}}
	return e.once("secret", v)
}

func (e *entry) authorization(v place) error {
	value, err := e.text(v)
	if err != nil {
		return err
	}
	return e.setAuthorization(v, value)
}

func (e *entry) setAuthorization(v place, value string) error {
	e.into.Settings.Authorization = value
	return e.once("authorization", v)
}

// once refuses a value that was given in two ways, and lets a later error about it
// name the line of the way that was used.
func (e *entry) once(field string, v place) error {
	prefix := v.name[:strings.Index(v.name, "].")+2] // of the entry
	if other := e.sources[field]; other != "" {
		return e.refuse(v.key, v.name, "is given, and so is %s: give one of them", other)
	}
	e.sources[field] = v.key.Value
	e.file.into.origins[prefix+field] = e.origin(v.key)
	return nil
}

// fromFile reads a value from the file that is named.
func fromFile(set func(*entry, place, string) error) func(*entry, place) error {
	return func(e *entry, v place) error {
		path, err := e.text(v)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return e.wrong(v, "names a file that cannot be read: %s", err)
		}
		value := strings.TrimRight(string(content), "\r\n")
		if value == "" {
			return e.wrong(v, "names a file that is empty: %s", path)
		}
		return set(e, v, value)
	}
}

// fromEnvironment reads a value from the variable that is named.
func fromEnvironment(set func(*entry, place, string) error) func(*entry, place) error {
	return func(e *entry, v place) error {
		name, err := e.text(v)
		if err != nil {
			return err
		}
		value := ""
		if e.getenv != nil {
			value = e.getenv(name)
		}
		if value == "" {
			return e.wrong(v, "names a variable that is not set: %s", name)
		}
		return set(e, v, value)
	}
}
