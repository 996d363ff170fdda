package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPages walks over every list in pages of every size.
func TestPages(t *testing.T) {
	b := newBench(t)
	const rows = 5
	for i := range rows {
		b.newWebhook("", "http://127.0.0.1:1/", fmt.Sprint("never.", i))
		b.want(202, request{method: "POST", path: "/v1/events", body: fmt.Sprintf(`{"type":"t","data":%d}`, i)})
		b.want(201, request{method: "POST", path: "/v1/keys", body: `{"name":"n","scopes":["read"]}`})
		b.want(201, request{method: "PUT", path: fmt.Sprint("/v1/event-types/type.", i), body: `{}`})
		b.want(201, request{method: "POST", path: "/v1/tenants", body: fmt.Sprintf(`{"name":"tenant-%d"}`, i)})
	}
	hook := b.newWebhook("", "http://127.0.0.1:1/", "never")
	for range rows {
		b.want(200, request{method: "POST", path: "/v1/webhooks/" + hook + "/test"})
	}
	for _, path := range []string{"webhooks", "events", "keys", "event-types", "tenants", "deliveries", "webhooks/" + hook + "/deliveries"} {
		whole := b.want(200, request{method: "GET", path: "/v1/" + path})
		if whole["next_cursor"] != nil || len(whole["data"].([]any)) < rows {
			t.Fatalf("%s gave %v", path, whole)
		}
		for _, limit := range []int{1, 2, rows, rows + 1, 200} {
			var pages []any
			next := fmt.Sprintf("/v1/%s?limit=%d", path, limit)
			for next != "" {
				page := b.want(200, request{method: "GET", path: next})
				data := page["data"].([]any)
				if len(data) > limit || len(data) == 0 {
					t.Fatalf("%s gave %d rows", next, len(data))
				}
				pages = append(pages, data...)
				next = ""
				if cursor, more := page["next_cursor"].(string); more {
					next = fmt.Sprintf("/v1/%s?limit=%d&cursor=%s", path, limit, cursor)
				}
			}
			if diff := cmp.Diff(whole["data"], pages); diff != "" {
				t.Errorf("%s in pages of %d: %s", path, limit, diff)
			}
		}
		for query, place := range map[string]string{
			"limit=0": "query.limit", "limit=201": "query.limit", "limit=": "query.limit", "limit=1.5": "query.limit", "limit=99999999999999999999": "query.limit",
			"cursor=": "query.cursor", "cursor=nope": "query.cursor", "cursor=eHg": "query.cursor", "limt=1": "query.limt", "limit=1&limit=2": "query.limit", "%zz=1": "query", "limit=1;cursor=2": "query",
		} {
			if places := b.refused(422, "invalid", request{method: "GET", path: "/v1/" + path + "?" + query}); !slices.Equal(places, []string{place}) {
				t.Errorf("%s?%s is refused at %q", path, query, places)
			}
		}
	}
	cursor := b.want(200, request{method: "GET", path: "/v1/events?limit=1"})["next_cursor"].(string)
	b.refused(422, "invalid", request{method: "GET", path: "/v1/webhooks?cursor=" + cursor}) // of another list
}

func TestFilters(t *testing.T) {
	b := newBench(t)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer sink.Close()
	first, second := b.newWebhook("", sink.URL, "a"), b.newWebhook("", sink.URL, "a", "b")
	b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"a","data":1,"id":"e1","subject":"s"}`})
	b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"b","data":1,"id":"e2"}`})
	count := func(path string) int {
		return len(b.want(200, request{method: "GET", path: "/v1/" + path})["data"].([]any))
	}
	for count("deliveries?status=success") < 3 { // the engine delivers them meanwhile
		if err := b.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{
		"events?type=a": 1, "events?type=c": 0, "events?since=2020-01-01T00:00:00Z": 2, "events?until=2020-01-01T00:00:00Z": 0,
		"deliveries": 3, "deliveries?webhook=" + first: 1, "deliveries?webhook=" + second: 2, "deliveries?event=e1": 2, "deliveries?event=none": 0,
		"deliveries?webhook=" + second + "&event=e1&status=success": 1, "deliveries?status=failed": 0,
		"webhooks/" + second + "/deliveries?event=e2": 1, "webhooks/" + first + "/deliveries?event=e2": 0, "deliveries?until=2020-01-01T00:00:00%2B02:00": 0,
	} {
		if got := count(path); got != want {
			t.Errorf("%s gives %d rows, not %d", path, got, want)
		}
	}
	for query, place := range map[string]string{
		"status=done": "query.status", "webhook=x": "query.webhook", "webhook=" + strings.Replace(first, "webhook", "event", 1): "query.webhook",
		"since=yesterday": "query.since", "until=": "query.until", "event=": "query.event", "event=a%00b": "query.event", "since=2020-01-01T00:00:00+02:00": "query.since",
	} {
		if places := b.refused(422, "invalid", request{method: "GET", path: "/v1/deliveries?" + query}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", query, places)
		}
	}

	event := b.want(200, request{method: "GET", path: "/v1/events/e1"})
	if event["subject"] != "s" || event["size"] != 1.0 || len(event["deliveries"].([]any)) != 2 || event["deliveries_cursor"] != nil {
		t.Errorf("the event is %v", event)
	}
	row := b.want(200, request{method: "GET", path: "/v1/deliveries?event=e2"})["data"].([]any)[0].(map[string]any)
	want := map[string]any{
		"id": row["id"], "event": "b", "timestamp": row["timestamp"], "status": "success", "response_code": 200.0, "response_time_ms": row["response_time_ms"],
		"webhook_id": second, "event_id": "e2", "attempts": 1.0, "next_attempt_at": nil, "reason": nil, "test": false, "settled_at": row["settled_at"],
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Error(diff)
	}
	attempts := b.want(200, request{method: "GET", path: "/v1/deliveries/" + row["id"].(string) + "/attempts"})["data"].([]any)
	attempt := attempts[0].(map[string]any)
	if len(attempts) != 1 || attempt["outcome"] != "success" || attempt["number"] != 1.0 || attempt["url"] != sink.URL {
		t.Errorf("the attempts are %v", attempts)
	}
	b.refused(409, "conflict", request{method: "POST", path: "/v1/deliveries/" + row["id"].(string) + "/cancel"})
	again := b.want(202, request{method: "POST", path: "/v1/deliveries/" + row["id"].(string) + "/retry", body: `{}`})
	if again["id"] != row["id"] {
		t.Errorf("the retry is %v", again)
	}
	if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/deliveries/" + row["id"].(string) + "/retry", body: `{"x":1}`}); !slices.Equal(places, []string{"body.x"}) {
		t.Errorf("a body with something is refused at %q", places)
	}
}

func TestCatalogue(t *testing.T) {
	b := newBench(t)
	path := "/v1/event-types/task.created"
	put := func(status int, body string) map[string]any {
		t.Helper()
		return b.want(status, request{method: "PUT", path: path, body: body})
	}
	made := put(201, `{"description":"d","schema":{"type":"object"},"example":{"a":1.0}}`)
	if diff := cmp.Diff(made, b.want(200, request{method: "GET", path: path})); diff != "" {
		t.Error(diff)
	}
	replaced := put(200, `{"example":null}`)
	if replaced["description"] != "" || replaced["schema"] != nil || replaced["example"] != nil || replaced["created_at"] != made["created_at"] {
		t.Errorf("replaced by %v", replaced)
	}
	for body, place := range map[string]string{
		`{"schema":{"type":"nope"}}`: "body.schema", `{"schema":1}`: "body.schema", `{"schema":{"$ref":"https://example.com/x"}}`: "body.schema",
		`{"example":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`: "body.example", `{"example":"` + strings.Repeat("x", 64<<10) + `"}`: "body.example",
		`{"description":1}`: "body.description", `{"name":"x"}`: "body.name",
	} {
		if places := b.refused(422, "invalid", request{method: "PUT", path: path, body: body}); !slices.Equal(places, []string{place}) {
			t.Errorf("%.60s is refused at %q", body, places)
		}
	}
	for _, name := range []string{"a b", "a..b", strings.Repeat("x", 129), "ä"} {
		if places := b.refused(422, "invalid", request{method: "PUT", path: "/v1/event-types/" + strings.ReplaceAll(name, " ", "%20"), body: `{}`}); !slices.Equal(places, []string{"path.name"}) {
			t.Errorf("the name %q is refused at %q", name, places)
		}
	}
	b.want(204, request{method: "DELETE", path: path})
	b.refused(404, "not-found", request{method: "DELETE", path: path})
	b.refused(404, "not-found", request{method: "GET", path: path})
}

func TestTenants(t *testing.T) {
	b := newBench(t)
	made := b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"a:b@c","format":"x-webhook","retry_policy":{"delays_seconds":[1]}}`})
	path := "/v1/tenants/a:b@c"
	if diff := cmp.Diff(made, b.want(200, request{method: "GET", path: path})); diff != "" {
		t.Error(diff)
	}
	hook := b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: "a:b@c", body: `{"url":"http://127.0.0.1:1/","events":["*"]}`})
	if hook["format"] != "x-webhook" {
		t.Errorf("the tenant's webhook has the format %v", hook["format"])
	}
	changed := b.want(200, request{method: "PATCH", path: path, body: `{"format":null,"retry_policy":null,"description":"d"}`})
	if changed["format"] != nil || changed["retry_policy"] != nil || changed["description"] != "d" {
		t.Errorf("changed to %v", changed)
	}
	b.refused(409, "conflict", request{method: "POST", path: "/v1/tenants", body: `{"name":"a:b@c"}`})
	for body, place := range map[string]string{
		`{}`: "body.name", `{"name":""}`: "body.name", `{"name":"-"}`: "body.name", `{"name":"x","format":"nope"}`: "body.format",
		`{"name":"x","retry_policy":{"jitter":1}}`: "body.retry_policy.jitter", `{"name":"x","y":1}`: "body.y", `{"name":null}`: "body.name",
	} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/tenants", body: body}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	b.refused(404, "not-found", request{method: "GET", path: "/v1/tenants/nobody"})
	b.refused(404, "not-found", request{method: "PATCH", path: "/v1/tenants/a%00b", body: `{}`})
}
