package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/pealhq/peal"
)

func TestReplay(t *testing.T) {
	var up atomic.Bool
	arrived := make(chan string, 100)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		arrived <- r.Header.Get("Webhook-Id")
	}))
	defer sink.Close()
	b := newBench(t)
	b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"task.created","id":"missed","data":0}`})
	hook := b.want(201, request{method: "POST", path: "/v1/webhooks", body: map[string]any{
		"url": sink.URL, "events": "task.*", "retry_policy": map[string]any{"delays_seconds": []int{}},
	}})["id"].(string)
	path := "/v1/webhooks/" + hook
	for i := range 3 {
		b.want(202, request{method: "POST", path: "/v1/events", body: fmt.Sprintf(`{"type":"task.created","id":"e%d","data":%d}`, i, i)})
		<-arrived
	}
	for len(b.want(200, request{method: "GET", path: path + "/deliveries?status=failed"})["data"].([]any)) < 3 { // the answers are being written down
	}
	up.Store(true)

	all := `{"since":"2020-01-01T00:00:00Z","missed":true}`
	count := b.want(200, request{method: "POST", path: path + "/replay?dry_run=true", body: all})
	if count["deliveries"] != 3.0 || count["events"] != 1.0 {
		t.Errorf("counted %v", count)
	}
	none := b.want(200, request{method: "POST", path: path + "/replay?dry_run=true", body: `{"since":"2020-01-01T00:00:00Z","statuses":["success"],"event_types":"task.*"}`})
	if none["deliveries"] != 0.0 || none["events"] != 0.0 {
		t.Errorf("counted %v", none)
	}
	if list := b.want(200, request{method: "GET", path: path + "/replays"}); len(list["data"].([]any)) != 0 {
		t.Errorf("after dry runs there are %v", list)
	}

	got := b.do(request{method: "POST", path: path + "/replay", body: all})
	if got.StatusCode != 202 {
		t.Fatalf("answered %d: %s", got.StatusCode, got.body)
	}
	at := got.Header.Get("Location")
	ids := map[string]bool{}
	for range 4 {
		ids[<-arrived] = true
	}
	for _, id := range []string{"missed", "e0", "e1", "e2"} {
		if !ids[id] {
			t.Errorf("%s did not arrive: %v", id, ids)
		}
	}
	shown := b.want(200, request{method: "GET", path: at})
	for shown["status"] == "running" {
		shown = b.want(200, request{method: "GET", path: at})
	}
	if shown["status"] != "done" || shown["total"] != 4.0 || shown["done"] != 4.0 || shown["replayed"] != 4.0 || shown["ended_at"] == nil || shown["webhook_id"] != hook {
		t.Errorf("ended as %v", shown)
	}
	b.refused(409, "conflict", request{method: "POST", path: at + "/cancel"})
	if list := b.want(200, request{method: "GET", path: path + "/replays?limit=1"}); list["data"].([]any)[0].(map[string]any)["id"] != shown["id"] || list["next_cursor"] != nil {
		t.Errorf("listed %v", list)
	}
	if of := b.want(200, request{method: "GET", path: "/v1/events/missed"})["deliveries"].([]any); len(of) != 1 {
		t.Errorf("the missed event has the deliveries %v", of)
	}
}

func TestReplayRefuses(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("", "http://127.0.0.1:1/", "task.*")
	path := "/v1/webhooks/" + hook + "/replay"
	for body, places := range map[string][]string{
		`{}`: {"body.since"}, `{"since":null}`: {"body.since"}, `{"since":1}`: {"body.since"}, `{"since":"yesterday"}`: {"body.since"},
		`{"since":"2999-01-01T00:00:00Z"}`:                                           {"body.since"},
		`{"since":"2020-01-01T00:00:00Z","statuses":[]}`:                             {"body.statuses"},
		`{"since":"2020-01-01T00:00:00Z","statuses":["failed","pending"]}`:           {"body.statuses[1]"},
		`{"since":"2020-01-01T00:00:00Z","event_types":[]}`:                          {"body.event_types"},
		`{"since":"2020-01-01T00:00:00Z","event_types":["a","*b"]}`:                  {"body.event_types[1]"},
		`{"since":"2020-01-01T00:00:00Z","until":"x","missed":"yes"}`:                {"body.until", "body.missed"},
		`{"since":"2020-01-02T00:00:00Z","until":"2020-01-01T00:00:00Z","other":1}`:  {"body.other"},
		`{"since":"2020-01-02T00:00:00Z","until":"2020-01-01T00:00:00Z"}`:            {"body.since"},
		`{"since":"2020-01-02T00:00:00Z","statuses":["failed","success","failed"] }`: {"body.statuses[2]"},
	} {
		for _, query := range []string{"", "?dry_run=true"} {
			if got := b.refused(422, "invalid", request{method: "POST", path: path + query, body: body}); !slices.Equal(got, places) {
				t.Errorf("%s is refused at %q", body, got)
			}
		}
	}
	b.refused(422, "invalid", request{method: "POST", path: path + "?dry_run=1", body: `{"since":"2020-01-01T00:00:00Z"}`})
	good := `{"since":"2020-01-01T00:00:00Z"}`
	b.refused(403, "forbidden", request{method: "POST", path: path, body: good, key: b.newKey("default", peal.ScopeRead)})
	b.refused(404, "not-found", request{method: "POST", path: path, body: good, tenant: "stranger"})
	b.refused(404, "not-found", request{method: "POST", path: "/v1/webhooks/x/replay", body: good})
	job := b.want(202, request{method: "POST", path: path, body: good})["id"].(string)
	for _, id := range []string{"x", peal.NewJobID().String()} {
		b.refused(404, "not-found", request{method: "GET", path: "/v1/replays/" + id})
		b.refused(404, "not-found", request{method: "POST", path: "/v1/replays/" + id + "/cancel"})
	}
	b.refused(404, "not-found", request{method: "GET", path: "/v1/replays/" + job, tenant: "stranger"})
	b.refused(404, "not-found", request{method: "POST", path: "/v1/replays/" + job + "/cancel", tenant: "stranger"})
	b.want(200, request{method: "PATCH", path: "/v1/webhooks/" + hook, body: `{"status":"disabled"}`})
	b.refused(409, "conflict", request{method: "POST", path: path, body: good})
}
