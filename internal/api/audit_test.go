package api_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/storetest"
)

// Each kind of change is made once, and the log is compared.
func TestEveryChangeIsAudited(t *testing.T) {
	b := newBench(t)
	do := func(method, path string, body any) map[string]any {
		t.Helper()
		got := b.do(request{method: method, path: path, tenant: "acme", body: body, header: map[string]string{"X-Request-Id": "the-request"}})
		if got.StatusCode >= 300 {
			t.Fatalf("%s %s answered %d: %s", method, path, got.StatusCode, got.body)
		}
		var value map[string]any
		if len(got.body) > 0 {
			if err := json.Unmarshal(got.body, &value); err != nil {
				t.Fatal(err)
			}
		}
		return value
	}
	var want []string
	expect := func(action, target, detail string) {
		want = append([]string{action + " " + target + " " + detail}, want...)
	}
	hook := do("POST", "/v1/webhooks", `{"url":"http://127.0.0.1:1/","events":["*"]}`)["id"].(string)
	expect("webhook.create", hook, "")
	do("PATCH", "/v1/webhooks/"+hook, `{"status":"paused","authorization":"Bearer canary-secret","description":"x"}`)
	expect("webhook.update", hook, "authorization, description, status")
	do("GET", "/v1/webhooks/"+hook+"/secret", nil)
	expect("webhook.reveal_secret", hook, "")
	do("POST", "/v1/webhooks/"+hook+"/secret/rotate", nil)
	expect("webhook.rotate_secret", hook, "")
	tested := do("POST", "/v1/webhooks/"+hook+"/test", nil)["delivery_id"].(string)
	expect("webhook.test", hook, "test")
	do("POST", "/v1/webhooks/"+hook+"/preview", `{"event":{"type":"t","data":1}}`) // changes nothing
	do("POST", "/v1/events", `{"type":"t","data":1}`)                              // is its own record
	do("POST", "/v1/events/batch", `{"events":[{"type":"t","data":1}]}`)
	do("POST", "/v1/webhooks/"+hook+"/replay?dry_run=true", `{"since":"2020-01-01T00:00:00Z"}`)
	replay := do("POST", "/v1/webhooks/"+hook+"/replay", `{"since":"2020-01-01T00:00:00Z","statuses":["success"]}`)["id"].(string)
	expect("webhook.replay", hook, replay)
	do("POST", "/v1/deliveries/"+tested+"/retry", nil)
	expect("delivery.retry", tested, "")
	do("POST", "/v1/deliveries/"+tested+"/cancel", nil)
	expect("delivery.cancel", tested, "")
	do("DELETE", "/v1/webhooks/"+hook, nil)
	expect("webhook.delete", hook, "")
	source := do("POST", "/v1/sources", `{"name":"tasks","format":"vikunja","secret":"canary-secret"}`)["id"].(string)
	expect("source.create", source, "")
	do("PATCH", "/v1/sources/"+source, `{"description":"d"}`)
	expect("source.update", source, "description")
	do("POST", "/v1/sources/"+source+"/secret/rotate", nil)
	expect("source.rotate_secret", source, "")
	do("DELETE", "/v1/sources/"+source, nil)
	expect("source.delete", source, "")
	key := do("POST", "/v1/keys", `{"name":"k","scopes":["read"]}`)["id"].(string)
	expect("key.create", key, "k")
	do("DELETE", "/v1/keys/"+key, nil)
	expect("key.revoke", key, "")
	user := do("POST", "/v1/users", `{"name":"Ann","password":"correct horse battery","role":"viewer"}`)["id"].(string)
	expect("user.create", user, "viewer")
	do("PATCH", "/v1/users/"+user, `{"role":"editor"}`)
	expect("user.update", user, "role")
	do("DELETE", "/v1/users/"+user+"/sessions", nil)
	expect("user.sign_out", user, "")
	do("DELETE", "/v1/users/"+user, nil)
	expect("user.delete", user, "ann")
	link := do("POST", "/v1/portal-links", `{"name":"guest"}`)["id"].(string)
	expect("portal_link.create", link, "guest")
	do("DELETE", "/v1/portal-links/"+link, nil)
	expect("portal_link.revoke", link, "")

	// What is the whole server's belongs to no tenant.
	do("PUT", "/v1/event-types/t", `{"description":"d"}`)
	do("DELETE", "/v1/event-types/t", nil)
	do("POST", "/v1/tenants", `{"name":"new"}`)
	do("PATCH", "/v1/tenants/new", `{"description":"d"}`)

	var got []string
	for _, row := range b.want(200, request{method: "GET", path: "/v1/audit-log?limit=200", tenant: "acme"})["data"].([]any) {
		e := row.(map[string]any)
		got = append(got, e["action"].(string)+" "+e["target"].(string)+" "+e["detail"].(string))
		if e["tenant"] != "acme" || e["actor_kind"] != "key" || e["actor"] != "operator" || e["address"] != "127.0.0.1" || e["request_id"] != "the-request" {
			t.Errorf("an entry says %v", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	all := b.do(request{method: "GET", path: "/v1/audit-log?limit=200"})
	for _, action := range []string{"event_type.put", "event_type.delete", "tenant.create", "tenant.update"} {
		if !strings.Contains(string(all.body), `"tenant":null,"actor_kind":"key","actor_id":null,"actor":"operator","action":"`+action+`"`) {
			t.Errorf("%s is not there, or has a tenant", action)
		}
	}
	if strings.Contains(string(all.body), "canary") {
		t.Error("the audit log tells a secret")
	}
}

func TestAuditLogIsChosenAndExported(t *testing.T) {
	b := newBench(t)
	var ids []string
	for range 3 {
		ids = append([]string{b.newWebhook("acme", "http://127.0.0.1:1/", "*")}, ids...)
	}
	b.newWebhook("other", "http://127.0.0.1:1/", "*")
	list := func(query string) (targets []string, next any) {
		t.Helper()
		page := b.want(200, request{method: "GET", path: "/v1/audit-log?" + query, tenant: "acme"})
		for _, row := range page["data"].([]any) {
			targets = append(targets, row.(map[string]any)["target"].(string))
		}
		return targets, page["next_cursor"]
	}
	first, next := list("limit=2")
	second, last := list("limit=2&cursor=" + next.(string))
	if !slices.Equal(slices.Concat(first, second), ids) || last != nil {
		t.Errorf("the pages are %q and %q of %q", first, second, ids)
	}
	for query, want := range map[string][]string{
		"target=" + ids[1]: ids[1:2], "action=webhook.create": ids, "action=webhook.delete": nil, "actor=operator": ids, "actor=nobody": nil,
		"since=2099-01-01T00:00:00Z": nil, "until=2099-01-01T00:00:00Z": ids,
	} {
		if got, _ := list(query); !slices.Equal(got, want) {
			t.Errorf("%s gives %q, not %q", query, got, want)
		}
	}
	b.refused(422, "invalid", request{method: "GET", path: "/v1/audit-log?actor="})
	b.refused(422, "invalid", request{method: "GET", path: "/v1/audit-log/export?format=xml"})

	lines := strings.Split(strings.TrimSpace(string(b.do(request{method: "GET", path: "/v1/audit-log/export", tenant: "acme"}).body)), "\n")
	if len(lines) != 3 || !json.Valid([]byte(lines[0])) || !strings.Contains(lines[2], ids[2]) {
		t.Errorf("the NDJSON is %q", lines)
	}
	got := b.do(request{method: "GET", path: "/v1/audit-log/export?format=csv&action=webhook.create", tenant: "acme"})
	rows, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][6] != "action" || rows[1][7] != ids[0] {
		t.Errorf("the CSV is %q, %v", rows, err)
	}
}

// forgetful is a store that cannot write its audit log.
type forgetful struct{ storetest.Store }

func (forgetful) AppendAudit(context.Context, peal.AuditEntry, time.Duration) error {
	return errors.New("the disk is full")
}

// TestNoSecretWithoutRecord shows no secret when that cannot be put on record; what was
// changed is in the server's log then.
func TestNoSecretWithoutRecord(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/", "*")
	var log strings.Builder
	options := identity.DefaultOptions()
	options.Store, options.Log = forgetful{b.store}, slog.New(slog.NewTextHandler(&log, nil))
	forgets, err := identity.New(options)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Options{Store: b.store, Engine: b.engine, Intake: intake.New(b.store, b.engine, nil), Identity: forgets, OperatorKey: operatorKey, MaxData: 1})
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+operatorKey)
		r.Header.Set("Peal-Tenant", "acme")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := do("GET", "/v1/webhooks/"+hook+"/secret"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "whsec_") {
		t.Errorf("the secret was answered with %d: %s", w.Code, w.Body)
	}
	if w := do("DELETE", "/v1/webhooks/"+hook); w.Code != http.StatusNoContent {
		t.Errorf("the deletion was answered with %d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "action=webhook.delete target="+hook) {
		t.Errorf("the log says only:\n%s", log.String())
	}
}

// TestSessionsCallTheAPI lets a browser that is signed in call, but not for another
// site's page, and no more once its session is revoked.
func TestSessionsCallTheAPI(t *testing.T) {
	b := newBench(t)
	user, cookie := b.newUser("ann@acme", "acme", peal.RoleEditor)
	hook := func(header map[string]string) request {
		header["Cookie"] = cookie
		return request{method: "POST", path: "/v1/webhooks", key: "none", body: `{"url":"http://127.0.0.1:1/","events":["*"]}`, header: header}
	}
	if made := b.want(201, hook(map[string]string{"Sec-Fetch-Site": "same-origin"})); made["tenant"] != "acme" {
		t.Errorf("made %v", made)
	}
	b.want(201, hook(map[string]string{"Origin": b.server.URL}))
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}} {
		b.refused(403, "forbidden", hook(header))
	}
	read := request{method: "GET", path: "/v1/webhooks", key: "none", header: map[string]string{"Cookie": cookie}}
	if h := b.do(read).Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other sites' pages may read answers")
	}
	if n, err := b.identity.RevokeAll(t.Context(), user.ID); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.refused(401, "unauthorized", read)
	read.header["Authorization"] = "Basic YTpi" // not a key, so the cookie does not count
	b.refused(401, "unauthorized", read)
}
