package transfer_test

import (
	"context"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/storetest"
)

// dump reads all that a store shows of some tenants.
func dump(t *testing.T, store storetest.Store, tenants ...string) map[string]any {
	t.Helper()
	ctx := context.Background()
	const all = 1 << 20
	d := map[string]any{}
	put := func(name string, value any, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d[name] = value
	}
	list, err := store.Tenants(ctx, "", all)
	put("tenants", list, err)
	catalogues, err := store.Catalogues(ctx, "", all)
	put("catalogues", catalogues, err)
	for _, name := range catalogues {
		types, err := store.EventTypes(ctx, name, "", all)
		put("event types of "+name, types, err)
	}
	audit, err := store.Audit(ctx, peal.AuditQuery{Limit: all})
	put("audit", audit, err)
	sessions, err := store.Sessions(ctx, peal.SessionQuery{Limit: all})
	put("sessions", sessions, err)
	users, err := store.Users(ctx, "", peal.UserID{}, all)
	put("users", users, err)
	links, err := store.PortalLinks(ctx, "", peal.PortalLinkID{}, all)
	put("links", links, err)
	replays, err := store.OpenReplays(ctx, all)
	put("open replays", replays, err)
	routes, version, err := store.RoutesSince(ctx, 0)
	put("routes", routes, err)
	d["version"] = version
	for _, tenant := range append(tenants, "") {
		keys, err := store.Keys(ctx, tenant, peal.KeyID{}, all)
		put(tenant+" keys", keys, err)
	}
	for _, tenant := range tenants {
		webhooks, err := store.Webhooks(ctx, tenant, peal.WebhookID{}, all)
		put(tenant+" webhooks", webhooks, err)
		sources, err := store.Sources(ctx, tenant, peal.SourceID{}, all)
		put(tenant+" sources", sources, err)
		if theme, err := store.Theme(ctx, tenant); peal.CodeOf(err) != peal.NotFound {
			put(tenant+" theme", theme, err)
		}
		backlog, err := store.Backlog(ctx, tenant)
		put(tenant+" backlog", backlog, err)
		var ids []peal.WebhookID
		for _, w := range webhooks {
			ids = append(ids, w.ID)
			jobs, err := store.Replays(ctx, peal.ReplayQuery{Tenant: tenant, WebhookID: w.ID, Limit: all})
			put(w.ID.String()+" replays", jobs, err)
		}
		activity, err := store.Activity(ctx, tenant, ids)
		put(tenant+" activity", activity, err)
		problems, err := store.Problems(ctx, peal.ProblemQuery{Tenant: tenant, Limit: all})
		put(tenant+" problems", problems, err)
		for _, width := range peal.BucketWidths() {
			buckets, err := store.Stats(ctx, peal.StatsQuery{Tenant: tenant, Width: width, Until: time.Now().Add(time.Hour)})
			put(tenant+" stats", buckets, err)
		}
		dumpHistory(t, store, tenant, put)
	}
	return d
}

func dumpHistory(t *testing.T, store storetest.Store, tenant string, put func(string, any, error)) {
	t.Helper()
	ctx := context.Background()
	const all = 1 << 20
	events, err := store.Events(ctx, peal.EventQuery{Tenant: tenant, Limit: all})
	put(tenant+" events", events, err)
	for _, e := range events {
		failures, err := store.FilterErrors(ctx, tenant, e.Key)
		put(e.Key.String()+" filter errors", failures, err)
		found, err := store.Event(ctx, tenant, e.ID)
		put(e.Key.String()+" by its id", found, err)
		of, err := store.Deliveries(ctx, peal.DeliveryQuery{Tenant: tenant, EventKey: e.Key, Limit: all})
		put(e.Key.String()+" deliveries", of, err)
	}
	deliveries, err := store.Deliveries(ctx, peal.DeliveryQuery{Tenant: tenant, Limit: all})
	put(tenant+" deliveries", deliveries, err)
	for _, d := range deliveries {
		attempts, err := store.Attempts(ctx, tenant, d.ID)
		put(d.ID.String()+" attempts", attempts, err)
	}
}
