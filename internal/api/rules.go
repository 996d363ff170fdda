package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/wire"
)

// Names of rules. A struct tag such as format:"event-type" refers to one; describe puts the
// rule in its place.
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

// Regular expressions of the rules. They keep to what JSON Schema recommends, which all
// dialects read alike; a test compares them with the functions of package peal.
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

// fill puts the rules in the place of their names, in a schema and all those within.
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
