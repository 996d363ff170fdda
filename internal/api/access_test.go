package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
)

func TestUnauthorized(t *testing.T) {
	b := newBench(t)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic abc", "Bearer unknown", "peal_x", "Bearer " + operatorKey + "x", "Bearer " + operatorKey[1:]} {
		r := request{method: "GET", path: "/v1/events", key: "none"}
		if header != "" {
			r.header = map[string]string{"Authorization": header}
		}
		b.refused(401, "unauthorized", r)
		if got := b.do(r).Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
			t.Errorf("with %q: WWW-Authenticate %q", header, got)
		}
	}
	b.want(200, request{method: "GET", path: "/v1/events", key: "none", header: map[string]string{"Authorization": "bearer  " + operatorKey}})
}

func TestKeys(t *testing.T) {
	b := newBench(t)
	made := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "acme", body: `{"name":"n","scopes":["read","read","publish"]}`})
	text := made["key"].(string)
	want := map[string]any{
		"id": made["id"], "name": "n", "tenant": "acme", "scopes": []any{"read", "publish"},
		"hint": text[len(text)-4:], "created_at": made["created_at"], "revoked_at": nil,
	}
	list := b.want(200, request{method: "GET", path: "/v1/keys", tenant: "acme"})
	if diff := cmp.Diff([]any{want}, list["data"]); diff != "" {
		t.Error(diff)
	}
	read := request{method: "GET", path: "/v1/events", key: text}
	b.want(200, read)
	b.want(204, request{method: "DELETE", path: "/v1/keys/" + made["id"].(string), tenant: "acme"})
	b.refused(401, "unauthorized", read) // at once, though the keyring had it
	list = b.want(200, request{method: "GET", path: "/v1/keys", tenant: "acme"})
	if list["data"].([]any)[0].(map[string]any)["revoked_at"] == nil {
		t.Error("the revoked key does not say so")
	}

	operator := b.want(201, request{method: "POST", path: "/v1/keys", body: `{"name":"second","operator":true}`})
	if operator["tenant"] != nil {
		t.Errorf("an operator's key has the tenant %v", operator["tenant"])
	}
	b.want(200, request{method: "GET", path: "/v1/tenants", key: operator["key"].(string), tenant: "acme"})
	list = b.want(200, request{method: "GET", path: "/v1/keys?operator=true"})
	if rows := list["data"].([]any); len(rows) != 1 || rows[0].(map[string]any)["name"] != "second" {
		t.Errorf("the operator's keys are %v", rows)
	}

	for body, place := range map[string]string{
		`{"name":"n"}`: "body.scopes", `{"name":"n","scopes":[]}`: "body.scopes", `{"name":"n","scopes":["read","all"]}`: "body.scopes[1]",
		`{"scopes":["read"]}`: "body.name", `{"name":"","scopes":["read"]}`: "body.name", `{"name":"` + strings.Repeat("x", 129) + `","scopes":["read"]}`: "body.name",
		`{"name":"n","operator":true,"scopes":["read"]}`: "body.scopes", `{"name":"n","scopes":"read"}`: "body.scopes", `{"name":"n","scopes":[1]}`: "body.scopes[0]",
	} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/keys", body: body}); !slices.Contains(places, place) {
			t.Errorf("%s is refused at %q", body, places)
		}
	}
}

func TestKeyGivesNoMoreThanItHas(t *testing.T) {
	b := newBench(t)
	manager := b.newKey("acme", peal.ScopeManage, peal.ScopeRead)
	create := func(body string) request {
		return request{method: "POST", path: "/v1/keys", key: manager, body: body}
	}
	b.want(201, create(`{"name":"n","scopes":["read"]}`))
	b.refused(403, "forbidden", create(`{"name":"n","scopes":["read","publish"]}`))
	b.refused(403, "forbidden", create(`{"name":"n","operator":true}`))
	b.refused(403, "forbidden", request{method: "GET", path: "/v1/keys?operator=true", key: manager})
	other := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "other", body: `{"name":"n","scopes":["read"]}`})
	b.refused(404, "not-found", request{method: "DELETE", path: "/v1/keys/" + other["id"].(string), key: manager})
	b.want(200, request{method: "GET", path: "/v1/events", key: other["key"].(string)})
}

// TestScopes tries every route with a key that lacks just the scope that it needs.
func TestScopes(t *testing.T) {
	b := newBench(t)
	keys := map[string]string{
		"publish": b.newKey("acme", peal.ScopeManage, peal.ScopeRead),
		"manage":  b.newKey("acme", peal.ScopePublish, peal.ScopeRead),
		"read":    b.newKey("acme", peal.ScopePublish, peal.ScopeManage),
		"metrics": b.newKey("acme", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead),
	}
	all := b.newKey("acme", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead)
	for _, op := range readDocument(t, b).operations() {
		path := strings.NewReplacer("{id}", "x", "{name}", "x", "{source}", "x", "{tenant}", "x").Replace(op.path)
		needs := op.needs()
		switch needs {
		case "":
			want := 200
			if strings.HasPrefix(path, "/in/") { // there is no such source
				want = 404
			}
			if got := b.do(request{method: op.method, path: path, key: "none"}).StatusCode; got != want {
				t.Errorf("%s %s answered %d without a key", op.method, op.path, got)
			}
		case "operator":
			b.refused(403, "forbidden", request{method: op.method, path: path, key: all, body: `{}`})
		default:
			b.refused(403, "forbidden", request{method: op.method, path: path, key: keys[needs], body: `{}`})
		}
	}
}

// TestTenantsAreApart lets a key with every scope try all that another tenant has.
func TestTenantsAreApart(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/", "*")
	event := b.want(202, request{method: "POST", path: "/v1/events", tenant: "acme", body: `{"type":"t","data":1,"id":"mine"}`})
	tested := b.want(200, request{method: "POST", path: "/v1/webhooks/" + hook + "/test", tenant: "acme"})
	key := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "acme", body: `{"name":"n","scopes":["read"]}`})
	ids := map[string]string{
		"sources": b.newSource("acme", `{"name":"tasks","format":"vikunja","secret":"s"}`),
		"events":  event["id"].(string), "webhooks": hook, "deliveries": tested["delivery_id"].(string), "keys": key["id"].(string),
	}
	intruder := b.newKey("other", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead)
	before := b.contents("acme")
	tried := 0
	for _, op := range readDocument(t, b).operations() {
		kind, _, _ := strings.Cut(strings.TrimPrefix(op.path, "/v1/"), "/")
		id, has := ids[kind]
		if !has || !strings.Contains(op.path, "{id}") {
			continue
		}
		tried++
		r := request{method: op.method, path: strings.Replace(op.path, "{id}", id, 1), key: intruder}
		if op.method == "PATCH" {
			r.body = `{"description":"stolen"}`
		}
		b.refused(404, "not-found", r)
		r.tenant = "acme"
		b.refused(403, "forbidden", r)
		r.tenant, r.key = "third", "" // the operator, for another tenant
		if kind != "keys" {           // which an operator may revoke whosever they are
			b.refused(404, "not-found", r)
		}
	}
	if tried < 17 {
		t.Errorf("only %d routes have ids to try", tried)
	}
	for _, list := range []string{"events", "webhooks", "sources", "deliveries", "deliveries?webhook=" + hook, "deliveries?event=mine"} {
		if rows := b.want(200, request{method: "GET", path: "/v1/" + list, key: intruder})["data"].([]any); len(rows) != 0 {
			t.Errorf("%s shows the other tenant %v", list, rows)
		}
	}
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/events", key: intruder, tenant: "acme", body: `{"type":"t","data":1}`})
	deliveriesMayGoOn(t, before, b.contents("acme"))
	b.want(202, request{method: "POST", path: "/v1/events", key: intruder, body: `{"type":"t","data":2,"id":"mine"}`})
}

// deliveriesMayGoOn compares listings but for the line of deliveries and the tenants.
func deliveriesMayGoOn(t *testing.T, before, after string) {
	t.Helper()
	settled := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "deliveries ") && !strings.HasPrefix(line, "tenants ") && !strings.HasPrefix(line, "webhooks ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if diff := cmp.Diff(settled(before), settled(after)); diff != "" {
		t.Error("another tenant changed something:", diff)
	}
}

func TestTenantHeader(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a b", "-x", "ä", strings.Repeat("x", 129), "a/b", `"`} {
		if places := b.refused(422, "invalid", request{method: "GET", path: "/v1/events", tenant: name}); !slices.Equal(places, []string{"header.Peal-Tenant"}) {
			t.Errorf("%q is refused at %q", name, places)
		}
	}
	b.want(200, request{method: "GET", path: "/v1/events", tenant: strings.Repeat("x", 128)})
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/events", tenant: "peal", body: `{"type":"t","data":1}`})
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/events/batch", tenant: "peal", body: `{"events":[{"type":"t","data":1}]}`})
}

func TestReadersSeeNoSecrets(t *testing.T) {
	b := newBench(t)
	made := b.want(201, request{method: "POST", path: "/v1/webhooks", tenant: "acme", body: `{"url":"http://127.0.0.1:1/","events":["*"],"headers":{"X-Token":"hush"},"authorization":"Bearer hush"}`})
	if made["headers"].(map[string]any)["X-Token"] != "hush" {
		t.Error("a manager does not see the header's value")
	}
	reader := b.newKey("acme", peal.ScopeRead)
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + made["id"].(string)} {
		got := b.do(request{method: "GET", path: path, key: reader})
		if strings.Contains(string(got.body), "hush") || !strings.Contains(string(got.body), `"X-Token":"[redacted]"`) || !strings.Contains(string(got.body), `"authorization":"[set]"`) {
			t.Errorf("%s shows a reader %s", path, got.body)
		}
	}
	b.refused(403, "forbidden", request{method: "GET", path: "/v1/webhooks/" + made["id"].(string) + "/secret", key: reader})
}
