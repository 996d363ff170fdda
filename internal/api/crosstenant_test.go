package api_test

import (
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// TestCrossTenantWalk walks every route of the document as another tenant, with a key of
// every scope, as an owner who is signed in and as a guest of the portal, and looks for
// anything of the first tenant in the answers and for any change of it.
func TestCrossTenantWalk(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/", "*")
	b.want(200, request{method: "PATCH", path: "/v1/webhooks/" + hook, tenant: "acme", body: `{"status":"paused"}`}) // so that nothing changes by itself
	event := b.want(202, request{method: "POST", path: "/v1/events", tenant: "acme", body: `{"type":"t","data":"private-to-acme","id":"acme-event"}`})
	tested := b.want(200, request{method: "POST", path: "/v1/webhooks/" + hook + "/test", tenant: "acme"})
	key := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "acme", body: `{"name":"n","scopes":["read"]}`})
	link := b.want(201, request{method: "POST", path: "/v1/portal-links", tenant: "acme", body: `{"name":"guest"}`})
	replay := b.want(202, request{method: "POST", path: "/v1/webhooks/" + hook + "/replay", tenant: "acme", body: `{"since":"2020-01-01T00:00:00Z","statuses":["success"]}`})
	user, _ := b.newUser("ann@acme", "acme", peal.RoleOwner)
	session := b.want(200, request{method: "GET", path: "/v1/sessions", tenant: "acme"})["data"].([]any)[0].(map[string]any)
	ids := map[string]string{
		"sources": b.newSource("acme", `{"name":"tasks","format":"vikunja","secret":"s"}`), "events": event["id"].(string), "webhooks": hook,
		"deliveries": tested["delivery_id"].(string), "keys": key["id"].(string), "users": user.ID.String(), "sessions": session["id"].(string),
		"portal-links": link["id"].(string), "replays": replay["id"].(string),
	}
	for replay["status"] == "running" {
		replay = b.want(200, request{method: "GET", path: "/v1/replays/" + replay["id"].(string), tenant: "acme"})
	}
	_, owner := b.newUser("eve@other", "other", peal.RoleOwner)
	intruders := map[string]request{
		"a key":    {key: b.newKey("other", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead)},
		"an owner": {key: "none", header: map[string]string{"Cookie": owner}},
		"a guest":  {key: "none", header: map[string]string{"Cookie": b.newGuest("other", false)}},
	}
	private := []string{"private-to-acme", "acme"}
	for _, id := range ids {
		private = append(private, id)
	}
	before := b.contents("acme")
	for _, op := range readDocument(t, b).operations() {
		if len(op.Security) == 0 {
			continue // for everybody; what is taken at /in has its own tests
		}
		for who, r := range intruders {
			r.method, r.path = op.method, op.path
			switch op.method {
			case "PATCH":
				r.body = `{"description":"stolen"}`
			case "POST", "PUT":
				r.body = `{}`
			}
			kind, _, _ := strings.Cut(strings.TrimPrefix(op.path, "/v1/"), "/")
			about := strings.Contains(op.path, "{id}")
			if about && ids[kind] == "" {
				t.Fatalf("there is nothing to try %s with: make one above", op.path)
			}
			r.path = strings.NewReplacer("{id}", ids[kind], "{name}", "acme").Replace(op.path)
			got := b.do(r)
			if about && got.StatusCode != 404 && got.StatusCode != 403 {
				t.Errorf("%s: %s %s answered %d: %s", who, op.method, r.path, got.StatusCode, got.body)
			}
			named := ids[kind]
			if !about {
				named = "acme"
			}
			// A refusal repeats the path, or what it names.
			answer := strings.NewReplacer(r.path, "", `\"`+named+`\"`, "").Replace(string(got.body))
			for _, text := range private {
				if strings.Contains(answer, text) {
					t.Errorf("%s: %s %s tells of %q: %s", who, op.method, r.path, text, got.body)
				}
			}
			r.tenant = "acme"
			if got := b.do(r); got.StatusCode != 403 {
				t.Errorf("%s: %s %s for the tenant acme answered %d: %s", who, op.method, r.path, got.StatusCode, got.body)
			}
		}
	}
	if after := b.contents("acme"); after != before {
		t.Errorf("something of the tenant was changed:\n%s\n%s", before, after)
	}
}
