package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// partRoutes are one route of each part that a theme can hide, but the overview, which has
// none.
var partRoutes = map[peal.PortalPart][2]string{
	peal.PartDeliveries: {"GET", "/v1/webhooks/{id}/deliveries"},
	peal.PartEvents:     {"GET", "/v1/events"},
	peal.PartCatalogue:  {"GET", "/v1/event-types"},
	peal.PartReplays:    {"GET", "/v1/webhooks/{id}/replays"},
	peal.PartTests:      {"POST", "/v1/webhooks/{id}/test"},
	peal.PartSecrets:    {"GET", "/v1/webhooks/{id}/secret"},
}

// TestHiddenParts hides each part from a portal and finds it closed in /v1, and all others open,
// also for sessions that started earlier.
func TestHiddenParts(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/?token=hush", "*")
	guest := map[string]string{"Cookie": b.newGuest("acme", false)}
	for i, hidden := range peal.PortalParts() {
		if err := b.store.PutTheme(t.Context(), "acme", peal.Theme{Hidden: []peal.PortalPart{hidden}, Revision: int64(i)}); err != nil {
			t.Fatal(err)
		}
		for part, route := range partRoutes {
			want := 200
			if part == hidden {
				want = 403
			}
			r := request{method: route[0], path: strings.Replace(route[1], "{id}", hook, 1), key: "none", header: guest}
			if got := b.do(r); got.StatusCode != want {
				t.Errorf("with %s hidden, %s %s answers a guest %d: %s", hidden, r.method, r.path, got.StatusCode, got.body)
			}
			r.key = ""
			if got := b.do(request{method: route[0], path: r.path, tenant: "acme"}); got.StatusCode != 200 {
				t.Errorf("with %s hidden, %s %s answers the operator %d", hidden, r.method, r.path, got.StatusCode)
			}
		}
	}
}

// TestHiddenPartsInOthers looks for what is hidden in the answers of what is not.
func TestHiddenPartsInOthers(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("acme", "http://127.0.0.1:1/?token=hush", "*")
	event := b.want(202, request{method: "POST", path: "/v1/events", tenant: "acme", body: `{"type":"t","data":"hush"}`})["id"].(string)
	guest := map[string]string{"Cookie": b.newGuest("acme", false)}
	as := func(method, path, body string) request {
		r := request{method: method, path: path, key: "none", header: guest}
		if body != "" {
			r.body = body
		}
		return r
	}
	theme := peal.Theme{}
	hide := func(part peal.PortalPart) {
		t.Helper()
		theme.Hidden = []peal.PortalPart{part}
		if err := b.store.PutTheme(t.Context(), "acme", theme); err != nil {
			t.Fatal(err)
		}
		theme.Revision++
	}
	hide(peal.PartDeliveries)
	if rows := b.want(200, as("GET", "/v1/events/"+event, ""))["deliveries"].([]any); len(rows) != 0 {
		t.Errorf("an event shows the deliveries %v", rows)
	}
	hide(peal.PartEvents)
	b.refused(403, "forbidden", as("POST", "/v1/webhooks/"+hook+"/preview", `{"last":1}`))
	b.want(200, as("POST", "/v1/webhooks/"+hook+"/preview", `{"event":{"type":"t","data":1}}`))
	hide(peal.PartCatalogue)
	b.refused(403, "forbidden", as("POST", "/v1/webhooks/"+hook+"/preview", `{"type":"t"}`))
	b.refused(403, "forbidden", as("POST", "/v1/webhooks/"+hook+"/preview", ""))
	hide(peal.PartSecrets)
	if shown := b.do(as("GET", "/v1/webhooks/"+hook, "")); strings.Contains(string(shown.body), "hush") {
		t.Errorf("the URL shows its secret: %s", shown.body)
	}
	b.refused(403, "forbidden", as("PATCH", "/v1/webhooks/"+hook, `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`))
	if made := b.want(201, as("POST", "/v1/webhooks", `{"url":"http://127.0.0.1:1/","events":["*"]}`)); made["secret"] != nil {
		t.Errorf("a new webhook shows its secret %v", made["secret"])
	}
	hide(peal.PartOverview)
	if made := b.want(201, as("POST", "/v1/webhooks", `{"url":"http://127.0.0.1:1/","events":["*"]}`)); made["secret"] == nil {
		t.Error("a new webhook shows no secret")
	}
}

// TestDeadCredentials walks every route with what lets nobody in any more, or never did.
func TestDeadCredentials(t *testing.T) {
	b := newBench(t)
	_, owner := b.newUser("ann", "acme", peal.RoleOwner)
	guest := b.newGuest("acme", false)
	gone, ended := b.newUser("bob", "acme", peal.RoleOwner)
	if err := b.identity.DeleteUser(t.Context(), "acme", gone.ID); err != nil {
		t.Fatal(err)
	}
	taken := b.newGuest("acme", false)
	links, err := b.store.PortalLinks(t.Context(), "acme", peal.PortalLinkID{}, 1)
	if err == nil {
		err = b.store.RevokePortalLink(t.Context(), "acme", links[0].ID, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	revoked := b.want(201, request{method: "POST", path: "/v1/keys", tenant: "acme", body: `{"name":"n","scopes":["read","manage","publish"]}`})
	b.want(200, request{method: "GET", path: "/v1/webhooks", key: revoked["key"].(string)})
	b.want(204, request{method: "DELETE", path: "/v1/keys/" + revoked["id"].(string), tenant: "acme"})
	value := func(cookie string) string { _, token, _ := strings.Cut(cookie, "="); return token }
	dead := map[string]map[string]string{
		"a deleted user": {"Cookie": ended}, "a link that was taken back": {"Cookie": taken},
		"a user's token in the portal's cookie": {"Cookie": "peal_portal=" + value(owner)}, "a guest's token in the user's cookie": {"Cookie": "peal_session=" + value(guest)},
		"a user's token as a key": {"Authorization": "Bearer " + value(owner)}, "a revoked key": {"Authorization": "Bearer " + revoked["key"].(string)},
		"a dead key beside a session": {"Authorization": "Bearer x", "Cookie": owner},
	}
	for _, op := range readDocument(t, b).operations() {
		if len(op.Security) == 0 {
			continue
		}
		for name, header := range dead {
			r := request{method: op.method, path: placeholders.Replace(op.path), key: "none", header: header}
			if op.method != "GET" {
				r.body = `{}`
			}
			if got := b.do(r); got.StatusCode != 401 {
				t.Errorf("%s %s with %s answered %d: %s", op.method, op.path, name, got.StatusCode, got.body)
			}
		}
	}
}

// TestOtherSitesSeeNothing sends what a browser sends for another site's page, also when
// somebody has followed a link there.
func TestOtherSitesSeeNothing(t *testing.T) {
	b := newBench(t)
	_, owner := b.newUser("ann", "acme", peal.RoleOwner)
	for _, cookie := range []string{owner, b.newGuest("acme", false)} {
		for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200, "": 200} {
			r := request{method: http.MethodGet, path: "/v1/webhooks", key: "none", header: map[string]string{"Cookie": cookie}}
			if site != "" {
				r.header["Sec-Fetch-Site"] = site
			}
			if got := b.do(r); got.StatusCode != want {
				t.Errorf("a request from %q is answered %d: %s", site, got.StatusCode, got.body)
			}
		}
	}
}
