package custom

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/wire"
)

// value is the meaning of a name in a template. The pattern matches every possible value, none of
// which can end the line of a header.
type value struct {
	get     func(*wire.Input) string
	pattern string
}

const (
	bodyName = "body"
	timeName = "timestamp"
)

// values holds the names that templates may use in addition to the operator's variables.
var values = map[string]value{
	"id":           {eventID, `[!-~]+`},
	"event.id":     {eventID, `[!-~]+`},
	"event.type":   {func(in *wire.Input) string { return in.Event.Type }, `[A-Za-z0-9_.-]+`},
	"event.time":   {func(in *wire.Input) string { return in.Event.Time.String() }, `[0-9TtZz:.+-]*`},
	"event.tenant": {func(in *wire.Input) string { return in.Event.Tenant }, `[A-Za-z0-9._:@-]*`},
	"webhook.id":   {func(in *wire.Input) string { return in.Webhook.ID.String() }, `webhook_[0-9a-z]{26}`},
	"delivery_id":  {func(in *wire.Input) string { return in.DeliveryID.String() }, `delivery_[0-9a-z]{26}`},
	timeName:       {func(in *wire.Input) string { return strconv.FormatInt(in.Time.Unix(), 10) }, `[0-9]+`},
}

// signedValues holds the names in the content of a signature: values and the body.
var signedValues = func() map[string]value {
	all := maps.Clone(values)
	all[bodyName] = value{}
	return all
}()

// eventID returns the publisher's identifier of the event, or its key.
func eventID(in *wire.Input) string {
	if in.Event.ID != "" {
		return in.Event.ID
	}
	return in.Event.Key.String()
}

// part is a part of a template: a text or the name of a value.
type part struct {
	text     string
	name     string // "" for a text
	variable string // the variable that text comes from; "" for none
}

type template []part

func literal(text string) template { return template{{text: text}} }

// maxText is the maximum length of the texts of a template with its variables, in bytes: the limit
// of common servers for a header line, minus room for the other values.
const maxText = 7 << 10

// parseTemplate parses a text with {{NAME}}. It replaces variables immediately.
func parseTemplate(field, text string, known map[string]value, variables map[string]string) (template, error) {
	if !utf8.ValidString(text) {
		return nil, peal.Fault(field, message.UTF8Text)
	}
	var t template
	size := 0
	for text != "" {
		before, rest, found := strings.Cut(text, "{{")
		if before != "" {
			t = append(t, part{text: before})
			size += len(before)
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.Trim(name, " ")
		if !closed {
			return nil, peal.Invalidf(field, "holds {{ without }}")
		}
		if _, ok := known[name]; ok {
			t = append(t, part{name: name})
		} else if variable, ok := variables[name]; ok {
			if err := checkVariable(field, name, variable); err != nil {
				return nil, err
			}
			t = append(t, part{text: variable, variable: name})
			size += len(variable)
		} else {
			return nil, peal.Invalidf(field, "uses {{%s}}, which is unknown; use one of %s%s", abbreviate(name),
				strings.Join(sortedNames(known), ", "), alsoVariables(variables))
		}
		text = after
	}
	if size > maxText {
		return nil, peal.Fault(field, message.FilledTooLong, maxText)
	}
	return t, nil
}

func alsoVariables(variables map[string]string) string {
	if variables == nil {
		return ""
	}
	return " and the names under variables"
}

func checkVariable(field, name, value string) error {
	if !utf8.ValidString(value) {
		return peal.Invalidf(field, "uses the variable %s, which is not UTF-8 text", name)
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return peal.Invalidf(field, "uses the variable %s, which holds a line break or control character", name)
		}
	}
	return nil
}

// abbreviate shortens a text that a message quotes.
func abbreviate(text string) string {
	const longest = 64
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

// fill returns the template with the values returned by value.
func (t template) fill(value func(name string) string) string {
	if len(t) == 1 && t[0].name == "" {
		return t[0].text
	}
	var text strings.Builder
	for _, p := range t {
		if p.name != "" {
			text.WriteString(value(p.name))
			continue
		}
		text.WriteString(p.text)
	}
	return text.String()
}

func (t template) confidential() bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.variable != "" })
}

// variables returns the names of the variables in the template.
func (t template) variables() (names []string) {
	for _, p := range t {
		if p.variable != "" {
			names = append(names, p.variable)
		}
	}
	return names
}

// uses reports whether the template contains a value of this name.
func (t template) uses(name string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.name == name })
}

// pattern returns a regular expression that matches every result of the template, followed by more,
// with a group for each value.
func (t template) pattern(more string) *regexp.Regexp {
	var text strings.Builder
	text.WriteString(`\A`)
	for _, p := range t {
		if p.name == "" {
			text.WriteString(regexp.QuoteMeta(p.text))
			continue
		}
		text.WriteString("(" + values[p.name].pattern + ")")
	}
	text.WriteString(more + `\z`)
	return regexp.MustCompile(text.String())
}

// group returns the number of the group of a value in the template's pattern, or 0.
func (t template) group(name string) int {
	n := 0
	for _, p := range t {
		if p.name == "" {
			continue
		}
		if n++; p.name == name {
			return n
		}
	}
	return 0
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// canonicalName returns the canonical spelling of headers that other code looks up, and other names
// unchanged.
func canonicalName(name string) string {
	for _, known := range []string{"User-Agent", "Authorization", "Accept-Encoding"} {
		if strings.EqualFold(name, known) {
			return http.CanonicalHeaderKey(known)
		}
	}
	return name
}

func orDefault(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

type header struct {
	name         string
	value        template
	confidential bool
}
