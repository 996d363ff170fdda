package match

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/pealhq/peal"
)

// Schema is a compiled JSON Schema: of draft 2020-12, unless its $schema names
// another draft.
type Schema struct {
	compiled *jsonschema.Schema

	mu     sync.Mutex
	counts map[int]ruleCount // what it does for data of so many levels
}

// schemaURL names a schema to its compiler; a $ref inside the schema is relative to
// it. Nothing is ever loaded from there.
const schemaURL = "peal:///schema.json"

// CompileSchema compiles a JSON Schema. References to other documents are refused,
// except to the drafts' own meta-schemas. The error has code [peal.Invalid] and
// the field "schema".
func CompileSchema(schema json.RawMessage) (*Schema, error) {
	document, err := decode(schema)
	if err != nil {
		return nil, peal.Invalidf("schema", "is no valid JSON: %v", err)
	}
	if err := checkNumbers("schema", nil, document); err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(schemaPatterns())
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, peal.Invalidf("schema", "is no JSON Schema: %s", oneLine(err.Error()))
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, schemaError(err)
	}
	if countRules(compiled, saveDepth).rules > maxSchemaWork {
		return nil, peal.Invalidf("schema", "does too much for each value: it refers to its own parts too often")
	}
	return &Schema{compiled: compiled}, nil
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is another document: put what it defines into $defs", url)
}

func schemaError(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var broken *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &broken) {
		cause := innermost(broken)
		return peal.Invalidf("schema", "is no JSON Schema: %s: %s", fieldOf("schema", cause), words(cause))
	}
	return peal.Invalidf("schema", "is no JSON Schema: %s", oneLine(err.Error()))
}

// Check checks data against the schema. Numbers with thousands of digits, written
// out or as an exponent, cannot be checked and are refused. The error has code [peal.Invalid], the
// place in the data as its field, such as "data.project.id", and the rule that is
// broken there.
func (s *Schema) Check(data json.RawMessage) error {
	value, err := decode(data)
	if err != nil {
		return peal.Invalidf("data", "is no valid JSON: %v", err)
	}
	if err := checkNumbers("data", nil, value); err != nil {
		return err
	}
	if err := s.affordable(data, value); err != nil {
		return err
	}
	err = s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var broken *jsonschema.ValidationError
	if !errors.As(err, &broken) {
		return peal.Invalidf("data", "does not match the event type's schema: %s", oneLine(err.Error()))
	}
	cause := innermost(broken)
	return peal.Invalidf(fieldOf("data", cause), "does not match the event type's schema: %s", words(cause))
}

// The largest numbers that are checked: rules compare numbers exactly, as fractions
// of as many digits as the exponent says.
const (
	maxSchemaDigits   = 2000
	maxSchemaExponent = 2000
)

// checkNumbers refuses a value with a number that would take too long to compare.
func checkNumbers(root string, location []string, value any) error {
	switch v := value.(type) {
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(string(v)), "e")
		n, err := strconv.Atoi(cmp.Or(exponent, "0"))
		if len(v) > maxSchemaDigits || err != nil || max(n, -n) > maxSchemaExponent {
			return peal.Invalidf(written(root, location), "is a number too large or too small to be checked by a schema")
		}
	case []any:
		for i, element := range v {
			if err := checkNumbers(root, append(location, strconv.Itoa(i)), element); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, member := range v {
			if err := checkNumbers(root, append(location, name), member); err != nil {
				return err
			}
		}
	}
	return nil
}

// innermost follows the first cause of each cause: the rule that was really broken,
// beneath the rules that refer to it. Where several alternatives failed, none of
// them is the one that was meant, so it stops there.
func innermost(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	for len(e.Causes) > 0 {
		switch e.ErrorKind.(type) {
		case *kind.AnyOf, *kind.OneOf:
			return e
		}
		e = e.Causes[0]
	}
	return e
}

// words gives the rule that a cause is about, in the language's own words.
func words(e *jsonschema.ValidationError) string {
	alone := *e
	alone.Causes = nil
	return oneLine(alone.DetailedOutput().Error.String())
}

// fieldOf gives the place of a cause: of the member itself where one is missing.
func fieldOf(root string, e *jsonschema.ValidationError) string {
	location := e.InstanceLocation
	if missing, ok := e.ErrorKind.(*kind.Required); ok && len(missing.Missing) > 0 {
		location = append(slices.Clone(location), missing.Missing[0])
	}
	return written(root, location)
}

// written writes a location as people write it: data.items[2].id, and
// data["two words"] for a name that is not a plain word.
func written(root string, location []string) string {
	var text strings.Builder
	text.WriteString(root)
	for _, step := range location {
		switch {
		case isIndex(step):
			text.WriteString("[" + step + "]")
		case isWord(step):
			text.WriteString("." + step)
		default:
			text.WriteString("[" + strconv.Quote(step) + "]")
		}
	}
	return oneLine(text.String())
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20-'a' > 25 && c-'0' > 9 && c != '_' && c != '-' && c != '$' {
			return false
		}
	}
	return s != ""
}

// maxSchemas is how many compiled schemas are kept.
const maxSchemas = 1000

// Schemas checks events against the schemas of their types and keeps what it has
// compiled. The zero Schemas is ready; it is safe for concurrent use.
type Schemas struct {
	mu    sync.RWMutex
	known map[string]knownSchema // by the key of the event type
}

type knownSchema struct {
	text   json.RawMessage
	schema *Schema
}

// Check checks data against an event type's schema, as [Schema.Check] does. A type
// without a schema takes any data.
func (s *Schemas) Check(eventType *peal.EventType, data json.RawMessage) error {
	if eventType.Schema == nil {
		return nil
	}
	schema, err := s.schema(eventType)
	if err != nil {
		return err
	}
	return schema.Check(data)
}

// schema gives the compiled schema of a type; the text tells whether it has changed.
func (s *Schemas) schema(eventType *peal.EventType) (*Schema, error) {
	s.mu.RLock()
	known, ok := s.known[eventType.Key()]
	s.mu.RUnlock()
	if ok && bytes.Equal(known.text, eventType.Schema) {
		return known.schema, nil
	}
	schema, err := CompileSchema(eventType.Schema)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxSchemas {
		s.known = make(map[string]knownSchema)
	}
	s.known[eventType.Key()] = knownSchema{text: bytes.Clone(eventType.Schema), schema: schema}
	return schema, nil
}
