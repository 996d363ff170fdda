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
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/wire"
)

const (
	schemaPrefix = "#/components/schemas/"
	yamlType     = "application/yaml"
)

// document is the description of the API in its three forms. Each is computed at its first request:
// requests are rare, and a server starts faster without it.
type document struct{ json, yaml, page func() ([]byte, error) }

// documentOf returns the description of the routes.
func (a *API) documentOf(routes []route) document {
	text := sync.OnceValues(func() ([]byte, error) { return a.describe(routes) })
	return document{
		json: text,
		yaml: sync.OnceValues(func() ([]byte, error) {
			described, err := text()
			if err != nil {
				return nil, err
			}
			var out bytes.Buffer
			err = yaml.Convert(&out, bytes.NewReader(described))
			return out.Bytes(), err
		}),
		page: sync.OnceValues(func() ([]byte, error) {
			described, err := text()
			if err != nil {
				return nil, err
			}
			return renderPage(described, routes)
		}),
	}
}

var tags = []*huma.Tag{
	{Name: "Events", Description: "Publish events, and list published ones."},
	{Name: "Webhooks", Description: "Endpoints that receive events, and how."},
	{Name: "Deliveries", Description: "An event for one webhook, with the attempts to deliver it."},
	{Name: "Event types", Description: "The catalogue, which describes the types of events."},
	{Name: "Sources", Description: "Other systems that send webhooks, which become events."},
	{Name: "Intake", Description: "The addresses to which those systems send. The secret of the source is the key."},
	{Name: "Tenants", Description: "Owners of webhooks and events. Only for operators."},
	{Name: "Keys", Description: "API keys."},
	{Name: "Users", Description: "Users of the dashboard, and sessions."},
	{Name: "Portal", Description: "Links with which a tenant's customers see its webhooks."},
	{Name: "Audit log", Description: "Who did what, when and from where."},
	{Name: "Server", Description: "Probes and this document, which need no key."},
}

const introduction = "Send the key as `Authorization: Bearer …`. A tenant's key acts for its tenant; an operator's key acts for the tenant that the header `Peal-Tenant` names, or for `default`.\n\n" +
	"Times are RFC 3339 in UTC. Lists are newest first (or by name) and come in pages: pass `next_cursor` as `cursor` to get the next one. " +
	"Bodies are read strictly: an unknown or duplicate member is refused. Errors are problems (RFC 9457); `type` identifies the kind of error and never changes, `errors` lists the faults. " +
	"Every answer has an `X-Request-Id`, that of the request if it has one. Every GET also answers HEAD."

// describe returns the OpenAPI document of the routes as JSON.
func (a *API) describe(routes []route) ([]byte, error) {
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
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	if err := json.Indent(&pretty, text.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	return pretty.Bytes(), nil
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
		response.Headers["Retry-After"] = headerDoc("The number of seconds to wait before trying again.")
	}
	return response
}

func headerDoc(doc string) *huma.Header {
	return &huma.Header{Description: doc, Schema: &huma.Schema{Type: "string"}}
}

func requestIDDoc() *huma.Header { return headerDoc("Identifies the request in the server's log.") }

// ruleOfPath has the rules of the names in paths, by placeholder and tag. A value that breaks a
// rule is answered with 404, or with 422 by a route that would create it.
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
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.doc,
			Schema: ptr(p.schema)})
	}
	for _, p := range rt.headers {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "header", Description: p.doc,
			Schema: ptr(p.schema)})
	}
	if rt.access != public {
		op.Security = []map[string][]string{{"key": {}}}
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: tenantHeader, In: "header", Description: "The tenant that an operator acts for; default if absent. A tenant's key may only name its own tenant.",
			Schema: &huma.Schema{Type: "string", Format: ruleTenant},
		})
		op.Description = strings.TrimSpace(op.Description + "\n\n" + whoMay(rt.access))
	} else {
		op.Security = []map[string][]string{} // explicitly without a key
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

// whoMay describes the callers for whom [identity.Principal.Can] allows action.
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

// allowNull adds null to the values of nullable enumerations, because a nullable type is not
// enough.
func allowNull(s *huma.Schema) {
	for _, property := range s.Properties {
		if property.Nullable && len(property.Enum) > 0 {
			property.Enum = append(property.Enum, nil)
		}
	}
}

func (a *API) openAPIJSON(c *call) error {
	text, err := a.document.json()
	if err != nil {
		return err
	}
	return c.bytes(http.StatusOK, text)
}

func (a *API) openAPIYAML(c *call) error {
	text, err := a.document.yaml()
	if err != nil {
		return err
	}
	return c.text(yamlType, text)
}

// Names of rules. A struct tag such as format:"event-type" refers to one; describe replaces it with
// the rule.
const (
	ruleType         = "event-type"
	rulePrefix       = "event-prefix"
	ruleEventID      = "event-id"
	ruleTenant       = "tenant-name"
	ruleCatalogue    = "catalogue-name"
	ruleSource       = "source-name"
	ruleURL          = "endpoint-url"
	ruleHeaderValue  = "header-value"
	rulePin          = "public-key-pin"
	ruleFormat       = "webhook-format"
	ruleSourceFormat = "source-format"
	ruleWebhookID    = "webhook-id"
	ruleUserID       = "user-id"
)

// Regular expressions of the rules. They use only the syntax that JSON Schema recommends, which all
// dialects share. A test compares them with the functions of package peal.
const (
	segments      = `[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*`
	idPattern     = "[0-7][0-9a-hjkmnp-tv-z]{25}$"
	spaces        = " \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000" // as [strings.TrimSpace] has them
	visible       = `[^\x00-\x1F\x7F` + spaces + `]`
	headerPattern = "^(" + visible + `([^\x00-\x08\x0A-\x1F\x7F]*` + visible + ")?)?$"
	headerName    = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
	scopePattern  = `^[!#-\[\]-~]+$`
	urlPattern    = `^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?([/?][^\x00-\x20\x7F#]*)?$`
)

// rulesOf returns the schemas of the values that package peal and the engine check, by name.
// The formats are those of webhooks.
func rulesOf(webhookFormats []*wire.Format) map[string]huma.Schema {
	text := func(least, most int, pattern string) huma.Schema {
		s := huma.Schema{MaxLength: &most, Pattern: pattern}
		if least > 0 {
			s.MinLength = &least
		}
		return s
	}
	rules := map[string]huma.Schema{
		ruleType:        text(1, peal.MaxTypeLength, "^"+segments+"$"),
		rulePrefix:      text(1, peal.MaxTypeLength+len(".*"), "^"+segments+`\.\*$`),
		ruleEventID:     text(1, peal.MaxEventIDLength, "^([!-\\-0-~]|[!-\\-/-~][!-~]|[!-~][!-\\-/-~]|[!-~]{3,})$"),
		ruleTenant:      text(1, peal.MaxTenantLength, "^[A-Za-z0-9][A-Za-z0-9._:@-]*$"),
		ruleCatalogue:   text(1, peal.MaxCatalogueLength, "^[A-Za-z0-9][A-Za-z0-9._-]*$"),
		ruleSource:      text(1, peal.MaxSourceName, "^[A-Za-z0-9][A-Za-z0-9._-]*$"),
		ruleURL:         text(1, peal.MaxURLLength, urlPattern),
		ruleHeaderValue: text(0, peal.MaxHeaderValue, headerPattern),
		ruleWebhookID:   {Pattern: "^webhook_" + idPattern},
		ruleUserID:      {Pattern: "^user_" + idPattern},
		rulePin:         {Pattern: "^sha256/[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"},
	}
	var formats, readable []any
	for _, format := range webhookFormats {
		formats = append(formats, format.Name)
	}
	for _, format := range intake.Formats() {
		readable = append(readable, format.Name)
	}
	rules[ruleFormat], rules[ruleSourceFormat] = huma.Schema{Enum: formats}, huma.Schema{Enum: readable}
	return rules
}

// fill replaces the names of rules with the rules, in a schema and all schemas within it.
func fill(s *huma.Schema, rules map[string]huma.Schema) {
	if s == nil {
		return
	}
	if rule, ok := rules[s.Format]; ok {
		name := s.Format
		s.Format, s.MinLength, s.MaxLength, s.Pattern, s.Enum = "", rule.MinLength, rule.MaxLength, rule.Pattern, rule.Enum
		if name == ruleURL {
			s.Format = "uri"
		}
	}
	for _, property := range s.Properties {
		fill(property, rules)
	}
	for _, list := range [][]*huma.Schema{s.OneOf, s.AnyOf, s.AllOf} {
		for _, one := range list {
			fill(one, rules)
		}
	}
	fill(s.Items, rules)
	if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
		fill(inner, rules)
	}
}
