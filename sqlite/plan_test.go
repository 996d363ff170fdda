package sqlite_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// TestNoQueryScansHistory asks SQLite how it would run every statement that the
// store has used.
func TestNoQueryScansHistory(t *testing.T) {
	store := open(t, sqlite.Options{})
	useAll(t, store)
	texts := store.Texts()
	if len(texts) < 40 {
		t.Fatalf("only %d statements were used", len(texts))
	}
	for _, text := range texts {
		plan, err := store.Plan(text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		for _, step := range plan {
			words := strings.Fields(step)
			if words[0] != "SCAN" {
				continue
			}
			switch words[1] {
			case "events", "e", "settled", "waiting", "attempts", "x", "buckets", "b", "problems": // and the views only by way of these
				t.Errorf("%s\nscans history: %s", text, strings.Join(plan, "\n  "))
			}
		}
	}
}

// useAll calls every method of the store.
func useAll(t *testing.T, store *sqlite.Store) {
	t.Helper()
	ctx, now, node := context.Background(), time.Now(), peal.NodeID{1}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	webhook := createWebhook(t, store)
	var ids []peal.DeliveryID
	for i := range 50 {
		in := insertion(webhook, 100)
		in.IDGiven, in.Event.ID = i%2 == 0, in.Event.Key.String()
		in.Deliveries[0].Held = i%3 > 0
		must(insert(store, webhook, in))
		if in.IDGiven {
			must(insert(store, webhook, in))
		}
		ids = append(ids, in.Deliveries[0].ID)
	}
	reasons := map[peal.DeliveryStatus]peal.Reason{peal.Pending: peal.ReasonTimeout}
	for i, id := range ids {
		status := []peal.DeliveryStatus{peal.Success, peal.Pending}[i%2]
		must(store.Settle(ctx, node, []peal.Settlement{{
			Attempt: peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: id, Reason: reasons[status]}, WebhookID: webhook.ID, Status: status, Held: i%4 == 1, Due: now, SettledAt: now,
		}}))
		if status == peal.Success {
			_, err := store.Reopen(ctx, node, webhook.Tenant, id, now)
			must(err)
			must(store.Cancel(ctx, webhook.Tenant, id, now))
		}
		_, err := store.Delivery(ctx, webhook.Tenant, id)
		must(err)
		_, err = store.Attempts(ctx, webhook.Tenant, id)
		must(err)
	}
	_, _, err := store.Claim(ctx, node, webhook.ID, now.Add(time.Hour), 10)
	must(err)
	_, err = store.Due(ctx, peal.WebhookID{}, 10)
	must(err)
	_, err = store.AdvanceDue(ctx, peal.AdvanceParams{
		WebhookID: webhook.ID, Latest: now.Add(time.Hour), Now: now, Retry: now, Limit: 10,
	})
	must(err)
	must(store.MarkSuspect(ctx, node, ids[1], peal.MarkAlone))
	must(store.MarkSuspect(ctx, node, ids[1], peal.MarkCleared))
	must(store.Release(ctx, node, ids))
	must(store.Release(ctx, node, nil))
	_, err = store.RegisterNode(ctx, peal.Node{ID: peal.NewNodeID()})
	must(err)
	_, err = store.RenewNode(ctx, node, peal.NodeLoad{})
	must(err)
	_, err = store.Nodes(ctx)
	must(err)
	_, err = store.Takeover(ctx, node, 0)
	must(err)
	var key peal.EventKey
	for _, eventType := range []string{"", "task.created"} {
		events, err := store.Events(ctx, peal.EventQuery{Tenant: webhook.Tenant, Type: eventType, Since: now.Add(-time.Hour), Limit: 10})
		must(err)
		if len(events) != 10 {
			t.Fatalf("%d events", len(events))
		}
		key = events[0].Key
		_, err = store.Event(ctx, webhook.Tenant, key.String())
		must(err)
	}
	for _, status := range []peal.DeliveryStatus{"", peal.Pending, peal.Success, peal.Failed, peal.Canceled} {
		for _, query := range []peal.DeliveryQuery{{}, {WebhookID: webhook.ID}, {EventKey: key}, {WebhookID: webhook.ID, EventKey: key}} {
			query.Tenant, query.Status, query.Limit, query.Before = webhook.Tenant, status, 10, ids[20]
			_, err := store.Deliveries(ctx, query)
			must(err)
		}
	}
	_, _, err = store.RoutesSince(ctx, 0)
	must(err)
	_, err = store.Webhooks(ctx, webhook.Tenant, peal.WebhookID{}, 10)
	must(err)
	useReplays(t, store, webhook)
	useStats(t, store, webhook)
	useSearch(t, store, webhook)
	later := now.Add(time.Hour)
	params := peal.PurgeParams{History: later, Attempts: later, Canceled: later, Ended: later, Stats: later.AddDate(2, 0, 0), MaxBytes: 1}
	purge := func() {
		for purged := (peal.PurgeResult{More: true}); purged.More; {
			purged, err = store.Purge(ctx, params)
			must(err)
		}
	}
	params.History = time.Time{}
	params.MaxBytes = 0
	purge() // the records first: nothing of them would be left
	webhook.Status = peal.Paused
	webhook, err = store.UpdateWebhook(ctx, webhook)
	must(err)
	must(store.Release(ctx, node, nil))
	params.History, params.MaxBytes = later, 1
	purge()
	must(store.DeleteWebhook(ctx, webhook.Tenant, webhook.ID))
	purge()
	must(store.Ping(ctx))
}

// useStats calls the methods that read counts.
func useStats(t *testing.T, store *sqlite.Store, webhook peal.Webhook) {
	t.Helper()
	ctx, now := context.Background(), time.Now()
	_, err := store.Stats(ctx, peal.StatsQuery{Tenant: webhook.Tenant, Width: peal.PerHour, Since: now.Add(-time.Hour), Until: now})
	if err == nil {
		_, err = store.Totals(ctx, peal.StatsQuery{Tenant: webhook.Tenant, Width: peal.PerHour, Since: now.Add(-time.Hour), Until: now})
	}
	if err == nil {
		_, err = store.Activity(ctx, webhook.Tenant, []peal.WebhookID{webhook.ID})
	}
	if err == nil {
		_, err = store.Backlog(ctx, webhook.Tenant)
	}
	if err == nil {
		_, err = store.Backlog(ctx, "")
	}
	if err == nil {
		_, err = store.Problems(ctx, peal.ProblemQuery{Tenant: webhook.Tenant, WebhookID: webhook.ID, Since: now.Add(-time.Hour), Limit: 10})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// useSearch calls the methods that search.
func useSearch(t *testing.T, store *sqlite.Store, webhook peal.Webhook) {
	t.Helper()
	ctx := context.Background()
	if err := store.SetSearch(ctx, true); err != nil {
		t.Fatal(err)
	}
	indexAll(t, store)
	if _, err := store.SearchState(ctx); err != nil {
		t.Fatal(err)
	}
	for _, query := range []peal.DeliverySearch{{EventType: "task.created"}, {Text: "a"}} {
		query.Tenant, query.WebhookID, query.Limit = webhook.Tenant, webhook.ID, 10
		if _, err := store.FindDeliveries(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []peal.EventSearch{{Type: "task.created"}, {Text: "a"}} {
		query.Tenant, query.Limit = webhook.Tenant, 10
		if _, err := store.FindEvents(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
}
