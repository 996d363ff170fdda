package api_test

import (
	"encoding/json"
	"strings"

	"pgregory.net/rapid"
)

// generator creates values from the schemas of the document: mostly valid ones, now and then
// invalid ones.
type generator struct {
	*rapid.T
	doc  *document
	urls []string
}

// chance is true in about so many of a hundred cases. Rapid draws small numbers more
// often and shrinks to them, so they stand for what is plain.
func (g *generator) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(g.T, "chance") >= 100-percent
}

func (g *generator) pick(values ...any) any { return rapid.SampledFrom(values).Draw(g.T, "pick") }

// wrong is any JSON value.
func (g *generator) wrong() any {
	return g.pick(nil, true, -1, 1e300, 0.5, "", "x", "\x00", "ä\u2028😀", []any{}, []any{nil}, map[string]any{}, map[string]any{"": 1}, json.RawMessage(`"\ud800"`), json.RawMessage(`1e999`))
}

func (g *generator) value(schema map[string]any) any {
	if g.chance(6) {
		return g.wrong()
	}
	if ref, isRef := schema["$ref"].(string); isRef {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return g.value(g.doc.whole["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any))
	}
	for _, choice := range []string{"anyOf", "oneOf"} {
		if list, has := schema[choice].([]any); has {
			return g.value(g.pick(list...).(map[string]any))
		}
	}
	if enum, has := schema["enum"].([]any); has {
		return g.pick(enum...)
	}
	kind := schema["type"]
	if kinds, several := kind.([]any); several {
		kind = g.pick(kinds...)
	}
	switch kind {
	case "string":
		return g.text(schema)
	case "integer":
		return int64(g.number(schema))
	case "number":
		return g.number(schema)
	case "boolean":
		return g.chance(50)
	case "null":
		return nil
	case "array":
		return g.array(schema)
	case "object":
		return g.object(schema)
	}
	return g.wrong()
}

func (g *generator) number(schema map[string]any) float64 {
	low, _ := schema["minimum"].(float64)
	high, bounded := schema["maximum"].(float64)
	if !bounded {
		high = 100
	}
	return g.pick(low, high, low-1, high+1, low+1, float64(rapid.IntRange(int(low), int(high)).Draw(g.T, "number"))).(float64)
}

func (g *generator) text(schema map[string]any) string {
	switch schema["format"] {
	case "uri":
		return rapid.SampledFrom(append(g.urls, "ftp://x/", "http://", "http://a b/", "//x", "http://u:p@x/")).Draw(g.T, "url")
	case "date-time":
		return rapid.SampledFrom([]string{"2026-11-21T09:30:00Z", "2026-11-21T09:30:00.123456789+05:30", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", "2026-11-21"}).Draw(g.T, "time")
	}
	longest, bounded := schema["maxLength"].(float64)
	texts := []string{"task.created", "a", "Project-1", "x.y_z", "standard", "x-webhook", "true", ".", "read", "Bearer x", "default"}
	if g.chance(15) {
		texts = []string{"", " ", "*", "task.*", "\x00", "ä", "😀", "a b", "..", "a/b", "%", `"`, "\n", "{{X}}", "[set]", "nope(", strings.Repeat("[", 100)}
	}
	text := rapid.SampledFrom(texts).Draw(g.T, "text")
	if bounded && g.chance(5) {
		text = strings.Repeat("x", int(longest)+rapid.IntRange(-1, 1).Draw(g.T, "beyond"))
	}
	return text
}

func (g *generator) array(schema map[string]any) any {
	list := []any{}
	items, _ := schema["items"].(map[string]any)
	for range rapid.IntRange(0, 3).Draw(g.T, "length") {
		list = append(list, g.value(items))
	}
	return list
}

func (g *generator) object(schema map[string]any) any {
	members := map[string]any{}
	required, _ := schema["required"].([]any)
	needed := map[string]bool{}
	for _, name := range required {
		needed[name.(string)] = true
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		if needed[name] && !g.chance(5) || g.chance(25) {
			members[name] = g.value(property.(map[string]any))
		}
	}
	if g.chance(4) {
		members[g.pick("unknown", "", "URL", "\x00").(string)] = g.wrong()
	}
	if extra, open := schema["additionalProperties"].(map[string]any); open {
		members[g.pick("X-A", "x-b", "Host", "a b", "").(string)] = g.value(extra)
	}
	return members
}

// body is a body for an operation: from its schema, or something that is none.
func (g *generator) body(op *operation) any {
	if op.RequestBody == nil || !op.RequestBody.Required && g.chance(30) {
		return nil
	}
	schema := op.RequestBody.Content["application/json"].Schema
	text, err := json.Marshal(g.value(schema))
	if err != nil {
		g.Fatal(err)
	}
	if g.chance(6) {
		at := rapid.IntRange(0, len(text)).Draw(g.T, "at")
		return string(text[:at]) + g.pick("", "\xff", "}", "\x00", ",", "{").(string) + string(text[at:])
	}
	if g.chance(4) {
		return string(text[:rapid.IntRange(0, len(text)).Draw(g.T, "cut")])
	}
	return text
}
