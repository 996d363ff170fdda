package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// belongings are one of everything that a tenant can have.
type belongings struct {
	tenant   string
	webhook  peal.Webhook
	delivery peal.DeliveryID
	event    peal.EventKey
	replay   peal.JobID
	source   peal.Source
	key      peal.APIKey
	user     peal.User
	session  peal.SessionID
	link     peal.PortalLink
}

// secretWords occur in a tenant's data, and in no address and no form.
var secretWords = []string{"hush-"}

func (d *doorway) furnish(tenant string) belongings {
	d.Helper()
	must := func(err error) {
		d.Helper()
		if err != nil {
			d.Fatal(err)
		}
	}
	ctx, now := d.Context(), time.Now().UTC().Truncate(time.Microsecond)
	b := belongings{tenant: tenant}
	var err error
	b.webhook, err = d.store.CreateWebhook(ctx, peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: tenant, URL: "https://hush-" + tenant + ".example/hook", Description: "hush-webhook", Events: []string{"*"}, Format: peal.DefaultFormat,
		Timeout: peal.DefaultTimeout, Status: peal.Active, Secrets: []peal.Secret{{Value: "whsec_hush-MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: now}}, UpdatedAt: now,
	})
	must(err)
	b.event, b.delivery = peal.NewEventKey(), peal.NewDeliveryID()
	_, version, err := d.store.RoutesSince(ctx, 1<<60)
	must(err)
	event := &peal.Event{Key: b.event, ID: b.event.String(), Tenant: tenant, Type: "hush-type", Subject: "hush-subject", Time: peal.TimestampOf(now), Data: []byte(`{"a":"hush-data"}`)}
	_, err = d.store.Insert(ctx, peal.NewNodeID(), version, []peal.Insertion{{Event: event, Deliveries: []peal.NewDelivery{{ID: b.delivery, WebhookID: b.webhook.ID}}}})
	must(err)
	b.replay = peal.NewJobID()
	must(d.store.CreateReplay(ctx, peal.Replay{ID: b.replay, Tenant: tenant, WebhookID: b.webhook.ID, Since: now.Add(-time.Hour), Until: now, Statuses: []peal.DeliveryStatus{peal.Failed}, Status: peal.ReplayRunning}))
	b.source, err = d.store.CreateSource(ctx, peal.Source{ID: peal.NewSourceID(), Tenant: tenant, Name: "hush-source", Format: "vikunja", Dedup: peal.DedupID, Status: peal.Active, Secrets: []peal.Secret{{Value: "hush-secret of the sender", CreatedAt: now}}, UpdatedAt: now})
	must(err)
	b.key = peal.APIKey{ID: peal.NewKeyID(), Tenant: tenant, Name: "hush-key", Scopes: []peal.KeyScope{peal.ScopeRead}, Hash: peal.HashKey(peal.NewKeyText()), Hint: "hush"}
	must(d.store.CreateKey(ctx, b.key))
	b.user, err = d.identity.CreateUser(ctx, identity.NewUser{Name: "hush-" + tenant, Password: password, Tenant: tenant, Role: peal.RoleEditor})
	must(err)
	d.ask(caller{}, http.MethodPost, "/login", url.Values{"name": {b.user.Name}, "password": {password}})
	sessions, err := d.store.Sessions(ctx, peal.SessionQuery{UserID: b.user.ID, Limit: 1})
	must(err)
	b.session = sessions[0].ID
	b.link, _, err = d.identity.CreatePortalLink(ctx, identity.NewPortalLink{Tenant: tenant, Name: "hush-link"})
	must(err)
	must(d.store.PutTheme(ctx, tenant, peal.Theme{Name: "hush-theme"}))
	return b
}

// contents are all that a tenant has.
func (d *doorway) contents(b belongings) string {
	d.Helper()
	ctx := d.Context()
	var all []any
	keep := func(thing any, err error) {
		d.Helper()
		if err != nil {
			d.Fatal(err)
		}
		all = append(all, thing)
	}
	add := func(list any, err error) { d.Helper(); keep(list, err) }
	tenant, err := d.store.Tenant(ctx, b.tenant)
	add(tenant, err)
	theme, err := d.store.Theme(ctx, b.tenant)
	add(theme, err)
	webhooks, err := d.store.Webhooks(ctx, b.tenant, peal.WebhookID{}, 10)
	add(webhooks, err)
	deliveries, err := d.store.Deliveries(ctx, peal.DeliveryQuery{Tenant: b.tenant, Limit: 10})
	add(deliveries, err)
	replays, err := d.store.Replays(ctx, peal.ReplayQuery{Tenant: b.tenant, WebhookID: b.webhook.ID, Limit: 10})
	add(replays, err)
	sources, err := d.store.Sources(ctx, b.tenant, peal.SourceID{}, 10)
	add(sources, err)
	keys, err := d.store.Keys(ctx, b.tenant, peal.KeyID{}, 10)
	add(keys, err)
	operators, err := d.store.Keys(ctx, "", peal.KeyID{}, 10)
	add(operators, err)
	users, err := d.store.Users(ctx, b.tenant, peal.UserID{}, 10)
	add(users, err)
	sessions, err := d.store.Sessions(ctx, peal.SessionQuery{Tenant: b.tenant, Limit: 10})
	add(sessions, err)
	links, err := d.store.PortalLinks(ctx, b.tenant, peal.PortalLinkID{}, 10)
	add(links, err)
	tenants, err := d.store.Tenants(ctx, "", 10)
	add(tenants, err)
	types, err := d.store.EventTypes(ctx, "", "", 10)
	add(types, err)
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		d.Fatal(err)
	}
	return string(text)
}

// fill names a tenant's things wherever a path names something.
func (b *belongings) fill(path string) string {
	id := map[string]string{
		"webhooks": b.webhook.ID.String(), "deliveries": b.delivery.String(), "events": b.event.String(), "sources": b.source.ID.String(),
		"keys": b.key.ID.String(), "users": b.user.ID.String(), "sessions": b.session.String(),
	}
	local := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(path, "/t/{tenant}"), "/portal"), "/account")
	kind, _, _ := strings.Cut(strings.TrimPrefix(local, "/"), "/")
	return strings.NewReplacer("{id}", id[kind], "{job}", b.replay.String(), "{name}", b.tenant, "{tenant}", b.tenant, "{token}", "x").Replace(path)
}

// form names them in every field that any form or address has.
func (b *belongings) form() url.Values {
	return url.Values{
		"tenant": {b.tenant}, "id": {b.webhook.ID.String()}, "webhook": {b.webhook.ID.String()}, "job": {b.replay.String()}, "user": {b.user.ID.String()},
		"source": {b.source.ID.String()}, "session": {b.session.String()}, "key": {b.key.ID.String()}, "event": {b.event.String()}, "delivery": {b.delivery.String()},
		"operator": {"on"}, "role": {"owner"}, "name": {"x"}, "status": {"failed"}, "scopes": {"read"}, "format": {"standard"}, "range": {"30d"},
		"actor": {b.user.ID.String()}, "after": {"a"}, "revision": {"1"}, "was": {""}, "overlap": {"0"}, "theme_name": {"stolen"}, "since": {"2020-01-01T00:00"}, "read_only": {""},
	}
}

// TestIntruders walks every page and every form with another tenant's things in every
// part of the path and every field: nothing of it is shown, and nothing of it changes.
func TestIntruders(t *testing.T) {
	d := newDoorway(t)
	acme := d.furnish("acme")
	var intruders []caller
	for _, role := range []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer} {
		intruders = append(intruders, d.signIn(string(role)+"@other", "other", role))
	}
	intruders = append(intruders, d.guest("guest", "other", false), d.guest("looker", "other", true))
	before := d.contents(acme)
	walked := 0
	for _, route := range served(d.pages) {
		method, pattern := route[0], route[1]
		if slices.Contains([]string{"/login", "/logout", "/portal/leave", "/login/oidc", "/login/oidc/callback", "/account/password"}, strings.TrimPrefix(pattern, "/t/{tenant}")) {
			continue
		}
		path := acme.fill(pattern)
		names := path != pattern && pattern != "/t/{tenant}" && !strings.Contains(pattern, "{token}") && (strings.HasPrefix(pattern, "/t/{tenant}") || !strings.Contains(pattern, "/catalogue/") && pattern != "/presets/{name}")
		form := acme.form()
		for _, who := range intruders {
			got := d.ask(who, method, path+"?"+form.Encode(), form)
			walked++
			if got.StatusCode >= 500 || names && got.StatusCode != 404 && !turnedAway(got) {
				t.Errorf("%s %s as %s answered %d: %s", method, path, who.name, got.StatusCode, got.body)
			}
			for _, word := range secretWords {
				if strings.Contains(got.body, word) {
					t.Errorf("%s %s as %s tells of %q: %s", method, path, who.name, word, got.body)
				}
			}
			for _, cookie := range got.Cookies() {
				if method == http.MethodGet && cookie.Name != "peal_portal_place" {
					t.Errorf("GET %s as %s sets the cookie %s", path, who.name, cookie.Name)
				}
			}
		}
	}
	if diff := cmp.Diff(before, d.contents(acme)); diff != "" {
		t.Errorf("something of the tenant was changed (-before +after):\n%s", diff)
	}
	if walked < 400 {
		t.Errorf("only %d requests were made", walked)
	}
}

// TestOwnersOpenTheirOwnPortalOnly creates portal links for the user's tenant and for others.
func TestOwnersOpenTheirOwnPortalOnly(t *testing.T) {
	d := newDoorway(t)
	d.furnish("acme")
	d.hook("other")
	owner, operator := d.signIn("owner@other", "other", peal.RoleOwner), d.signIn("operator", "", peal.RoleOwner)
	for _, tenant := range []string{"acme", "nowhere", "ACME", "%61cme", "acme%2fportal"} {
		if got := d.ask(owner, http.MethodPost, "/tenants/"+tenant+"/portal", nil); got.StatusCode != 404 || strings.Contains(got.body, "/portal/enter/") {
			t.Errorf("a link into %s is answered %d: %s", tenant, got.StatusCode, got.body)
		}
	}
	d.shows(d.ask(owner, http.MethodPost, "/tenants/other/portal", nil), 201, "/portal/enter/")
	d.shows(d.ask(operator, http.MethodPost, "/tenants/acme/portal", nil), 201, "/portal/enter/")
	if links, err := d.store.PortalLinks(t.Context(), "acme", peal.PortalLinkID{}, 10); err != nil || len(links) != 2 {
		t.Errorf("acme has the links %+v: %v", links, err)
	}
}

// TestDeadCredentials walks every page with what lets nobody in any more, or never did: it
// is treated as no cookie at all.
func TestDeadCredentials(t *testing.T) {
	now := time.Now().Add(-24 * time.Hour)
	d := newDoorway(t, func(o *identity.Options) { o.Now = func() time.Time { return now } })
	old, oldGuest := d.signIn("old", "acme", peal.RoleOwner), d.guest("old", "acme", false)
	now = now.Add(24 * time.Hour)
	owner, guest := d.signIn("ann", "acme", peal.RoleOwner), d.guest("carla", "acme", false)
	ended, taken, gone := d.signIn("bob", "acme", peal.RoleOwner), d.guest("dora", "acme", false), d.signIn("eve", "acme", peal.RoleOwner)
	if p := d.ask(ended, http.MethodPost, "/logout", nil); p.StatusCode != 303 {
		t.Fatal(p.StatusCode)
	}
	links, err := d.store.PortalLinks(t.Context(), "acme", peal.PortalLinkID{}, 1)
	if err == nil {
		err = d.store.RevokePortalLink(t.Context(), "acme", links[0].ID, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	eve, err := d.store.UserByName(t.Context(), "eve")
	if err == nil {
		err = d.identity.DeleteUser(t.Context(), "acme", eve.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	value := func(who caller) string { _, token, _ := strings.Cut(who.cookie, "="); return token }
	dead := []caller{
		{"an expired session", old.cookie}, {"an expired visit", oldGuest.cookie}, {"a session that was ended", ended.cookie},
		{"a visit of a link that was taken back", taken.cookie}, {"a deleted user", gone.cookie},
		{"a user's token in the portal's cookie", "peal_portal=" + value(owner)}, {"a guest's token in the user's cookie", "peal_session=" + value(guest)},
		{"both, exchanged", "peal_portal=" + value(owner) + "; peal_session=" + value(guest)},
		{"two cookies of one name", owner.cookie + "; " + owner.cookie}, {"an empty cookie", "peal_session=; peal_portal="}, {"a made-up cookie", "peal_session=x; peal_portal=x"},
	}
	for _, route := range served(d.pages) {
		method, path := route[0], nowhere.Replace(route[1])
		if nobody := d.ask(caller{}, method, path, nil); public[path] || !turnedAway(nobody) {
			continue
		}
		for _, who := range dead {
			if got := d.ask(who, method, path, nil); !turnedAway(got) || strings.Contains(got.body, "acme") {
				t.Errorf("%s %s with %s answered %d: %s", method, path, who.name, got.StatusCode, got.body)
			}
		}
	}
}
