package preset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// dialect is what every schema says it is written in.
const dialect = "https://json-schema.org/draft/2020-12/schema"

var reference = regexp.MustCompile(`"\$ref":\s*"#/\$defs/([^"]+)"`)

// selfContained puts the definitions that a schema refers to, and those that they
// refer to, into the schema itself.
func selfContained(schema json.RawMessage, definitions map[string]json.RawMessage) (json.RawMessage, error) {
	needed := make(map[string]bool)
	if err := gather(schema, definitions, needed); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"$schema":%q`, dialect)
	body, err := compact(schema)
	if err != nil {
		return nil, err
	}
	if len(body) < 3 || body[0] != '{' {
		return nil, fmt.Errorf("the schema must be an object with members")
	}
	b.WriteByte(',')
	b.Write(body[1 : len(body)-1])
	for i, name := range slices.Sorted(maps.Keys(needed)) {
		definition, err := compact(definitions[name])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			b.WriteString(`,"$defs":{`)
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, definition)
	}
	if len(needed) > 0 {
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// gather notes the names of the definitions that a schema needs.
func gather(schema json.RawMessage, definitions map[string]json.RawMessage, needed map[string]bool) error {
	for _, match := range reference.FindAllSubmatch(schema, -1) {
		name := string(match[1])
		if needed[name] {
			continue
		}
		definition, ok := definitions[name]
		if !ok {
			return fmt.Errorf("the schema refers to %q, which system.json does not define", name)
		}
		needed[name] = true
		if err := gather(definition, definitions, needed); err != nil {
			return err
		}
	}
	return nil
}
