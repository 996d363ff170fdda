package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// structType writes a schema as a struct. Where it has all members of a smaller schema of
// the same thing, the struct embeds that one.
func (g *generator) structType(name string) error {
	if g.written[name] {
		return nil
	}
	g.written[name] = true
	s := g.schemas[name]
	if s == nil {
		return fmt.Errorf("is not in the document")
	}
	input, part := g.inputs[name], g.partOf(name)
	if part != "" {
		g.need(part)
	}
	var fields strings.Builder
	var own []string // the Go names of the fields that are not in the part
	clears := false
	for _, property := range propertiesInOrder(s) {
		p := s.Properties[property]
		clears = clears || input && isNullable(p)
		if part != "" && g.schemas[part].Properties[property] != nil {
			continue
		}
		optional := input && !slices.Contains(s.Required, property)
		kind, err := g.fieldType(name, property, p, optional)
		if err != nil {
			return fmt.Errorf("%s: %w", property, err)
		}
		comment(&fields, "\t", p.Description)
		tag := property
		if optional {
			tag += ",omitzero"
		}
		own = append(own, goName(property))
		fmt.Fprintf(&fields, "\t%s %s `json:%q`\n", goName(property), kind, tag)
	}
	comment(&g.types, "", typeDoc(name, input))
	fmt.Fprintf(&g.types, "type %s struct {\n%s", typeNameOf(name), fields.String())
	if part != "" {
		fmt.Fprintf(&g.types, "\t%s\n", typeNameOf(part))
	} else if clears {
		comment(&g.types, "\t", "Clear names members, as in the JSON, that are set to null: each takes its default again.")
		g.types.WriteString("\tClear []string `json:\"-\"`\n")
	}
	g.types.WriteString("}\n\n")
	if clears {
		g.marshal(typeNameOf(name), typeNameOf(part), fields.String(), own)
	}
	return nil
}

// partOf returns the name of the schema that a schema adds members to; "" for none.
func (g *generator) partOf(name string) string {
	part := ""
	switch {
	case strings.HasSuffix(name, "CreateRequest"):
		part = strings.TrimSuffix(name, "CreateRequest") + "Request"
	case strings.HasPrefix(name, "Created"):
		part = strings.TrimPrefix(name, "Created")
	case strings.HasSuffix(name, "Detail"):
		part = strings.TrimSuffix(name, "Detail")
	}
	if g.schemas[part] == nil || g.schemas[name].Properties[strings.ToLower(part)] != nil { // a field of the embedded one's name
		return ""
	}
	for property := range g.schemas[part].Properties {
		if g.schemas[name].Properties[property] == nil {
			return ""
		}
	}
	return part
}

// marshal writes the MarshalJSON of an input with members that can be null. If the struct embeds a
// part with such a method, that method would hide the other fields.
func (g *generator) marshal(name, part, fields string, own []string) {
	fmt.Fprintf(&g.types, "// MarshalJSON writes the members that are set, and null for those in Clear.\nfunc (r %s) MarshalJSON() ([]byte, error) {\n", name)
	if part == "" {
		fmt.Fprintf(&g.types, "\ttype plain %s\n\treturn withNulls(plain(r), r.Clear)\n}\n\n", name)
		return
	}
	fmt.Fprintf(&g.types, "\ttype plain %s\n\treturn withNulls(struct {\n%s\t\tplain\n\t}{", part, fields)
	for _, field := range own {
		fmt.Fprintf(&g.types, "r.%s, ", field)
	}
	fmt.Fprintf(&g.types, "plain(r.%s)}, r.Clear)\n}\n\n", part)
}

func typeDoc(name string, input bool) string {
	if input {
		return typeNameOf(name) + " is the schema " + name + " of the API. A field that is not set is left out: it keeps its value, or takes its default on creation."
	}
	return typeNameOf(name) + " is the schema " + name + " of the API. A member that is null has its zero value here."
}

// typeNameOf returns the Go name of a schema's type.
func typeNameOf(schema string) string { return strings.ReplaceAll(schema, "Oauth2", "OAuth2") }

// propertiesInOrder returns the names of a schema's properties: the required ones as the
// document orders them, then the others by name.
func propertiesInOrder(s *schema) []string {
	names := slices.Clone(s.Required)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// fieldType returns the Go type of a property. Those of optional members have a zero value
// that no set member has: a nil pointer, slice or map.
func (g *generator) fieldType(owner, property string, s *schema, optional bool) (string, error) {
	kind, err := g.goType(owner, property, s)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(kind, "*") || strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "map[") || kind == "json.RawMessage" {
		return kind, nil
	}
	if optional && kind != "time.Time" || !optional && isNullable(s) && (kind == "int" || kind == "float64" || kind == "bool") {
		return "*" + kind, nil
	}
	return kind, nil
}

func (g *generator) goType(owner, property string, s *schema) (string, error) {
	if s.Ref != "" {
		return g.reference(s.Ref), nil
	}
	for _, choice := range slices.Concat(s.AnyOf, s.OneOf) {
		if choice.Ref != "" {
			return "*" + g.reference(choice.Ref), nil
		}
		if choice.Items != nil { // a list, or a single one as a string
			return g.goType(owner, property, choice)
		}
	}
	switch typeName(s) {
	case "":
		return "json.RawMessage", nil // any value
	case "string":
		switch {
		case s.Format == "date-time" && property != "time": // an event's time stays as its publisher wrote it
			return "time.Time", nil
		case len(s.Enum) > 1:
			return g.enum(owner, property, s.Enum)
		}
		return "string", nil
	case "integer":
		return "int", nil
	case "number":
		return "float64", nil
	case "boolean":
		return "bool", nil
	case "array":
		item, err := g.goType(owner, property, s.Items)
		return "[]" + item, err
	case "object":
		switch value := string(s.Additional); {
		case value == "" || value == "true" || value == "false":
			return "json.RawMessage", nil
		case strings.Contains(value, `"integer"`):
			return "map[string]int", nil
		}
		return "map[string]string", nil
	}
	return "", fmt.Errorf("type %v is not known", s.Type)
}

func (g *generator) reference(ref string) string {
	name := ref[strings.LastIndex(ref, "/")+1:]
	g.need(name)
	return typeNameOf(name)
}

// need queues a schema if its type is not written yet.
func (g *generator) need(name string) {
	if !g.written[name] && !slices.Contains(g.pending, name) {
		g.pending = append(g.pending, name)
	}
}

// singular maps the names of lists of values to that of one value.
var singular = map[string]string{"statuses": "status", "scopes": "scope"}

// namedValues is a named string type with a closed set of values.
type namedValues struct {
	name, property string
	values         []string
}

// enum returns the named string type of a property with a closed set of values. Properties of
// one name and the same values share a type: the status in WebhookRequest is a WebhookStatus,
// as in Webhook. A list may hold fewer of the values.
func (g *generator) enum(owner, property string, values []any) (string, error) {
	var texts []string
	for _, value := range values {
		if text, ok := value.(string); ok {
			texts = append(texts, text)
		}
	}
	one, list := singular[property]
	if list {
		property = one
	}
	for _, known := range g.enums {
		missing := slices.ContainsFunc(texts, func(text string) bool { return !slices.Contains(known.values, text) })
		if known.property == property && !missing && (list || len(texts) == len(known.values)) {
			return known.name, nil
		}
	}
	for _, suffix := range []string{"CreateRequest", "Request", "Detail", "Row"} {
		owner = strings.TrimSuffix(owner, suffix)
	}
	name := owner + goName(property)
	if property == "role" {
		name = "Role" // of users and of their sessions
	}
	if slices.ContainsFunc(g.enums, func(known namedValues) bool { return known.name == name }) {
		return "", fmt.Errorf("%s would be the name of two sets of values", name)
	}
	g.enums = append(g.enums, namedValues{name, property, texts})
	fmt.Fprintf(&g.types, "// %s is text with one of the values below.\ntype %s = string\n\n// The values of [%s].\nconst (\n", name, name, name)
	for _, text := range texts {
		fmt.Fprintf(&g.types, "\t%s%s %s = %q\n", name, goName(text), name, text)
	}
	g.types.WriteString(")\n\n")
	return name, nil
}

func typeName(s *schema) string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if name, _ := one.(string); name != "null" {
				return name
			}
		}
	}
	return ""
}

func isNullable(s *schema) bool {
	if list, ok := s.Type.([]any); ok && slices.Contains(list, any("null")) {
		return true
	}
	return slices.ContainsFunc(s.AnyOf, func(choice *schema) bool { return choice.Type == "null" })
}
