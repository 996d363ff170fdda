package config

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// maxDepth is how deep an extra payload may be nested; an alias inside what it
// stands for would have no end.
const maxDepth = 100

// json appends a YAML value as JSON: names in their order, numbers as they are
// written where JSON writes them so too.
func (f *file) json(b []byte, node *yaml.Node, name string, depth int) ([]byte, error) {
	node = resolve(node)
	if depth > maxDepth || len(b) > peal.MaxExtra {
		return nil, f.refuse(node, name, "is nested too deeply or is too large: at most %d levels and %d bytes", maxDepth,
			peal.MaxExtra)
	}
	var err error
	switch node.Kind {
	case yaml.MappingNode:
		if second, line := repeated(node); second != nil {
			return nil, f.refuse(second, name+"."+second.Value, "is a duplicate of the one in line %d", line)
		}
		b = append(b, '{')
		for i := 0; i < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, f.refuse(key, name, "must have texts as names")
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, key.Value), ':')
			if b, err = f.json(b, node.Content[i+1], name+"."+key.Value, depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range node.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = f.json(b, item, name, depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	switch node.Tag {
	case "!!null":
		return append(b, "null"...), nil
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			return append(b, node.Value...), nil
		}
		var value any
		err := node.Decode(&value)
		text, jsonErr := json.Marshal(value)
		if err != nil || jsonErr != nil {
			return nil, f.refuse(node, name, "is not a number that JSON can represent")
		}
		return append(b, text...), nil
	}
	return appendText(b, node.Value), nil
}

func appendText(b []byte, text string) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always has JSON
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// resolve returns the node that an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
