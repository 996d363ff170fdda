// Clientgen writes the types and calls of package client from the API's OpenAPI document, into
// types_gen.go and calls_gen.go. The same document always makes the same files.
//
// An operation becomes a method named after its id: list-webhooks becomes Webhooks, which
// returns a page, and AllWebhooks, which walks over all pages; get-webhook becomes Webhook;
// any other id keeps its verb (create-webhook becomes CreateWebhook). A schema becomes a
// struct of its name.
//
// Usage: clientgen OPENAPI.json DIRECTORY
package main

import (
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: clientgen OPENAPI.json DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "clientgen:", err)
		os.Exit(1)
	}
}

// document is the part of an OpenAPI document that the client is made from.
type document struct {
	Tags []struct {
		Name string
	}
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas map[string]*schema
	}
}

type operation struct {
	ID          string `json:"operationId"`
	Tags        []string
	Summary     string
	Description string
	Parameters  []parameter
	RequestBody *struct {
		Content map[string]media
	}
	Responses map[string]struct {
		Content map[string]media
	}

	method, path string
}

type parameter struct {
	Name, In, Description string
	Schema                *schema
}

type media struct{ Schema *schema }

type schema struct {
	Ref         string `json:"$ref"`
	Type        any    // a name, or a list of names
	Format      string
	Description string
	Enum        []any
	Items       *schema
	AnyOf       []*schema
	OneOf       []*schema
	Properties  map[string]*schema
	Required    []string
	Additional  json.RawMessage `json:"additionalProperties"`
}

// byHand lists the operations with calls written by hand, because they keep the bytes of an event
// or have two kinds of answers. The value reports whether the type of the body is generated anyway.
var byHand = map[string]bool{"publish-event": false, "publish-events": false, "preview-webhook": false, "replay-webhook": true, "delete-tenant": false}

// notForPrograms names the operations that the client has no calls for: pages, streams of text
// and what other systems call.
var notForPrograms = map[string]bool{
	"docs": true, "docs-style": true, "openapi-json": true, "openapi-yaml": true, "metrics": true, "export-audit-log": true,
	"receive": true, "receive-of-tenant": true, "consent": true, "consent-of-tenant": true,
}

func run(source, directory string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	g := &generator{
		schemas: doc.Components.Schemas, inputs: make(map[string]bool),
		written: make(map[string]bool), queries: make(map[string]string),
	}
	operations := operationsOf(&doc)
	for _, op := range operations {
		if op.RequestBody != nil {
			g.markInput(op.RequestBody.Content["application/json"].Schema)
		}
	}
	for _, op := range operations {
		if withBody, found := byHand[op.ID]; found {
			if withBody {
				g.reference(op.RequestBody.Content["application/json"].Schema.Ref)
			}
			g.resultsOf(op)
			continue
		}
		if err := g.call(op); err != nil {
			return fmt.Errorf("%s: %w", op.ID, err)
		}
	}
	for len(g.pending) > 0 {
		name := g.pending[0]
		g.pending = g.pending[1:]
		if err := g.structType(name); err != nil {
			return fmt.Errorf("schema %s: %w", name, err)
		}
	}
	if err := write(filepath.Join(directory, "calls_gen.go"), g.calls.String()); err != nil {
		return err
	}
	return write(filepath.Join(directory, "types_gen.go"), g.types.String())
}

// operationsOf returns the operations of the document for programs: by tag, path and method.
func operationsOf(doc *document) []*operation {
	var list []*operation
	for _, tag := range doc.Tags {
		for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
			for _, method := range []string{"get", "post", "put", "patch", "delete"} {
				op := doc.Paths[path][method]
				if op == nil || !slices.Contains(op.Tags, tag.Name) || notForPrograms[op.ID] {
					continue
				}
				op.method, op.path = method, path
				list = append(list, op)
			}
		}
	}
	return list
}

// generator writes Go source.
type generator struct {
	schemas map[string]*schema
	inputs  map[string]bool   // schemas that are part of a request
	written map[string]bool   // schemas that have a type already
	enums   []namedValues     // the named string types so far
	queries map[string]string // structs of queries, by their source
	pending []string          // schemas that something refers to and nothing has written yet

	calls, types strings.Builder
}

// markInput marks what a request's body is made of.
func (g *generator) markInput(s *schema) {
	if s == nil {
		return
	}
	for _, part := range slices.Concat([]*schema{s.Items}, s.AnyOf, s.OneOf, slices.Collect(maps.Values(s.Properties))) {
		g.markInput(part)
	}
	if name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]; name != "" && !g.inputs[name] {
		g.inputs[name] = true
		g.markInput(g.schemas[name])
	}
}

// write formats a file of package client and writes it.
func write(name, body string) error {
	var head strings.Builder
	head.WriteString("// Code generated by clientgen from docs/openapi.json. DO NOT EDIT.\n\npackage client\n\nimport (\n")
	for _, path := range []string{"context", "encoding/json", "iter", "net/http", "net/url", "time"} {
		if usesPackage(body, path[strings.LastIndex(path, "/")+1:]+".") {
			fmt.Fprintf(&head, "\t%q\n", path)
		}
	}
	head.WriteString(")\n\n")
	source, err := format.Source([]byte(head.String() + body))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, source, 0o644)
}

// usesPackage reports whether the code, without its comments, has a qualified name of a package.
func usesPackage(code, prefix string) bool {
	for line := range strings.Lines(code) {
		line, _, _ = strings.Cut(line, "//")
		for rest := line; ; {
			at := strings.Index(rest, prefix)
			if at < 0 {
				break
			}
			if at == 0 || strings.ContainsRune(" \t(*[]{,&=", rune(rest[at-1])) {
				return true
			}
			rest = rest[at+1:]
		}
	}
	return false
}
