package match_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

const taskSchema = `{
	"type": "object",
	"required": ["project"],
	"properties": {
		"project": {"$ref": "#/$defs/project"},
		"items": {"type": "array", "maxItems": 3, "items": {"type": "object", "properties": {"two words": {"type": "boolean"}}}},
		"size": {"anyOf": [{"type": "integer"}, {"enum": ["small", "large"]}]},
		"count": {"type": "integer", "maximum": 18446744073709551615}
	},
	"$defs": {"project": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}, "additionalProperties": false}}
}`

func TestSchemaNamesThePlace(t *testing.T) {
	schema, err := match.CompileSchema(json.RawMessage(taskSchema))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ data, field, rule string }{
		{`{"project": {"id": 3}}`, "", ""},
		{`{"project": {"id": 3}, "size": "small", "items": [{"two words": true}]}`, "", ""},
		{`{"project": {"id": 3}, "count": 18446744073709551615}`, "", ""},
		{`{"project": {"id": 3}, "count": 18446744073709551616}`, "data.count", "maximum"},
		{`7`, "data", "want object"},
		{`{}`, "data.project", "missing"},
		{`{"project": {}}`, "data.project.id", "missing"},
		{`{"project": {"id": "3"}}`, "data.project.id", "want integer"},
		{`{"project": {"id": 0}}`, "data.project.id", "minimum"},
		{`{"project": {"id": 1, "x": 2}}`, "data.project", "additional"},
		{`{"project": {"id": 3}, "items": [{}, {"two words": 1}]}`, `data.items[1]["two words"]`, "want boolean"},
		{`{"project": {"id": 3}, "items": [{}, {}, {}, {}]}`, "data.items", "maxItems"},
		{`{"project": {"id": 3}, "size": 1.5}`, "data.size", "anyOf"},
		{`{"project": {"id": 1e2000}}`, "", ""},
		{`{"project": {"id": 1e2001}}`, "data.project.id", "too large"},
		{`{"other": [1, 1E-999999999999999999999]}`, "data.other[1]", "too small"},
		{`{"project": {"id": 3}, "count": ` + strings.Repeat("9", 2001) + `}`, "data.count", "too large"},
		{`{`, "data", "JSON"},
	}
	for _, test := range tests {
		err := schema.Check(json.RawMessage(test.data))
		if test.field == "" {
			if err != nil {
				t.Errorf("%s: %v", test.data, err)
			}
			continue
		}
		var e *peal.Error
		if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != test.field || !strings.Contains(e.Message, test.rule) {
			t.Errorf("%s: %v; want the field %q and the rule %q", test.data, err, test.field, test.rule)
		}
	}
}

func TestSchemasThatAreNone(t *testing.T) {
	tests := []struct{ schema, want string }{
		{`{`, "not valid JSON"},
		{`7`, ""},
		{`{"type": "objekt"}`, "schema.type"},
		{`{"properties": {"a": {"minimum": "1"}}}`, "schema.properties.a.minimum"},
		{`{"pattern": "("}`, "schema.pattern"},
		{`{"enum": [1e999999999]}`, "is a number too large"},
		{`{"$ref": "#/$defs/missing"}`, "missing"},
		{`{"$ref": "https://example.com/schema.json"}`, "another document"},
		{`{"$ref": "file:///etc/passwd"}`, "another document"},
		{`{"$ref": "other.json"}`, "another document"},
		{`{"$schema": "https://example.com/meta"}`, "another document"},
	}
	for _, test := range tests {
		_, err := match.CompileSchema(json.RawMessage(test.schema))
		var e *peal.Error
		if !errors.As(err, &e) || e.Code != peal.Invalid || !strings.HasPrefix(e.Field, "schema") || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s: %v; want it to say %q", test.schema, err, test.want)
		}
	}
	for _, draft := range []string{"draft-04", "draft-06", "draft-07"} {
		if _, err := match.CompileSchema(json.RawMessage(`{"$schema": "http://json-schema.org/` + draft + `/schema#"}`)); err != nil {
			t.Errorf("%s: %v", draft, err)
		}
	}
	for _, schema := range []string{`true`, `{}`, `{"$schema": "https://json-schema.org/draft/2020-12/schema"}`, `{"$id": "https://example.com/a", "$ref": "#/$defs/b", "$defs": {"b": {}}}`} {
		if _, err := match.CompileSchema(json.RawMessage(schema)); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

// A schema that refers to itself ends with the data, or is refused.
func TestSchemasThatReferToThemselves(t *testing.T) {
	tree, err := match.CompileSchema(json.RawMessage(`{"properties": {"next": {"$ref": "#"}}, "required": ["n"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Check(json.RawMessage(`{"n": 1, "next": {"n": 2, "next": {}}}`)); err == nil || !strings.HasPrefix(err.Error(), "data.next.next.n:") {
		t.Errorf("error %v", err)
	}
	loop, err := match.CompileSchema(json.RawMessage(`{"$ref": "#"}`))
	if err == nil {
		err = loop.Check(json.RawMessage(`1`))
	}
	if peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a schema that is only itself: %v", err)
	}
}

func TestSchemasFollowChanges(t *testing.T) {
	var schemas match.Schemas
	eventType := &peal.EventType{Name: "task.created"}
	if err := schemas.Check(eventType, json.RawMessage(`1`)); err != nil {
		t.Errorf("no schema: %v", err)
	}
	eventType.Schema = json.RawMessage(`{"type": "string"}`)
	for range 2 {
		if err := schemas.Check(eventType, json.RawMessage(`1`)); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("a number for a string: %v", err)
		}
	}
	eventType.Schema = json.RawMessage(`{"type": "number"}`)
	if err := schemas.Check(eventType, json.RawMessage(`1`)); err != nil {
		t.Errorf("after the schema changed: %v", err)
	}
	eventType.Schema = json.RawMessage(`{"type": 7}`)
	if err := schemas.Check(eventType, json.RawMessage(`1`)); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a schema that is none: %v", err)
	}
}

func TestSchemasAreSafeForConcurrentUse(t *testing.T) {
	var schemas match.Schemas
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range 300 {
				eventType := &peal.EventType{Name: fmt.Sprintf("type.%d", (n+worker)%400), Schema: json.RawMessage(`{"type": "string"}`)}
				if err := schemas.Check(eventType, json.RawMessage(`"x"`)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// The cost of a check is bounded for any schema and any data.
func TestHostileSchemas(t *testing.T) {
	deep := strings.Repeat("[", 60) + "1" + strings.Repeat("]", 60)
	large := `"` + strings.Repeat("a", 200_000) + `"`
	doubled := `{"$defs": {"a0": {"type": "string"}`
	for i := range 40 {
		doubled += fmt.Sprintf(`, "a%d": {"anyOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%d"}]}`, i+1, i, i)
	}
	for _, schema := range []string{
		doubled + `}, "$ref": "#/$defs/a40"}`,
		`{"pattern": "((a{100}){100}){10}"}`, `{"pattern": "(a|b){900}"}`, `{"properties": {"a": {"pattern": "(ab){400}"}, "b": {"pattern": "(bc){400}"}, "c": {"pattern": "(ac){400}"}, "d": {"pattern": "(ad){400}"}, "e": {"pattern": "(ae){400}"}, "f": {"pattern": "(af){400}"}}}`,
	} {
		if _, err := match.CompileSchema(json.RawMessage(schema)); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("%.60s: %v", schema, err)
		}
	}
	for _, test := range []struct{ schema, data string }{
		{`{"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}`, deep},
		{`{"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}], "type": "array"}`, deep},
		{`{"items": {"allOf": [{"$ref": "#"}, {"not": {"$ref": "#"}}]}}`, deep},
		{`{"$dynamicAnchor": "x", "items": {"anyOf": [{"$dynamicRef": "#x"}, {"$dynamicRef": "#x"}], "type": "array"}}`, deep},
		{`{"pattern": "(a|b|ab)(a{400})*c$", "minLength": 1}`, `[` + large + `,` + large + `,` + large + `,` + large + `]`},
		{`{"items": {"enum": [` + strings.Repeat("1,", 2000) + `2]}}`, `[` + strings.Repeat("3,", 100_000) + `3]`},
	} {
		schema, err := match.CompileSchema(json.RawMessage(test.schema))
		if err != nil {
			t.Errorf("%.60s: %v", test.schema, err)
			continue
		}
		begun := time.Now()
		if err := schema.Check(json.RawMessage(test.data)); peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "too much to be checked") {
			t.Errorf("%.60s: %v", test.schema, err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%.60s takes %v", test.schema, took)
		}
	}
	tree, err := match.CompileSchema(json.RawMessage(`{"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}, "children": {"type": "array", "items": {"$ref": "#"}}}, "additionalProperties": false}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Check(json.RawMessage(strings.Repeat(`{"name":"a","children":[`, 30) + strings.Repeat(`{"name":"b"},`, 5000) + `{"name":"c"}` + strings.Repeat(`]}`, 30))); err != nil {
		t.Errorf("a tree: %v", err)
	}
}
