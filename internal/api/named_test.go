package api_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// unnamed are the routes with a parameter in the path that answer without finding anything.
var unnamed = map[string]string{
	"PUT /v1/event-types/{name}": "creates what does not exist",
}

// bodiesNamed are the bodies that get past the checks of a route.
var bodiesNamed = map[string]string{
	"POST /v1/webhooks/{id}/test":          `{"type":"task.created"}`,
	"POST /v1/webhooks/{id}/preview":       `{"type":"task.created"}`,
	"POST /v1/webhooks/{id}/replay":        `{"since":"2026-01-01T00:00:00Z"}`,
	"POST /v1/webhooks/{id}/secret/rotate": `{}`,
	"POST /v1/sources/{id}/secret/rotate":  `{}`,
}

// TestMissingThingsAreNamed asks each route with a parameter in its path for a thing that does not
// exist, by a name and by the id of another kind. A new route is in it by itself.
func TestMissingThingsAreNamed(t *testing.T) {
	b := newBench(t)
	list, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	walked := 0
	for line := range strings.Lines(string(list)) {
		route := strings.Join(strings.Fields(line)[:min(2, len(strings.Fields(line)))], " ")
		method, path, _ := strings.Cut(route, " ")
		start := strings.LastIndexByte(path, '{')
		if start < 0 || unnamed[route] != "" {
			continue
		}
		walked++
		end := start + strings.IndexByte(path[start:], '}') + 1
		other, what := "delivery_01h455vb4pex5vsknk084sn02q", "delivery"
		if strings.HasPrefix(path, "/v1/deliveries/") {
			other, what = "webhook_01h455vb4pex5vsknk084sn02q", "webhook"
		}
		for _, name := range []string{"billing", other} {
			body := bodiesNamed[route]
			if body == "" && (method == "PATCH" || method == "POST") {
				body = "{}"
			}
			reply := b.do(request{method: method, path: strings.ReplaceAll(path[:start], "{tenant}", "acme") + name + path[end:], body: body})
			var problem struct{ Detail string }
			if err := json.Unmarshal(reply.body, &problem); reply.StatusCode != 404 || err != nil {
				t.Errorf("%s with %s answered %d: %s", route, name, reply.StatusCode, reply.body)
				continue
			}
			if !strings.Contains(problem.Detail, `"`+name+`"`) {
				t.Errorf("%s with %s does not name it: %s", route, name, problem.Detail)
			}
			isID := strings.Contains(path, "{id}") && !strings.Contains(path, "/events/")
			if name == other && strings.Contains(path, "{id}") && !strings.HasSuffix(problem.Detail, "that is the id of a "+what) {
				t.Errorf("%s with the id of another kind answered %q", route, problem.Detail)
			}
			if name == "billing" && isID && !strings.Contains(problem.Detail, "give its id, which starts with ") {
				t.Errorf("%s with a name answered %q", route, problem.Detail)
			}
		}
	}
	if walked < 20 {
		t.Errorf("only %d routes have a parameter", walked)
	}
}
