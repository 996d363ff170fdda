package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

//go:embed page/docs.html
var docsTemplate string

//go:embed page/docs.css
var docsCSS []byte

// pagePolicy lets the page load its own style sheet and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The parts of the OpenAPI document that the page shows.
type (
	shownDocument struct {
		Info       struct{ Title, Version, Description string }
		Tags       []shownTag
		Paths      map[string]map[string]*shownOperation
		Components struct {
			Schemas map[string]*shownSchema
		}
	}
	shownTag struct {
		Name, Description string
		Operations        []*shownOperation `json:"-"`
	}
	shownOperation struct {
		Method, Path string `json:"-"`
		OperationID  string
		Tags         []string
		Summary      string
		Description  string
		Parameters   []struct {
			Name, In, Description string
			Required              bool
			Schema                *shownSchema
		}
		RequestBody *struct {
			Required bool
			Content  map[string]struct{ Schema *shownSchema }
		}
		Responses map[string]*shownResponse
	}
	shownResponse struct {
		Description string
		Content     map[string]struct{ Schema *shownSchema }
	}
)

// renderPage shows the document as a page that needs no script.
func renderPage(document []byte, routes []route) ([]byte, error) {
	var doc shownDocument
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	for i := range doc.Tags {
		tag := &doc.Tags[i]
		for _, rt := range routes { // in the order of the table
			if rt.tag != tag.Name {
				continue
			}
			op := doc.Paths[rt.path][strings.ToLower(rt.method)]
			op.Method, op.Path = rt.method, rt.path
			tag.Operations = append(tag.Operations, op)
		}
	}
	page, err := template.New("docs").Funcs(template.FuncMap{
		"prose": prose, "lower": strings.ToLower, "fields": shownFields, "kinds": shownKinds, "resolve": doc.resolve,
		"type": (*shownSchema).typeText, "link": (*shownSchema).link, "rules": (*shownSchema).rules,
		"successes": func(r map[string]*shownResponse) []shownAnswer { return shownAnswers(r, false) },
		"failures":  func(r map[string]*shownResponse) []shownAnswer { return shownAnswers(r, true) },
	}).Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the page's template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, &doc); err != nil {
		return nil, fmt.Errorf("render the API's page: %w", err)
	}
	return out.Bytes(), nil
}

// resolve follows a schema's reference.
func (d *shownDocument) resolve(s *shownSchema) *shownSchema {
	if name, isRef := strings.CutPrefix(s.Ref, schemaPrefix); isRef {
		return d.Components.Schemas[name]
	}
	return s
}

type shownAnswer struct {
	Status   string
	Response *shownResponse
}

// shownAnswers returns the responses of an operation that are errors, or those that are not.
func shownAnswers(responses map[string]*shownResponse, errors bool) []shownAnswer {
	var list []shownAnswer
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		if (status >= "4") == errors {
			list = append(list, shownAnswer{status, responses[status]})
		}
	}
	return list
}

type shownKind struct {
	Type, Title, Advice string
	Status              int
}

func shownKinds() []shownKind {
	list := make([]shownKind, len(allKinds))
	for i, k := range allKinds {
		list[i] = shownKind{typePrefix + k.name, k.title, k.advice, k.status}
	}
	return list
}

// prose returns a description as HTML, with its paragraphs and `code`.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph == "" {
			continue
		}
		out.WriteString("<p>")
		out.WriteString(string(inline(paragraph)))
		out.WriteString("</p>")
	}
	return template.HTML(out.String())
}

func inline(text string) template.HTML {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			out.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
		} else {
			out.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(out.String())
}

func (a *API) docsPage(c *call) error {
	page, err := a.document.page()
	if err != nil {
		return err
	}
	c.Header().Set("Content-Security-Policy", pagePolicy)
	c.Header().Set("Referrer-Policy", "no-referrer")
	return c.text("text/html; charset=utf-8", page)
}

func (a *API) docsStyle(c *call) error { return c.text("text/css; charset=utf-8", docsCSS) }

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

// shownFields returns the members of an object, required ones first.
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

// link returns the name of the schema that s refers to; "" if s is inline.
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

// typeText returns the type of the schema in words, such as "array of string or null".
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

// rules returns the limits of the schema in words.
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
