package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// everything is all that a tenant can have, as its reader sees it.
type everything struct {
	Tenant     peal.Tenant
	Theme      peal.Theme
	Webhooks   []peal.Webhook
	Sources    []peal.Source
	Keys       []peal.APIKey
	Users      []peal.User
	Sessions   []peal.Session
	Links      []peal.PortalLink
	Audit      []peal.AuditEntry
	Events     []peal.Event
	Deliveries []peal.Delivery
	Attempts   []peal.Attempt
	Replays    []peal.Replay
	Buckets    [][]peal.StatsBucket
	Counts     peal.TenantCounts
}

// fill creates one or more of everything for the harness's tenant.
func (h *harness) fill(events int) {
	h.t.Helper()
	w, other := h.webhook(), h.webhook()
	h.source("tasks")
	h.must(h.store.CreateKey(h.ctx, h.newKey("ci")))
	h.session(h.user("ann"))
	h.link()
	h.entry("webhook.create")
	h.must(h.store.PutTheme(h.ctx, h.tenant, peal.Theme{Name: h.tenant}))
	for i := range events {
		event := h.named(fmt.Sprintf("%s-%d", h.tenant, i))
		h.insert(peal.Insertion{Event: event, IDGiven: true, Deliveries: deliveriesTo(i%3 > 0, w, other)})
	}
	for _, status := range []peal.DeliveryStatus{peal.Failed, peal.Success} {
		id := h.deliver(w, true)
		h.settle(id, peal.Pending)
		h.settle(id, status)
	}
	h.replay(w, nil)
}

// all reads everything of the harness's tenant.
func (h *harness) all() everything {
	h.t.Helper()
	var a everything
	var err error
	read := func(e error) { h.t.Helper(); h.must(e) }
	const most = 1000
	a.Tenant, err = h.store.Tenant(h.ctx, h.tenant)
	read(err)
	a.Theme, err = h.store.Theme(h.ctx, h.tenant)
	read(err)
	a.Webhooks, err = h.store.Webhooks(h.ctx, h.tenant, peal.WebhookID{}, most)
	read(err)
	a.Sources, err = h.store.Sources(h.ctx, h.tenant, peal.SourceID{}, most)
	read(err)
	a.Keys, err = h.store.Keys(h.ctx, h.tenant, peal.KeyID{}, most)
	read(err)
	a.Users, err = h.store.Users(h.ctx, h.tenant, peal.UserID{}, most)
	read(err)
	a.Sessions, err = h.store.Sessions(h.ctx, peal.SessionQuery{Tenant: h.tenant, Limit: most})
	read(err)
	a.Links, err = h.store.PortalLinks(h.ctx, h.tenant, peal.PortalLinkID{}, most)
	read(err)
	a.Audit, err = h.store.Audit(h.ctx, peal.AuditQuery{Tenant: h.tenant, Limit: most})
	read(err)
	a.Events, err = h.store.Events(h.ctx, peal.EventQuery{Tenant: h.tenant, Limit: most})
	read(err)
	a.Deliveries, err = h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 2 * most})
	read(err)
	for i := range a.Deliveries {
		attempts, err := h.store.Attempts(h.ctx, h.tenant, a.Deliveries[i].ID)
		read(err)
		a.Attempts = append(a.Attempts, attempts...)
	}
	for i := range a.Webhooks {
		replays, err := h.store.Replays(h.ctx, peal.ReplayQuery{Tenant: h.tenant, WebhookID: a.Webhooks[i].ID, Limit: most})
		read(err)
		a.Replays = append(a.Replays, replays...)
		a.Buckets = append(a.Buckets, h.statsOf(a.Webhooks[i], peal.PerDay))
	}
	a.Counts, err = h.store.TenantCounts(h.ctx, h.tenant)
	read(err)
	return a
}

// beside is the harness for another tenant of the same store.
func (h *harness) beside(tenant string) *harness {
	other := *h
	other.tenant = tenant
	return &other
}

var tenantDeletionTests = map[string]func(*testing.T, *harness){
	"all of it goes, in steps, and nothing of the neighbours": func(t *testing.T, h *harness) {
		h, reopen := h.reopened()
		neighbour := h.beside(h.tenant + "-neighbour")
		h.fill(400)
		neighbour.fill(20)
		before := neighbour.all()
		mine := h.all()
		counts := mine.Counts
		if want := (peal.TenantCounts{
			Webhooks: 2, Sources: 1, Keys: 1, Users: 1, Sessions: 1, PortalLinks: 1, Themes: 1, Events: 402, Deliveries: 802,
			Attempts: 4, Replays: 1, AuditEntries: 1,
		}); counts != want {
			t.Errorf("counts %+v, want %+v", counts, want)
		}
		late := settlement(mine.Deliveries[0], peal.Failed)
		ofNeighbour := settlement(before.Deliveries[0], peal.Failed)
		stale := h.version()
		h.must(h.store.StartTenantDeletion(h.ctx, h.tenant, moment()))

		// Nothing comes in any more.
		_, err := h.store.Insert(h.ctx, h.node, stale, []peal.Insertion{{Event: h.newEvent()}})
		if err == nil {
			t.Error("an event that was routed before is taken")
		}
		_, err = h.store.KeyByHash(h.ctx, mine.Keys[0].Hash)
		h.refused(err, peal.NotFound)
		if h.signedIn(mine.Sessions[0]) {
			t.Error("a session is still active")
		}
		_, err = h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.refused(err, peal.Conflict)
		h.refused(h.store.CreateKey(h.ctx, h.newKey("late")), peal.Conflict)
		h.refused(h.store.CreateUser(h.ctx, h.newUser("late")), peal.Conflict)
		_, err = h.store.CreateSource(h.ctx, h.newSource("late"))
		h.refused(err, peal.Conflict)
		h.refused(h.store.UpdateTenant(h.ctx, mine.Tenant), peal.Conflict)
		h.refused(h.store.CreateTenant(h.ctx, peal.Tenant{Name: h.tenant}), peal.Conflict)
		h.must(h.store.StartTenantDeletion(h.ctx, h.tenant, moment())) // which changes nothing

		steps := 0
		for gone := false; !gone; steps++ {
			if steps == 3 {
				reopen()
				neighbour.store = h.store
				h.node = h.register()
				neighbour.node = h.node
			}
			step, err := h.store.PurgeTenant(h.ctx)
			h.must(err)
			if step.Tenant != h.tenant || step.Deleted > 5000 {
				t.Fatalf("step %d: %+v", steps, step)
			}
			gone = step.Gone
		}
		if steps < 6 {
			t.Errorf("it went in %d steps", steps)
		}
		none, err := h.store.PurgeTenant(h.ctx)
		h.must(err)
		h.equal(none, peal.TenantPurgeResult{}, "a step when none is being deleted")
		_, err = h.store.Tenant(h.ctx, h.tenant)
		h.refused(err, peal.NotFound)
		_, err = h.store.TenantCounts(h.ctx, h.tenant)
		h.refused(err, peal.NotFound)
		for _, d := range []peal.DeliveryID{mine.Deliveries[0].ID, mine.Deliveries[801].ID} {
			_, err = h.store.Delivery(h.ctx, h.tenant, d)
			h.refused(err, peal.NotFound)
		}
		routes, _, err := h.store.RoutesSince(h.ctx, stale)
		h.must(err)
		deleted := map[peal.WebhookID]bool{}
		for i := range routes {
			deleted[routes[i].ID] = routes[i].Status == peal.Deleted
		}
		for i := range mine.Webhooks {
			if !deleted[mine.Webhooks[i].ID] {
				t.Errorf("nodes do not learn that webhook %s is gone", mine.Webhooks[i].ID)
			}
		}
		h.equal(neighbour.all(), before, "the neighbour")

		// A result that comes late is dropped, and keeps nobody else's from being written.
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{late, ofNeighbour}))
		if d := neighbour.delivery(before.Deliveries[0].ID); d.Attempts != before.Deliveries[0].Attempts+1 {
			t.Errorf("the neighbour's delivery is %+v", d)
		}

		// The name is free again, and nothing of the old tenant comes back.
		h.fill(3)
		h.equal(h.all().Counts, peal.TenantCounts{
			Webhooks: 2, Sources: 1, Keys: 1, Users: 1, Sessions: 1, PortalLinks: 1, Themes: 1, Events: 5, Deliveries: 8,
			Attempts: 4, Replays: 1, AuditEntries: 1,
		}, "counts of the new tenant")
	},
	"an unknown one is not found": func(t *testing.T, h *harness) {
		h.refused(h.store.StartTenantDeletion(h.ctx, "nobody", time.Now()), peal.NotFound)
		_, err := h.store.TenantCounts(h.ctx, "nobody")
		h.refused(err, peal.NotFound)
	},
	"large inserts are waited for": func(t *testing.T, h *harness) {
		h = h.own()
		h.insert(h.largeBatch(false, h.webhooks(50)...)...)
		h.must(h.store.StartTenantDeletion(h.ctx, h.tenant, moment()))
		for gone := false; !gone; {
			step, err := h.store.PurgeTenant(h.ctx)
			h.must(err)
			gone = step.Gone
		}
		_, err := h.store.Tenant(h.ctx, h.tenant)
		h.refused(err, peal.NotFound)
	},
}
