package api_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestConcurrentPatchesOfATenant sends PATCHes of different members at once: all survive,
// and none is refused.
func TestConcurrentPatchesOfATenant(t *testing.T) {
	b := newBench(t)
	b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"acme"}`})
	for round := range 5 {
		members := []string{
			fmt.Sprintf(`{"description":"round %d"}`, round), `{"format":"vikunja"}`, `{"retry_policy":{"jitter":0.25}}`,
			fmt.Sprintf(`{"catalogue":"c%d"}`, round), fmt.Sprintf(`{"quotas":{"webhooks":%d}}`, round),
		}
		var all sync.WaitGroup
		for _, body := range append(members, members...) {
			all.Go(func() {
				if got := b.do(request{method: "PATCH", path: "/v1/tenants/acme", body: body}); got.StatusCode != 200 {
					t.Errorf("%s answers %d: %s", body, got.StatusCode, got.body)
				}
			})
		}
		all.Wait()
		got := b.want(200, request{method: "GET", path: "/v1/tenants/acme"})
		policy, _ := got["retry_policy"].(map[string]any)
		quotas, _ := got["quotas"].(map[string]any)
		if got["description"] != fmt.Sprintf("round %d", round) || got["format"] != "vikunja" || got["catalogue"] != fmt.Sprintf("c%d", round) || quotas["webhooks"] != float64(round) || policy["jitter"] != 0.25 {
			t.Errorf("after round %d: %v", round, got)
		}
	}
}

// TestIfMatchOfTenantsAndUsers changes tenants and users only as the caller has seen them.
func TestIfMatchOfTenantsAndUsers(t *testing.T) {
	b := newBench(t)
	b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"acme"}`})
	user := "/v1/users/" + b.want(201, request{method: "POST", path: "/v1/users", body: `{"name":"ann","role":"viewer"}`})["id"].(string)
	for path, bodies := range map[string][2]string{"/v1/tenants/acme": {`{"description":"one"}`, `{"description":"two"}`}, user: {`{"role":"editor"}`, `{"role":"owner"}`}} {
		seen := b.do(request{method: "GET", path: path}).Header.Get("ETag")
		if seen == "" {
			t.Fatalf("%s has no ETag", path)
		}
		patch := func(body, tag string) int {
			got := b.do(request{method: "PATCH", path: path, body: body, header: map[string]string{"If-Match": tag}})
			if now := got.Header.Get("ETag"); got.StatusCode == 200 && now == seen {
				t.Errorf("%s keeps its ETag %s", path, now)
			}
			return got.StatusCode
		}
		if got := patch(bodies[0], seen); got != 200 {
			t.Errorf("%s with its ETag answers %d", path, got)
		}
		if got := patch(bodies[1], seen); got != 412 {
			t.Errorf("%s with an old ETag answers %d", path, got)
		}
		if got := patch(bodies[1], "*"); got != 200 {
			t.Errorf("%s with * answers %d", path, got)
		}
	}
}

// TestEveryFaultAtOnce checks that one answer lists every fault of a body, always in the same
// order.
func TestEveryFaultAtOnce(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/", "*")
	for _, c := range []struct {
		method, path, body string
		want               []string
	}{
		{"POST", "/v1/tenants", `{"name":"-","format":"x","catalogue":"/","quotas":{"x":1,"keys":-1}}`, []string{"body.name", "body.catalogue", "body.quotas.keys", "body.quotas.x", "body.format"}},
		{"PATCH", "/v1/tenants/default", `{"format":"x","retry_policy":{"jitter":9,"delays_seconds":[-1]}}`, []string{"body.retry_policy.delays_seconds[0]", "body.retry_policy.jitter", "body.format"}},
		{"POST", "/v1/users", `{"name":"a b","role":"boss","password":"short"}`, []string{"body.name", "body.role", "body.password"}},
		{"POST", "/v1/users", `{"name":"a b","role":"boss","password":""}`, []string{"body.name", "body.role", "body.password"}},
		{"POST", "/v1/keys", `{"name":"","scopes":["all","read","none"]}`, []string{"body.name", "body.scopes[0]", "body.scopes[2]"}},
		{"POST", "/v1/keys", `{"name":"","operator":true,"scopes":["read"]}`, []string{"body.name", "body.scopes"}},
		{"POST", "/v1/portal-links", `{"name":"","expires_seconds":0,"session_seconds":1}`, []string{"body.name", "body.expires_seconds", "body.session_seconds"}},
		{"PUT", "/v1/event-types/no+type?catalogue=default", `{"schema":{"type":"nonsense"}}`, []string{"path.name", "body.schema"}},
		{"POST", "/v1/webhooks/" + hook + "/replay", `{"statuses":["pending"],"event_types":[]}`, []string{"body.since", "body.statuses[0]", "body.event_types"}},
		{"POST", "/v1/webhooks/" + hook + "/replay", `{"since":"2026-01-01T00:00:00Z","until":"2025-01-01T00:00:00Z","statuses":[],"event_types":["a b","c","d d"]}`, []string{"body.since", "body.statuses", "body.event_types[0]", "body.event_types[2]"}},
	} {
		tenant := ""
		if c.path[:6] == "/v1/we" {
			tenant = "acme"
		}
		for range 3 {
			var got []string
			answer := b.want(422, request{method: c.method, path: c.path, body: c.body, tenant: tenant})
			for _, fault := range answer["errors"].([]any) {
				got = append(got, fault.(map[string]any)["location"].(string))
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s %s %s\nhas faults at %v,\nwant           %v", c.method, c.path, c.body, got, c.want)
			}
		}
	}
}
