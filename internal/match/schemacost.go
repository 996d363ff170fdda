package match

import (
	"encoding/json"
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pealhq/peal"
)

// The bounds of schemas. Neither a check nor the library's other steps can be
// interrupted, so what a check may cost is known before it begins.
const (
	maxSchemaWork    = 10_000_000    // rules × values of one check
	maxSchemaRegexps = 4 * maxRegexp // instructions of all its patterns
	saveDepth        = 4             // levels of data that every schema must be able to check
	bytesPerRule     = 32            // bytes × instructions of a pattern that cost as much as one rule
)

// schemaPattern is a pattern of a schema.
type schemaPattern struct {
	*pattern
	text string
}

func (p *schemaPattern) String() string               { return p.text }
func (p *schemaPattern) MatchString(text string) bool { return p.re.MatchString(text) }

// schemaPatterns compiles the patterns of one schema within their bounds.
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

// rules counts what a schema does for one value and one chain of values within each
// other below it: a schema that refers to itself twice does twice as much for every level.
type rules struct {
	root  *jsonschema.Schema
	known map[rulesKey]ruleCount
}

type rulesKey struct {
	schema *jsonschema.Schema
	depth  int
}

// ruleCount is rules for values, and instructions of patterns for their bytes.
type ruleCount struct{ rules, instructions int }

func (c *ruleCount) add(other ruleCount) {
	c.rules = min(c.rules+other.rules, 1<<40)
	c.instructions = min(c.instructions+other.instructions, 1<<40)
}

func (r *rules) of(s *jsonschema.Schema, depth int) (c ruleCount) {
	if s == nil {
		return c
	}
	key := rulesKey{s, depth}
	if known, ok := r.known[key]; ok {
		return known // of a schema that refers to itself in the same place: nothing, for that is an error
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
		c.add(r.of(same, depth))
	}
	if s.DynamicRef != nil {
		c.add(r.of(s.DynamicRef.Ref, depth))
		c.add(r.of(r.root, depth))
	}
	for _, several := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, same := range several {
			c.add(r.of(same, depth))
		}
	}
	for _, same := range s.DependentSchemas {
		c.add(r.of(same, depth))
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

// below counts what a schema does for a value within its value.
func (r *rules) below(s *jsonschema.Schema, depth int) (c ruleCount) {
	for _, one := range []*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems} {
		c.add(r.of(one, depth))
	}
	for _, one := range []any{s.AdditionalProperties, s.AdditionalItems, s.Items} {
		c.add(r.any(one, depth))
	}
	for name, one := range s.PatternProperties {
		c.add(r.of(one, depth))
		if p, ok := name.(*schemaPattern); ok {
			c.instructions += p.size
		}
	}
	var most ruleCount // a member has one name, and an element one place
	for _, one := range s.Properties {
		most = larger(most, r.of(one, depth))
	}
	for _, one := range s.PrefixItems {
		most = larger(most, r.of(one, depth))
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
		return r.of(v, depth)
	case []*jsonschema.Schema:
		for _, one := range v {
			c = larger(c, r.of(one, depth))
		}
	}
	return c
}

// countRules returns what a schema does for data of some levels.
func countRules(s *jsonschema.Schema, depth int) ruleCount {
	r := &rules{root: s, known: make(map[rulesKey]ruleCount)}
	return r.of(s, depth)
}

// values counts the values in data, and its levels.
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

// affordable refuses data that takes too much work to be checked.
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
		return peal.Invalidf("data", "is too much to be checked by the event type's schema: send less at once, or less deep data")
	}
	return nil
}
