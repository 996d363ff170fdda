package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var webhookTests = map[string]func(*testing.T, *harness){
	"what is created comes back": func(t *testing.T, h *harness) {
		want := h.newWebhook()
		before := h.version()
		created, err := h.store.CreateWebhook(h.ctx, want)
		h.must(err)
		if created.Revision <= before {
			t.Errorf("its revision %d is not newer than version %d", created.Revision, before)
		}
		want.Revision = created.Revision
		h.equal(created, want, "created webhook")
		got, err := h.store.Webhook(h.ctx, h.tenant, want.ID)
		h.must(err)
		h.equal(got, want, "webhook")
		if string(got.ExtraPayload) != string(want.ExtraPayload) {
			t.Errorf("the extra payload %s came back as %s", want.ExtraPayload, got.ExtraPayload)
		}
		_, err = h.store.CreateWebhook(h.ctx, want)
		h.refused(err, peal.Conflict)
	},
	"what nothing can be done with is refused": func(t *testing.T, h *harness) {
		stored, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		version := h.version()
		for name, spoil := range map[string]func(*peal.Webhook){
			"id": func(w *peal.Webhook) { w.ID = peal.WebhookID{} }, "tenant": func(w *peal.Webhook) { w.Tenant = "" },
			"url": func(w *peal.Webhook) { w.URL = "nonsense" }, "no url": func(w *peal.Webhook) { w.URL = "" },
			"events": func(w *peal.Webhook) { w.Events = nil },
			"status": func(w *peal.Webhook) { w.Status = "" }, "deleted": func(w *peal.Webhook) { w.Status = peal.Deleted },
		} {
			fresh, changed := h.newWebhook(), stored
			spoil(&fresh)
			spoil(&changed)
			if _, err := h.store.CreateWebhook(h.ctx, fresh); peal.CodeOf(err) != peal.Invalid {
				t.Errorf("%s: created with %v", name, err)
			}
			if _, err := h.store.UpdateWebhook(h.ctx, changed); peal.CodeOf(err) != peal.Invalid {
				t.Errorf("%s: updated with %v", name, err)
			}
		}
		for name, spoil := range map[string]func(*peal.Source){
			"id": func(s *peal.Source) { s.ID = peal.SourceID{} }, "tenant": func(s *peal.Source) { s.Tenant = "" },
			"name": func(s *peal.Source) { s.Name = "" }, "format": func(s *peal.Source) { s.Format = "" },
		} {
			source := h.newSource("fresh")
			spoil(&source)
			if _, err := h.store.CreateSource(h.ctx, source); peal.CodeOf(err) != peal.Invalid {
				t.Errorf("a source without %s: %v", name, err)
			}
		}
		if now := h.version(); now != version {
			t.Errorf("the version went from %d to %d", version, now)
		}
	},
	"the least comes back as it was": func(t *testing.T, h *harness) {
		want := peal.Webhook{ID: peal.NewWebhookID(), Tenant: h.tenant, URL: "http://x/", Events: []string{"*"},
			Format: "x", Status: peal.Paused, Timeout: time.Second}
		created, err := h.store.CreateWebhook(h.ctx, want)
		h.must(err)
		got, err := h.store.Webhook(h.ctx, h.tenant, want.ID)
		h.must(err)
		h.equal(got, created, "webhook")
		if got.RetryPolicy != nil || got.RateLimit != nil || got.ExtraPayload != nil {
			t.Errorf("what is not set came back as set: %+v", got)
		}
	},
	"an update replaces the settings and keeps the health": func(t *testing.T, h *harness) {
		created, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		health := peal.WebhookHealth{ExhaustedInRow: 3, FailingSince: moment(), CertificateExpiresAt: moment().Add(time.Hour)}
		h.must(h.store.SetHealth(h.ctx, created.ID, health))

		change := peal.Webhook{
			ID: created.ID, Tenant: h.tenant, URL: "https://other.example/", Events: []string{"*"}, Format: "vikunja",
			Status:       peal.Disabled,
			StatusReason: "gone", Name: "Another", Timeout: time.Minute, UpdatedAt: moment().Add(time.Hour),
			Revision: created.Revision,
		}
		updated, err := h.store.UpdateWebhook(h.ctx, change)
		h.must(err)
		if updated.Revision <= created.Revision || updated.Revision != h.version() {
			t.Errorf("the revision went from %d to %d at version %d", created.Revision, updated.Revision, h.version())
		}
		change.Revision, change.Health = updated.Revision, health
		h.equal(updated, change, "updated webhook")
		got, err := h.store.Webhook(h.ctx, h.tenant, created.ID)
		h.must(err)
		h.equal(got, change, "webhook")

		change.Revision = created.Revision
		_, err = h.store.UpdateWebhook(h.ctx, change)
		h.refused(err, peal.Conflict)
		got, err = h.store.Webhook(h.ctx, h.tenant, created.ID)
		h.must(err)
		h.equal(got, updated, "webhook after a refused update")
	},
	"only its tenant sees it": func(t *testing.T, h *harness) {
		w := h.webhook()
		stranger := h.tenant + "-stranger"
		_, err := h.store.Webhook(h.ctx, stranger, w.ID)
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteWebhook(h.ctx, stranger, w.ID), peal.NotFound)
		theirs := w
		theirs.Tenant = stranger
		_, err = h.store.UpdateWebhook(h.ctx, theirs)
		h.refused(err, peal.NotFound)
		list, err := h.store.Webhooks(h.ctx, stranger, peal.WebhookID{}, 10)
		h.must(err)
		h.equal(len(list), 0, "webhooks of a stranger")
	},
	"some are read by their ids": func(t *testing.T, h *harness) {
		a, b, gone := h.webhook(), h.webhook(), h.webhook()
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, gone.ID))
		found, err := h.store.WebhooksOf(h.ctx, h.tenant, []peal.WebhookID{b.ID, gone.ID, peal.NewWebhookID(), a.ID})
		h.must(err)
		slices.SortFunc(found, func(a, b peal.Webhook) int { return a.ID.Compare(b.ID) })
		h.equal(found, []peal.Webhook{a, b}, "webhooks")
		found, err = h.store.WebhooksOf(h.ctx, h.tenant+"-stranger", []peal.WebhookID{a.ID})
		h.must(err)
		h.equal(len(found), 0, "webhooks of a stranger")
	},
	"an unknown one is not found": func(t *testing.T, h *harness) {
		unknown := h.newWebhook()
		_, err := h.store.Webhook(h.ctx, h.tenant, unknown.ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.UpdateWebhook(h.ctx, unknown)
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteWebhook(h.ctx, h.tenant, unknown.ID), peal.NotFound)
		h.must(h.store.SetHealth(h.ctx, unknown.ID, peal.WebhookHealth{}))
	},
	"health changes nothing else": func(t *testing.T, h *harness) {
		w, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		version := h.version()
		for _, health := range []peal.WebhookHealth{{ExhaustedInRow: 1, FailingSince: moment()},
			{CertificateExpiresAt: moment().Add(time.Hour)}, {}} {
			h.must(h.store.SetHealth(h.ctx, w.ID, health))
			w.Health = health
			got, err := h.store.Webhook(h.ctx, h.tenant, w.ID)
			h.must(err)
			h.equal(got, w, "webhook")
		}
		h.equal(h.version(), version, "version")
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		var want []peal.WebhookID
		for range 5 {
			want = append([]peal.WebhookID{h.webhook().ID}, want...)
		}
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, want[1]))
		want = append(want[:1], want[2:]...)
		var got []peal.WebhookID
		var before peal.WebhookID
		for {
			page, err := h.store.Webhooks(h.ctx, h.tenant, before, 2)
			h.must(err)
			for _, w := range page {
				got = append(got, w.ID)
				before = w.ID
			}
			if len(page) < 2 {
				break
			}
		}
		h.equal(got, want, "ids")
	},
}

var routesTests = map[string]func(*testing.T, *harness){
	"version 0 returns all that are not deleted": func(t *testing.T, h *harness) {
		h = h.own()
		webhooks, version, err := h.store.RoutesSince(h.ctx, 0)
		h.must(err)
		h.equal(len(webhooks), 0, "webhooks at first")
		a, gone := h.webhook(), h.webhook()
		h.tenant += "-other"
		b, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		h.must(h.store.DeleteWebhook(h.ctx, gone.Tenant, gone.ID))
		webhooks, now, err := h.store.RoutesSince(h.ctx, 0)
		h.must(err)
		if now <= version {
			t.Errorf("four changes brought version %d to %d", version, now)
		}
		h.equal(byID(webhooks), byID([]peal.Webhook{a, b}), "webhooks")
	},
	"each change is given once": func(t *testing.T, h *harness) {
		h = h.own()
		a, b := h.webhook(), h.webhook()
		version := h.version()
		none, now, err := h.store.RoutesSince(h.ctx, version)
		h.must(err)
		h.equal(len(none), 0, "changes since now")
		h.equal(now, version, "version")

		b.Description = "changed"
		b, err = h.store.UpdateWebhook(h.ctx, b)
		h.must(err)
		c := h.webhook()
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, a.ID))
		changes, now, err := h.store.RoutesSince(h.ctx, version)
		h.must(err)
		h.equal(byID(changes), byID([]peal.Webhook{{ID: a.ID, Tenant: h.tenant, Status: peal.Deleted}, b, c}), "changes")
		h.equal(now, h.version(), "version")
		changes, _, err = h.store.RoutesSince(h.ctx, now)
		h.must(err)
		h.equal(len(changes), 0, "changes since the last ones")
	},
}

func byID(webhooks []peal.Webhook) map[peal.WebhookID]peal.Webhook {
	m := map[peal.WebhookID]peal.Webhook{}
	for _, w := range webhooks {
		m[w.ID] = w
	}
	return m
}
