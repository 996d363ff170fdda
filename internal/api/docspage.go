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
		for _, rt := range routes { // the table has the order that reads best
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

// shownAnswers gives the answers of an operation that are errors, or those that are none.
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

// prose makes paragraphs and `code` of a description.
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
	c.Header().Set("Content-Security-Policy", pagePolicy)
	c.Header().Set("Referrer-Policy", "no-referrer")
	return c.text("text/html; charset=utf-8", a.document.page)
}

func (a *API) docsStyle(c *call) error { return c.text("text/css; charset=utf-8", docsCSS) }
