package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// An operator sets limits for a tenant; both see them with their usage, and requests beyond a limit
// are refused with the name of the quota.
func TestQuotas(t *testing.T) {
	b := newBench(t)
	b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"acme","quotas":{"webhooks":2,"keys":2}}`})
	key := b.newKey("acme", peal.ScopeManage, peal.ScopeRead, peal.ScopePublish)
	quota := func(r request, name string) map[string]any {
		t.Helper()
		for _, row := range b.want(200, r)["data"].([]any) {
			if row := row.(map[string]any); row["name"] == name {
				return row
			}
		}
		t.Fatalf("there is no quota %s", name)
		return nil
	}
	own := request{method: "GET", path: "/v1/quotas", key: key}
	create := func(path, body string) request { return request{method: "POST", path: path, key: key, body: body} }
	webhook := create("/v1/webhooks", `{"url":"https://example.com/","events":["*"]}`)
	for i := range 2 {
		if got := quota(own, "webhooks"); fmt.Sprint(got["used"], got["limit"], got["own"]) != fmt.Sprint(i, 2, true) {
			t.Errorf("with %d webhooks: %v", i, got)
		}
		b.want(201, webhook)
	}
	if places := b.refused(422, "invalid", webhook); !slices.Equal(places, []string{"body"}) {
		t.Errorf("refused at %q", places)
	}
	if got := fmt.Sprint(b.want(422, webhook)["detail"]); !strings.Contains(got, "the quota webhooks is used up: 2 of 2") {
		t.Errorf("refused with %q", got)
	}
	b.want(201, create("/v1/keys", `{"name":"second","scopes":["read"]}`))
	b.refused(422, "invalid", create("/v1/keys", `{"name":"third","scopes":["read"]}`))
	operators := request{method: "GET", path: "/v1/tenants/acme/quotas"}
	if got := quota(operators, "keys"); fmt.Sprint(got["used"], got["limit"], got["own"]) != "2 2 true" {
		t.Errorf("an operator sees %v", got)
	}
	if got := quota(operators, "sources"); got["limit"] != nil || got["own"] != false || fmt.Sprint(got["used"]) != "0" {
		t.Errorf("an operator sees %v", got)
	}

	b.want(200, request{method: "PATCH", path: "/v1/tenants/acme", body: `{"quotas":{"webhooks":3}}`})
	b.want(201, webhook)
	b.refused(422, "invalid", webhook)
	b.want(201, create("/v1/keys", `{"name":"third","scopes":["read"]}`))
	if got := b.want(200, request{method: "PATCH", path: "/v1/tenants/acme", body: `{"description":"x"}`})["quotas"]; fmt.Sprint(got) != "map[webhooks:3]" {
		t.Errorf("they do not stay: %v", got)
	}
	if got := b.want(200, request{method: "PATCH", path: "/v1/tenants/acme", body: `{"quotas":null}`})["quotas"]; fmt.Sprint(got) != "map[]" {
		t.Errorf("they do not go: %v", got)
	}
	for body, place := range map[string]string{
		`{"quotas":{"webhooks":-1}}`:        "body.quotas.webhooks",
		`{"quotas":{"webhooks":10001}}`:     "body.quotas.webhooks",
		`{"quotas":{"nothing":1}}`:          "body.quotas.nothing",
		`{"quotas":{"keys":1.5}}`:           "body.quotas.keys",
		`{"quotas":{"keys":null}}`:          "body.quotas.keys",
		`{"quotas":{"event_types":1}}`:      "body.quotas.event_types",
		`{"quotas":[]}`:                     "body.quotas",
		`{"quotas":{"pending_bytes":1e30}}`: "body.quotas.pending_bytes",
	} {
		if places := b.refused(422, "invalid", request{method: "PATCH", path: "/v1/tenants/acme", body: body}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
	b.refused(403, "forbidden", request{method: "PATCH", path: "/v1/tenants/acme", key: key, body: `{"quotas":null}`})
	b.refused(403, "forbidden", request{method: "GET", path: "/v1/tenants/acme/quotas", key: key})
}

// Beyond a limit of what is pending a publish is answered 429, with how long to wait.
func TestPendingQuotaIsAnswered429(t *testing.T) {
	b := newBench(t)
	b.want(201, request{method: "POST", path: "/v1/tenants", body: `{"name":"acme","quotas":{"pending_deliveries":1}}`})
	b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: "acme", body: `{"url":"https://example.com/","events":["*"],"status":"paused"}`})
	publish := request{method: "POST", path: "/v1/events", tenant: "acme", body: `{"type":"task.created","data":{}}`}
	b.want(202, publish)
	response := b.do(publish)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") == "" || !strings.Contains(string(response.body), "the quota pending_deliveries is used up: 1 of 1") {
		t.Errorf("got %d, %v, %s", response.StatusCode, response.Header, response.body)
	}
}
