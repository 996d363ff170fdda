package config

import (
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
)

// variablesName is the name of the variables of headers in the file.
const variablesName = "variables"

// VariableScope limits the webhooks that a variable may be used in; see the server's options.
type VariableScope struct {
	Hosts, Tenants []string
}

// variables reads the variables of headers, each a text or a mapping, and replaces those
// read before. An error holds no value.
func (l *Loaded) variables(mapping *yaml.Node) (at *yaml.Node, err error) {
	l.Variables, l.VariableScopes = make(map[string]string), make(map[string]VariableScope)
	if isNull(mapping) || mapping.Kind == yaml.ScalarNode && mapping.Value == "" {
		l.Variables = nil
		return nil, nil
	}
	shape := peal.Errorf(peal.Invalid, "must be names and their values, each a text")
	if mapping.Kind != yaml.MappingNode {
		return mapping, shape
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], resolve(mapping.Content[i+1])
		var text string
		switch value.Kind {
		case yaml.ScalarNode:
			if value.Decode(&text) != nil {
				return mapping, shape
			}
		case yaml.MappingNode:
			scope, found, err := readVariable(value)
			if err != nil {
				return value, peal.Invalidf(variablesName+"."+key.Value, "%s", err)
			}
			if text = found; len(scope.Hosts)+len(scope.Tenants) > 0 {
				l.VariableScopes[key.Value] = scope
			}
		default:
			return mapping, shape
		}
		l.Variables[key.Value] = text
	}
	return nil, nil
}

// readVariable reads the long form of a variable.
func readVariable(mapping *yaml.Node) (scope VariableScope, text string, err error) {
	given := 0
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], resolve(mapping.Content[i+1])
		var wrong error
		switch key.Value {
		case "value":
			given++
			wrong = value.Decode(&text)
			if isNull(value) {
				return scope, "", peal.Errorf(peal.Invalid, "has no value: give one")
			}
		case "value_file":
			given++
			if wrong = value.Decode(&text); wrong != nil {
				break
			}
			content, err := os.ReadFile(text)
			if err != nil {
				return scope, "", peal.Errorf(peal.Invalid, "has a value_file that cannot be read: %s", err)
			}
			if text = strings.TrimRight(string(content), "\r\n"); text == "" {
				return scope, "", peal.Errorf(peal.Invalid, "has a value_file that is empty")
			}
		case "hosts":
			scope.Hosts, wrong = readTexts(value)
		case "tenants":
			scope.Tenants, wrong = readTexts(value)
		default:
			return scope, "", peal.Errorf(peal.Invalid, "has %q, which is not a setting of a variable: there are value, value_file, hosts and tenants", key.Value)
		}
		if wrong != nil {
			return scope, "", peal.Errorf(peal.Invalid, "must have texts as value or value_file, and lists of texts as hosts and tenants")
		}
	}
	if given != 1 {
		return scope, "", peal.Errorf(peal.Invalid, "must have value or value_file, one of them")
	}
	return scope, text, nil
}

// readTexts reads a list of texts, or a single one. An empty one would silently match
// nothing.
func readTexts(node *yaml.Node) ([]string, error) {
	if node.Kind == yaml.ScalarNode {
		if isNull(node) || node.Value == "" {
			return nil, peal.Errorf(peal.Invalid, "is empty")
		}
		return []string{node.Value}, nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, peal.Errorf(peal.Invalid, "is empty")
	}
	return list, nil
}

// parseVariables reads the variables from the text of an environment variable.
func (l *Loaded) parseVariables(o *Option, text string) error {
	var document yaml.Node
	if yaml.Unmarshal([]byte(text), &document) != nil || len(document.Content) != 1 {
		return o.mismatch("")
	}
	if second, _ := repeated(document.Content[0]); document.Content[0].Kind == yaml.MappingNode && second != nil {
		return o.mismatch("")
	}
	_, err := l.variables(document.Content[0])
	return err
}
