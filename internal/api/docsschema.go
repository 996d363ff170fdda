package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shownSchema is the part of a schema that the page shows.
type shownSchema struct {
	Ref                string `json:"$ref"`
	Type               any
	Description        string
	Format             string
	Default            any
	Examples           []any
	Enum               []any
	Items              *shownSchema
	AnyOf, OneOf       []*shownSchema
	Properties         map[string]*shownSchema
	Required           []string
	Minimum            json.Number
	Maximum            json.Number
	MinLength          json.Number
	MaxLength          json.Number
	MinItems, MaxItems json.Number
}

// shownField is a member of an object.
type shownField struct {
	Name     string
	Required bool
	Schema   *shownSchema
}

// shownFields gives an object's members, those that are needed first.
func shownFields(s *shownSchema) []shownField {
	var fields []shownField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		fields = append(fields, shownField{name, slices.Contains(s.Required, name), s.Properties[name]})
	}
	slices.SortStableFunc(fields, func(a, b shownField) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return fields
}

// link is the name of the shape that the schema refers to; "" when it is one of its own.
func (s *shownSchema) link() string {
	if s == nil {
		return ""
	}
	if s.Ref != "" {
		return strings.TrimPrefix(s.Ref, schemaPrefix)
	}
	for _, one := range slices.Concat(s.AnyOf, s.OneOf) {
		if name := one.link(); name != "" {
			return name
		}
	}
	return s.Items.link()
}

// typeText is the schema's type in words, such as "array of string or null".
func (s *shownSchema) typeText() string {
	if s == nil {
		return ""
	}
	if name := strings.TrimPrefix(s.Ref, schemaPrefix); name != "" {
		return name
	}
	if choices := slices.Concat(s.AnyOf, s.OneOf); len(choices) > 0 {
		words := make([]string, len(choices))
		for i, one := range choices {
			words[i] = one.typeText()
		}
		return strings.Join(words, " or ")
	}
	var words []string
	switch t := s.Type.(type) {
	case string:
		words = []string{t}
	case []any:
		for _, one := range t {
			words = append(words, fmt.Sprint(one))
		}
	default:
		return "any JSON"
	}
	for i, word := range words {
		if word == "array" && s.Items != nil {
			words[i] = "array of " + s.Items.typeText()
		} else if word == "string" && s.Format != "" {
			words[i] = s.Format
		}
	}
	return strings.Join(words, " or ")
}

// rules are the schema's limits in words.
func (s *shownSchema) rules() string {
	var words []string
	if len(s.Enum) > 0 {
		var values []string
		for _, value := range s.Enum {
			if value != nil {
				values = append(values, fmt.Sprint(value))
			}
		}
		words = append(words, "one of "+strings.Join(values, ", "))
	}
	bounds := func(low, high json.Number, unit string) {
		switch {
		case low != "" && high != "":
			words = append(words, fmt.Sprintf("%s to %s%s", low, high, unit))
		case low != "":
			words = append(words, fmt.Sprintf("at least %s%s", low, unit))
		case high != "":
			words = append(words, fmt.Sprintf("at most %s%s", high, unit))
		}
	}
	bounds(s.Minimum, s.Maximum, "")
	bounds(s.MinLength, s.MaxLength, " characters")
	bounds(s.MinItems, s.MaxItems, " items")
	if s.Default != nil {
		words = append(words, fmt.Sprintf("default %v", s.Default))
	}
	return strings.Join(words, "; ")
}
