package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
)

const (
	schemaPrefix = "#/components/schemas/"
	yamlType     = "application/yaml"
)

// document is the API's description in its three forms.
type document struct {
	json, page []byte
	yaml       func() ([]byte, error) // made when it is first asked for, which is rare
}

var tags = []*huma.Tag{
	{Name: "Events", Description: "Publish what happened, and see what was published."},
	{Name: "Webhooks", Description: "Who gets which events, where and how."},
	{Name: "Deliveries", Description: "One event for one webhook, and the attempts to deliver it."},
	{Name: "Event types", Description: "The catalogue: what the types of events mean."},
	{Name: "Sources", Description: "Other systems whose webhooks become events."},
	{Name: "Intake", Description: "Where those systems send to. The source's secret is the key."},
	{Name: "Tenants", Description: "Whose webhooks and events they are. Only for operators."},
	{Name: "Keys", Description: "Who may call."},
	{Name: "Users", Description: "Who signs in to the dashboard, and who is signed in."},
	{Name: "Portal", Description: "Links that let a tenant's customers see its webhooks."},
	{Name: "Audit log", Description: "Who did what, when and from where."},
	{Name: "Server", Description: "Probes, and this document. No key is needed."},
}

const introduction = "Send the key as `Authorization: Bearer …`. A tenant's key acts for its tenant; an operator's key acts for the tenant that the header `Peal-Tenant` names, or for `default`.\n\n" +
	"Times are RFC 3339 in UTC. Lists are newest first (or by name) and come in pages: give `next_cursor` as `cursor` to get the next one. " +
	"Bodies are read strictly: an unknown or doubled member is refused. Errors are problems of RFC 9457; `type` says which kind of error it is and never changes, `errors` lists the places. " +
	"Every answer has an `X-Request-Id`, the caller's own if it sent one. Every GET also answers HEAD."

// describe makes the OpenAPI document of the routes.
func (a *API) describe(routes []route) (document, error) {
	registry := huma.NewMapRegistry(schemaPrefix, schemaName)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Peal", Version: a.Version, Description: introduction,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/"}},
		Tags:    tags,
		Components: &huma.Components{
			Schemas:   registry,
			Responses: map[string]*huma.Response{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key": {Type: "http", Scheme: "bearer", Description: "A key, from POST /v1/keys or the server's first start."},
			},
		},
	}
	problem := registry.Schema(reflect.TypeFor[problemShape](), true, "")
	for _, k := range allKinds {
		doc.Components.Responses[responseName(k)] = problemResponse(k, problem)
	}
	for i := range routes {
		doc.AddOperation(operationOf(&routes[i], registry))
	}
	rules := rulesOf(a.Engine.Formats())
	for _, schema := range registry.Map() {
		fill(schema, rules)
		allowNull(schema)
	}
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post, path.Delete, path.Options, path.Patch} {
			if op == nil {
				continue
			}
			for _, parameter := range op.Parameters {
				fill(parameter.Schema, rules)
			}
		}
	}
	var text, pretty bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return document{}, fmt.Errorf("describe the API: %w", err)
	}
	if err := json.Indent(&pretty, text.Bytes(), "", "  "); err != nil {
		return document{}, fmt.Errorf("describe the API: %w", err)
	}
	page, err := renderPage(pretty.Bytes(), routes)
	return document{json: pretty.Bytes(), yaml: sync.OnceValues(func() ([]byte, error) {
		var out bytes.Buffer
		err := yaml.Convert(&out, bytes.NewReader(pretty.Bytes())) // not doc.YAML, which would keep doc in memory
		return out.Bytes(), err
	}), page: page}, err
}

func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.NewReplacer("Shape", "", "Input", "Request").Replace(name)
}

func responseName(k kind) string {
	words := strings.Split(k.name, "-")
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

func problemResponse(k kind, schema *huma.Schema) *huma.Response {
	response := &huma.Response{
		Description: k.title + " (`" + typePrefix + k.name + "`). " + k.advice,
		Headers:     map[string]*huma.Header{front.RequestIDHeader: requestIDDoc()},
		Content:     map[string]*huma.MediaType{problemType[0]: {Schema: schema}},
	}
	switch k.status {
	case http.StatusUnauthorized:
		response.Headers["WWW-Authenticate"] = headerDoc("How to authenticate.")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		response.Headers["Retry-After"] = headerDoc("After how many seconds to try again.")
	}
	return response
}

func headerDoc(doc string) *huma.Header {
	return &huma.Header{Description: doc, Schema: &huma.Schema{Type: "string"}}
}

func requestIDDoc() *huma.Header { return headerDoc("The request's name in the server's log.") }

// ruleOfPath has the rules of the names in paths, by placeholder and tag. A value that breaks
// one names nothing (404), or nothing that could be created (422).
var ruleOfPath = map[string]map[string]string{"{name}": {"Event types": ruleType, "Tenants": ruleTenant}}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func operationOf(rt *route, registry huma.Registry) *huma.Operation {
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, OperationID: rt.id, Tags: []string{rt.tag},
		Summary: rt.summary, Description: rt.description, Responses: map[string]*huma.Response{},
	}
	for _, match := range placeholder.FindAllStringSubmatch(rt.path, -1) {
		schema := &huma.Schema{Type: "string", MinLength: ptr(1)}
		if rule := ruleOfPath[match[0]][rt.tag]; rule != "" {
			schema = &huma.Schema{Type: "string", Format: rule}
		}
		op.Parameters = append(op.Parameters, &huma.Param{Name: match[1], In: "path", Required: true, Schema: schema})
	}
	for _, p := range rt.query {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: ptr(p.schema)})
	}
	for _, p := range rt.headers {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "header", Description: p.doc, Schema: ptr(p.schema)})
	}
	if rt.access != public {
		op.Security = []map[string][]string{{"key": {}}}
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: tenantHeader, In: "header", Description: "The tenant that an operator acts for; default when absent. A tenant's key may only name its own.",
			Schema: &huma.Schema{Type: "string", Format: ruleTenant},
		})
		op.Description = strings.TrimSpace(op.Description + "\n\n" + whoMay(rt.access))
	} else {
		op.Security = []map[string][]string{} // written out: nobody is asked for a key
	}
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: !rt.bodyOptional, Content: map[string]*huma.MediaType{
			jsonType[0]: {Schema: registry.Schema(reflect.TypeOf(rt.body), true, "")},
		}}
	}
	for _, answer := range rt.answers {
		op.Responses[strconv.Itoa(answer.status)] = responseOfAnswer(&answer, registry)
	}
	for _, k := range rt.kinds() {
		op.Responses[strconv.Itoa(k.status)] = &huma.Response{Ref: "#/components/responses/" + responseName(k)}
	}
	return op
}

// whoMay says in words what [identity.Principal.Can] decides.
func whoMay(action access) string {
	text := "For operator keys"
	switch scope, ofKeys := scopeFor(action); {
	case scope == peal.ScopeMetrics:
		text += ", keys with the scope `" + string(scope) + "`"
	case ofKeys:
		text += ", tenant keys with the scope `" + string(scope) + "`"
	}
	var roles []string
	for _, role := range []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer} {
		ofOne := identity.Principal{Kind: identity.KindUser, Role: role, Tenant: peal.DefaultTenant}
		ofAll := identity.Principal{Kind: identity.KindUser, Role: role}
		switch {
		case ofOne.Can(action):
			roles = append(roles, string(role)+"s")
		case ofAll.Can(action):
			roles = append(roles, string(role)+"s of every tenant")
		}
	}
	return text + ", and signed-in " + strings.Join(roles, " and ") + "."
}

func responseOfAnswer(answer *answer, registry huma.Registry) *huma.Response {
	response := &huma.Response{Description: answer.doc, Headers: map[string]*huma.Header{front.RequestIDHeader: requestIDDoc()}}
	for name, doc := range answer.headers {
		response.Headers[name] = headerDoc(doc)
	}
	if answer.body != nil {
		media := jsonType[0]
		if answer.media != "" {
			media = answer.media
		}
		response.Content = map[string]*huma.MediaType{media: {Schema: registry.Schema(reflect.TypeOf(answer.body), true, "")}}
		if answer.other != "" {
			response.Content[answer.other] = response.Content[media]
		}
	}
	return response
}

// allowNull lets a nullable enumeration have null among its values, which the type alone does not.
func allowNull(s *huma.Schema) {
	for _, property := range s.Properties {
		if property.Nullable && len(property.Enum) > 0 {
			property.Enum = append(property.Enum, nil)
		}
	}
}

func (a *API) openAPIJSON(c *call) error { return c.bytes(200, a.document.json) }

func (a *API) openAPIYAML(c *call) error {
	text, err := a.document.yaml()
	if err != nil {
		return err
	}
	return c.text(yamlType, text)
}
