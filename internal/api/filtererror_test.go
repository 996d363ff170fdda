package api_test

import (
	"strings"
	"testing"
)

func TestFilterErrorsAreShownOnTheEvent(t *testing.T) {
	b := newBench(t)
	create := func(filter string) string {
		return b.want(201, request{method: "POST", path: "/v1/webhooks", body: map[string]any{"url": "http://127.0.0.1:1/", "events": "*", "filter": filter}})["id"].(string)
	}
	failing := create("data.n > 3")
	create("data.n == 3")
	for id, test := range map[string]struct {
		data string
		want []string
	}{
		"bad":  {`{"n":"three"}`, []string{failing}},
		"good": {`{"n":2}`, nil},
	} {
		b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"t","id":"` + id + `","data":` + test.data + `}`})
		event := b.want(200, request{method: "GET", path: "/v1/events/" + id})
		list, ok := event["filter_errors"].([]any)
		if !ok || len(list) != len(test.want) {
			t.Fatalf("%s: the filter errors are %v", id, event["filter_errors"])
		}
		for i, want := range test.want {
			got := list[i].(map[string]any)
			if got["webhook_id"] != want || !strings.HasPrefix(got["error"].(string), "fails on this event: ") || len(got) != 2 {
				t.Errorf("%s: %v", id, got)
			}
		}
	}
}
