package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal/internal/api"
)

// document is the OpenAPI document as a client reads it.
type document struct {
	whole map[string]any
	Paths map[string]map[string]*operation
}

type operation struct {
	method, path string
	OperationID  string
	Description  string
	Security     []any
	Parameters   []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema map[string]any }
	}
	Responses map[string]map[string]any
}

func readDocument(t testing.TB, b *bench) *document {
	t.Helper()
	text := b.do(request{method: "GET", path: "/v1/openapi.json", key: "none"}).body
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc.whole); err != nil {
		t.Fatal(err)
	}
	return &doc
}

// operations are all operations, ordered by path and method.
func (d *document) operations() []*operation {
	var list []*operation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			op := d.Paths[path][method]
			op.method, op.path = strings.ToUpper(method), path
			list = append(list, op)
		}
	}
	return list
}

var scopeInWords = regexp.MustCompile("with the scope `(\\w+)`")

// needs is the scope that an operation needs, "operator", or "" for none.
func (op *operation) needs() string {
	if len(op.Security) == 0 {
		return ""
	}
	if match := scopeInWords.FindStringSubmatch(op.Description); match != nil {
		return match[1]
	}
	return "operator"
}

// TestDocumentIsOpenAPI validates the document against the JSON Schema of OpenAPI 3.1,
// and every schema in it against JSON Schema itself.
func TestDocumentIsOpenAPI(t *testing.T) {
	doc := readDocument(t, newBench(t))
	file, err := os.Open("testdata/openapi/schema-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	schema, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", schema); err != nil {
		t.Fatal(err)
	}
	openapi, err := compiler.Compile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi.Validate(doc.whole); err != nil {
		t.Error(err)
	}
	delete(doc.whole, "info")
	if openapi.Validate(doc.whole) == nil {
		t.Error("the schema accepts a document without info: it checks nothing")
	}
	checker := newChecker(t, readDocument(t, newBench(t)))
	for name := range checker.doc.whole["components"].(map[string]any)["schemas"].(map[string]any) {
		checker.schema("/components/schemas/" + name)
	}
	if text, _ := json.Marshal(checker.doc.whole); strings.Contains(string(text), `"$schema"`) {
		t.Error("the document has $schema links")
	}
}

// TestDocumentAsYAML compares the two forms.
func TestDocumentAsYAML(t *testing.T) {
	b := newBench(t)
	got := b.do(request{method: "GET", path: "/v1/openapi.yaml", key: "none"})
	var value map[string]any
	if err := yaml.Unmarshal(got.body, &value); err != nil {
		t.Fatal(err)
	}
	paths := slices.Sorted(maps.Keys(value["paths"].(map[string]any)))
	if want := slices.Sorted(maps.Keys(readDocument(t, b).Paths)); !slices.Equal(want, paths) {
		t.Errorf("the YAML has the paths %q", paths)
	}
}

// TestDocumentHasEveryRoute compares the document with the routes that are promised,
// and with what the server says about methods.
func TestDocumentHasEveryRoute(t *testing.T) {
	b := newBench(t)
	doc := readDocument(t, b)
	var got []string
	for _, op := range doc.operations() {
		got = append(got, op.method+" "+op.path)
	}
	promised, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(promised)) != strings.Join(got, "\n") {
		t.Errorf("the document's routes are\n%s", strings.Join(got, "\n"))
	}
	for path, methods := range doc.Paths {
		concrete := strings.NewReplacer("{id}", "x", "{name}", "x", "{source}", "x", "{tenant}", "x").Replace(path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			name := strings.ToLower(method)
			if method == http.MethodHead {
				name = "get"
			}
			_, described := methods[name]
			r := request{method: method, path: concrete}
			if status := b.do(r).StatusCode; described == (status == 405) {
				if path == "/v1/events/batch" && method != "POST" { // an event may have the id "batch"
					continue
				}
				t.Errorf("%s %s is described: %v, and answers %d", method, path, described, status)
			}
		}
	}
}

// TestEveryProblemIsDescribed looks for each kind of error in the document and on the page.
func TestEveryProblemIsDescribed(t *testing.T) {
	b := newBench(t)
	doc := readDocument(t, b)
	responses, _ := json.Marshal(doc.whole["components"].(map[string]any)["responses"])
	page := string(b.do(request{method: "GET", path: "/docs", key: "none"}).body)
	guide, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range api.KindTypes() {
		for where, text := range map[string]string{"the document": string(responses), "the page": page, "docs/api.md": string(guide)} {
			if !strings.Contains(text, kind) {
				t.Errorf("%s says nothing of %s", where, kind)
			}
		}
	}
	for _, op := range doc.operations() {
		if !strings.Contains(page, `id="`+op.OperationID+`"`) {
			t.Errorf("the page has no %s", op.OperationID)
		}
		if op.Responses["500"] == nil {
			t.Errorf("%s does not describe a defect", op.OperationID)
		}
	}
}

func TestPageIsStrict(t *testing.T) {
	b := newBench(t)
	page := b.do(request{method: "GET", path: "/docs", key: "none"})
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the page's policy is %q", policy)
	}
	for _, bad := range []string{"<script", "style=", "http://", "https://", "onclick", "ZgotmplZ"} {
		if strings.Contains(string(page.body), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(string(page.body), -1) {
		if !strings.Contains(string(page.body), `id="`+link[1]+`"`) {
			t.Errorf("the link to #%s leads nowhere", link[1])
		}
	}
	if style := b.do(request{method: "GET", path: "/docs/style.css", key: "none"}); style.StatusCode != 200 || !strings.HasPrefix(style.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet answered %d, %s", style.StatusCode, style.Header.Get("Content-Type"))
	}
}
