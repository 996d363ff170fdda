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
	"github.com/pealhq/peal/internal/message"
)

// Schema is a compiled JSON Schema, of draft 2020-12 unless its $schema names another draft.
type Schema struct {
	compiled *jsonschema.Schema

	mu     sync.Mutex
	counts map[int]ruleCount // cost by depth of the data
}

// schemaURL identifies a schema for its compiler; a $ref in the schema is relative to it. Nothing
// is loaded from there.
const schemaURL = "peal:///schema.json"

// CompileSchema compiles a JSON Schema. References to other documents are refused, except to the
// meta-schemas of the drafts. The error has code [peal.Invalid] and the field "schema".
func CompileSchema(schema json.RawMessage) (*Schema, error) {
	document, err := decode(schema)
	if err != nil {
		return nil, peal.Fault("schema", message.InvalidJSONBecause, err)
	}
	if err := checkNumbers("schema", nil, document); err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(schemaPatterns())
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, peal.Fault("schema", message.SchemaInvalid, firstLine(err.Error()))
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, schemaError(err)
	}
	if countRules(compiled, saveDepth).rules > maxSchemaWork {
		return nil, peal.Fault("schema", message.SchemaTooCostly)
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
		return peal.Fault("schema", message.SchemaInvalidAt, fieldOf("schema", cause), words(cause))
	}
	return peal.Fault("schema", message.SchemaInvalid, firstLine(err.Error()))
}

// Check checks data against the schema. Numbers with thousands of digits, written out or as an
// exponent, are refused because they cannot be checked. The error has code [peal.Invalid], the
// location in the data as its field, such as "data.project.id", and a message with the violated
// rule.
func (s *Schema) Check(data json.RawMessage) error {
	value, err := decode(data)
	if err != nil {
		return peal.Fault("data", message.InvalidJSONBecause, err)
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
		return peal.Fault("data", message.SchemaMismatch, firstLine(err.Error()))
	}
	cause := innermost(broken)
	return peal.Fault(fieldOf("data", cause), message.SchemaMismatch, words(cause))
}

// The largest numbers that are checked. Rules compare numbers exactly, as fractions with as many
// digits as the exponent.
const (
	maxSchemaDigits   = 2000
	maxSchemaExponent = 2000
)

// checkNumbers rejects a value with a number that would take too long to compare.
func checkNumbers(root string, location []string, value any) error {
	switch v := value.(type) {
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(string(v)), "e")
		n, err := strconv.Atoi(cmp.Or(exponent, "0"))
		if len(v) > maxSchemaDigits || err != nil || max(n, -n) > maxSchemaExponent {
			return peal.Fault(formatLocation(root, location), message.NumberTooExtreme)
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

// innermost follows the first cause of each cause to the violated rule, beneath the rules that
// refer to it. It stops at a set of alternatives, because it is not known which one was meant.
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

// words returns the library's message about a cause.
func words(e *jsonschema.ValidationError) string {
	alone := *e
	alone.Causes = nil
	return firstLine(alone.DetailedOutput().Error.String())
}

// fieldOf returns the location of a cause, which for a missing member is the member.
func fieldOf(root string, e *jsonschema.ValidationError) string {
	location := e.InstanceLocation
	if missing, ok := e.ErrorKind.(*kind.Required); ok && len(missing.Missing) > 0 {
		location = append(slices.Clone(location), missing.Missing[0])
	}
	return formatLocation(root, location)
}

// formatLocation returns a location in common notation: data.items[2].id, and data["two words"] for
// a name that is not a plain word.
func formatLocation(root string, location []string) string {
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
	return firstLine(text.String())
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

// maxSchemas is the maximum number of cached schemas.
const maxSchemas = 1000

// Schemas checks events against the schemas of their types and caches the compiled schemas. The
// zero value is ready to use. It is safe for concurrent use.
type Schemas struct {
	mu    sync.RWMutex
	known map[string]knownSchema // by the key of the event type
}

type knownSchema struct {
	text   json.RawMessage
	schema *Schema
}

// Check checks data against an event type's schema, as [Schema.Check] does. A type without a schema
// accepts any data.
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

// schema returns the compiled schema of a type. It compares the text to detect changes.
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

// The bounds of schemas. The library cannot be interrupted, so the cost of a check is bounded
// before it starts.
const (
	maxSchemaWork    = 10_000_000    // rules × values in one check
	maxSchemaRegexps = 4 * maxRegexp // instructions of all its patterns
	saveDepth        = 4             // levels of data that every schema must support
	bytesPerRule     = 32            // bytes × instructions of a pattern that cost as much as one rule
)

// schemaPattern is a pattern of a schema.
type schemaPattern struct {
	*pattern
	text string
}

func (p *schemaPattern) String() string { return p.text }

func (p *schemaPattern) MatchString(text string) bool { return p.re.MatchString(text) }

// schemaPatterns returns an engine that compiles the patterns of one schema within the bounds.
func schemaPatterns() jsonschema.RegexpEngine {
	size := 0
	return func(text string) (jsonschema.Regexp, error) {
		compiled, err := compilePattern(text)
		if err != nil {
			return nil, err
		}
		if size += compiled.size; size > maxSchemaRegexps {
			return nil, errors.New("the regular expressions are too large together: repeat less in them")
		}
		return &schemaPattern{compiled, text}, nil
	}
}

// rules computes the cost of a schema for one value and one chain of nested values. A schema that
// refers to itself twice doubles its cost with every level.
type rules struct {
	root  *jsonschema.Schema
	known map[rulesKey]ruleCount
}

type rulesKey struct {
	schema *jsonschema.Schema
	depth  int
}

// ruleCount is the number of rules applied to values and of pattern instructions applied to their
// bytes.
type ruleCount struct{ rules, instructions int }

func (c *ruleCount) add(other ruleCount) {
	c.rules = min(c.rules+other.rules, 1<<40)
	c.instructions = min(c.instructions+other.instructions, 1<<40)
}

func (r *rules) count(s *jsonschema.Schema, depth int) (c ruleCount) {
	if s == nil {
		return c
	}
	key := rulesKey{s, depth}
	if known, ok := r.known[key]; ok {
		return known // zero for a schema that refers to itself at the same location, which is an error
	}
	r.known[key] = ruleCount{}
	c.rules = 1
	if s.Enum != nil {
		c.rules += len(s.Enum.Values)
	}
	if s.UniqueItems {
		c.rules += 10
	}
	if p, ok := s.Pattern.(*schemaPattern); ok {
		c.instructions += p.size
	}
	for _, same := range []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else} {
		c.add(r.count(same, depth))
	}
	if s.DynamicRef != nil {
		c.add(r.count(s.DynamicRef.Ref, depth))
		c.add(r.count(r.root, depth))
	}
	for _, several := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, same := range several {
			c.add(r.count(same, depth))
		}
	}
	for _, same := range s.DependentSchemas {
		c.add(r.count(same, depth))
	}
	for _, same := range s.Dependencies {
		c.add(r.any(same, depth))
	}
	if depth > 0 {
		c.add(r.below(s, depth-1))
	}
	r.known[key] = c
	return c
}

// below returns the cost of a schema for a nested value.
func (r *rules) below(s *jsonschema.Schema, depth int) (c ruleCount) {
	for _, one := range []*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems} {
		c.add(r.count(one, depth))
	}
	for _, one := range []any{s.AdditionalProperties, s.AdditionalItems, s.Items} {
		c.add(r.any(one, depth))
	}
	for name, one := range s.PatternProperties {
		c.add(r.count(one, depth))
		if p, ok := name.(*schemaPattern); ok {
			c.instructions += p.size
		}
	}
	var most ruleCount // a member has one name, and an element one index
	for _, one := range s.Properties {
		most = larger(most, r.count(one, depth))
	}
	for _, one := range s.PrefixItems {
		most = larger(most, r.count(one, depth))
	}
	c.add(most)
	return c
}

func larger(a, b ruleCount) ruleCount {
	return ruleCount{max(a.rules, b.rules), max(a.instructions, b.instructions)}
}

func (r *rules) any(value any, depth int) (c ruleCount) {
	switch v := value.(type) {
	case *jsonschema.Schema:
		return r.count(v, depth)
	case []*jsonschema.Schema:
		for _, one := range v {
			c = larger(c, r.count(one, depth))
		}
	}
	return c
}

// countRules returns the cost of a schema for data with the given depth.
func countRules(s *jsonschema.Schema, depth int) ruleCount {
	r := &rules{root: s, known: make(map[rulesKey]ruleCount)}
	return r.count(s, depth)
}

// values returns the number of values in data and its depth.
func values(data any) (count, depth int) {
	switch v := data.(type) {
	case []any:
		for _, element := range v {
			n, d := values(element)
			count, depth = count+n, max(depth, d+1)
		}
	case map[string]any:
		for _, member := range v {
			n, d := values(member)
			count, depth = count+n, max(depth, d+1)
		}
	}
	return count + 1, depth
}

// affordable returns an error for data that would be too expensive to check.
func (s *Schema) affordable(data json.RawMessage, value any) error {
	count, depth := values(value)
	s.mu.Lock()
	known, ok := s.counts[depth]
	if !ok {
		known = countRules(s.compiled, depth)
		if s.counts == nil {
			s.counts = make(map[int]ruleCount)
		}
		s.counts[depth] = known // one for each of at most [peal.MaxDepth] levels
	}
	s.mu.Unlock()
	if known.rules > maxSchemaWork/count || known.instructions > maxSchemaWork*bytesPerRule/(len(data)+1) {
		return peal.Fault("data", message.DataTooCostly)
	}
	return nil
}
