package api

import (
	"bytes"
	"encoding/json"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pealhq/peal"
)

// noLoader keeps schemas from fetching others.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, peal.Errorf(peal.Invalid, "a schema may only refer to itself")
}

// checkSchema makes sure that an event type's schema is one.
func checkSchema(schema json.RawMessage) error {
	if schema == nil {
		return nil
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return peal.Invalidf("schema", "is no JSON: %s", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	const name = "urn:peal:schema"
	if err := compiler.AddResource(name, parsed); err != nil {
		return peal.Invalidf("schema", "is no JSON Schema: %s", short(err.Error()))
	}
	if _, err := compiler.Compile(name); err != nil {
		return peal.Invalidf("schema", "is no JSON Schema: %s", err)
	}
	return nil
}
