package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// item reads one item of a list of the file, such as "webhooks".
type item struct {
	*file
	kind string    // what it is, such as "a webhook"
	rows []Setting // as config print shows it
}

// place is a value in the file and what errors call it.
type place struct {
	name string // such as webhooks[0].url
	key  *yaml.Node
	*yaml.Node
}

// items reads a whole list. read reads each item into the file's settings and returns its name,
// which must be unique in the list.
func (f *file) items(name string, list *yaml.Node, read func(p place) (string, error)) error {
	if isNull(list) {
		return nil // a heading with everything below it commented out
	}
	if list.Kind != yaml.SequenceNode {
		return f.refuse(list, name, "must be a list, each entry as \"- name: value\"")
	}
	lines := make(map[string]int) // of the names
	for i, node := range list.Content {
		p := place{fmt.Sprintf("%s[%d]", name, i), node, resolve(node)}
		own, err := read(p)
		if err != nil {
			return err
		}
		if own == "" {
			return f.refuse(p.Node, p.name+".name", "is missing; name the entry uniquely")
		}
		if line, taken := lines[own]; taken {
			return f.refuse(p.Node, p.name+".name", "is the name of the entry in line %d, too; choose another", line)
		}
		lines[own] = p.Line
	}
	return nil
}

// mapping reads names and values, each by its own function.
func (e *item) mapping(p place, of string, fields map[string]func(place) error) error {
	if p.Kind != yaml.MappingNode {
		return e.refuse(p.Node, p.name, "must be %s, each as \"name: value\"", of)
	}
	if second, line := repeated(p.Node); second != nil {
		return e.refuse(second, p.name+"."+second.Value, "is a duplicate of the one in line %d", line)
	}
	e.file.into.origins[p.name] = e.origin(p.key)
	for i := 0; i < len(p.Content); i += 2 {
		key := p.Content[i]
		v := place{p.name + "." + key.Value, key, resolve(p.Content[i+1])}
		read, ok := fields[key.Value]
		if !ok {
			return e.refuse(key, v.name, "is not a setting of %s%s", e.kind, nearest(key.Value, fields))
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
func (e *item) show(p place, value string) {
	e.rows = append(e.rows, Setting{Name: p.name, Value: value, Origin: e.origin(p.key)})
}

// wrong returns an error about a value.
func (e *item) wrong(p place, format string, args ...any) error {
	return e.refuse(p.Node, p.name, format, args...)
}

func (e *item) text(v place) (string, error) {
	switch {
	case v.Kind != yaml.ScalarNode:
		return "", e.wrong(v, "must be a text")
	case v.Value == "":
		return "", e.wrong(v, "is empty: give a value or take the line out")
	}
	return v.Value, nil
}

func (e *item) number(v place) (float64, error) {
	n, err := strconv.ParseFloat(v.Value, 64)
	if v.Kind != yaml.ScalarNode || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, e.wrong(v, "must be a number")
	}
	return n, nil
}

func (e *item) whole(v place) (int, error) {
	n, err := strconv.ParseInt(v.Value, 10, 32)
	if v.Kind != yaml.ScalarNode || err != nil {
		return 0, e.wrong(v, "must be a whole number")
	}
	return int(n), nil
}

// list returns the values of a list.
func (e *item) list(v place, of string) ([]place, error) {
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

// headers reads names of headers and their values, which may be secret.
func (e *item) headers(v place) (map[string]string, error) {
	if v.Kind != yaml.MappingNode {
		return nil, e.wrong(v, "must be names of headers and their values")
	}
	headers := make(map[string]string)
	fields := make(map[string]func(place) error)
	for i := 0; i < len(v.Content); i += 2 {
		name := v.Content[i].Value
		fields[name] = func(v place) (err error) {
			e.rows[len(e.rows)-1].Value = redacted
			headers[name], err = e.text(v)
			return err
		}
	}
	return headers, e.mapping(v, "names of headers and their values", fields)
}

// policy reads a retry policy: what changes the one that would be inherited.
func (e *item) policy(v place) (func(peal.RetryPolicy) peal.RetryPolicy, error) {
	var changes []func(*peal.RetryPolicy)
	change := func(c func(*peal.RetryPolicy)) { changes = append(changes, c) }
	err := e.mapping(v, "delays_seconds and so on", map[string]func(place) error{
		"delays_seconds": func(v place) error {
			values, err := e.list(v, "seconds")
			if err != nil {
				return err
			}
			delays := make([]time.Duration, len(values))
			for i, value := range values {
				if delays[i], err = e.seconds(value); err != nil {
					return err
				}
			}
			change(func(p *peal.RetryPolicy) { p.Delays = slices.Clone(delays) })
			return nil
		},
		"jitter": func(v place) error {
			jitter, err := e.number(v)
			change(func(p *peal.RetryPolicy) { p.Jitter = jitter })
			return err
		},
		"disable_after_exhausted": func(v place) error {
			n, err := e.whole(v)
			change(func(p *peal.RetryPolicy) { p.DisableAfterExhausted = n })
			return err
		},
		"disable_after_seconds": func(v place) error {
			d, err := e.seconds(v)
			change(func(p *peal.RetryPolicy) { p.DisableAfterFailing = d })
			return err
		},
	})
	return func(p peal.RetryPolicy) peal.RetryPolicy {
		for _, change := range changes {
			change(&p)
		}
		return p
	}, err
}

// seconds reads a duration, to the millisecond. What a duration cannot hold becomes
// one that breaks every limit.
func (e *item) seconds(v place) (time.Duration, error) {
	const most = math.MaxInt64 / 1e9 / 2
	n, err := e.number(v)
	return time.Duration(math.Round(max(-most, min(most, n))*1000)) * time.Millisecond, err
}
