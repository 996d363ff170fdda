package api_test

import (
	"bytes"
	"mime"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checker holds answers against the document.
type checker struct {
	testing.TB
	doc      *document
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

func newChecker(t testing.TB, doc *document) *checker {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("doc.json", doc.whole); err != nil {
		t.Fatal(err)
	}
	return &checker{TB: t, doc: doc, compiler: compiler, compiled: map[string]*jsonschema.Schema{}}
}

// schema compiles the schema at a JSON pointer of the document.
func (c *checker) schema(pointer string) *jsonschema.Schema {
	c.Helper()
	if c.compiled[pointer] == nil {
		schema, err := c.compiler.Compile("doc.json#" + pointer)
		if err != nil {
			c.Fatalf("%s is no schema: %v", pointer, err)
		}
		c.compiled[pointer] = schema
	}
	return c.compiled[pointer]
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")

// check says what is wrong with an answer of an operation: its status is not
// described, or its body is not as described; "" when all is well.
func (c *checker) check(op *operation, got reply) string {
	c.Helper()
	status := strconv.Itoa(got.StatusCode)
	response, described := op.Responses[status]
	if !described {
		return "answered " + status + ", which is not described: " + string(got.body)
	}
	pointer := "/paths/" + escapePointer.Replace(op.path) + "/" + strings.ToLower(op.method) + "/responses/" + status
	if ref, isRef := response["$ref"].(string); isRef {
		pointer = strings.TrimPrefix(ref, "#")
		name := pointer[strings.LastIndex(pointer, "/")+1:]
		response = c.doc.whole["components"].(map[string]any)["responses"].(map[string]any)[name].(map[string]any)
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(got.body) > 0 {
			return "answered a body, which is not described: " + string(got.body)
		}
		return ""
	}
	media, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if content[media] == nil {
		return "answered as " + media + ", which is not described"
	}
	if !strings.HasSuffix(media, "json") || media == "application/x-ndjson" {
		return ""
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
	if err != nil {
		return "answered no JSON: " + string(got.body)
	}
	if err := c.schema(pointer + "/content/" + escapePointer.Replace(media) + "/schema").Validate(value); err != nil {
		return "answered " + string(got.body) + " which is not as described: " + err.Error()
	}
	return ""
}
