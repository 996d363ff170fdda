package dispatch_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/sqlite"
)

// TestMissed groups who did not get an event: each webhook once, with its reason, and never
// another tenant's.
func TestMissed(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(memoryDir(t), "peal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	create := func(tenant string, change func(*peal.Webhook)) peal.Webhook {
		w := peal.Webhook{ID: peal.NewWebhookID(), Tenant: tenant, URL: "https://a.example/", Events: []string{"task.*"}, Format: "standard", Status: peal.Active, Timeout: peal.DefaultTimeout}
		w.UpdatedAt = w.CreatedAt()
		change(&w)
		saved, err := store.CreateWebhook(t.Context(), w)
		must(err)
		return saved
	}
	plain := func(*peal.Webhook) {}
	got := create(tenant, plain)
	broken := create(tenant, func(w *peal.Webhook) { w.Filter = "data.a > 1" })
	paused := create(tenant, func(w *peal.Webhook) { w.Status = peal.Paused })
	create(tenant, func(w *peal.Webhook) { w.Filter = "data.a == 2" })
	create(tenant, func(w *peal.Webhook) { w.Status = peal.Disabled })
	create(tenant, plain) // asks for it, and has no delivery
	for range dispatch.MaxMissed + 5 {
		create(tenant, func(w *peal.Webhook) { w.Events = []string{"user.*", "task.done"} })
	}
	changed := create(tenant, plain)
	create("stranger", plain)
	_, version, err := store.RoutesSince(t.Context(), 0)
	must(err)
	node := peal.NewNodeID()
	_, err = store.RegisterNode(t.Context(), peal.Node{ID: node})
	must(err)
	event := &peal.Event{Key: peal.NewEventKey(), Tenant: tenant, Type: "task.created", Data: []byte(`{"a":"x"}`)}
	event.ID, event.Time = event.Key.String(), peal.TimestampOf(event.Key.Time())
	_, err = store.Insert(t.Context(), node, version, []peal.Insertion{{
		Event: event, Deliveries: []peal.NewDelivery{{ID: peal.NewDeliveryID(), WebhookID: got.ID}, {ID: peal.NewDeliveryID(), WebhookID: paused.ID}},
		FilterErrors: []peal.FilterError{{WebhookID: broken.ID, Message: "a is a text"}},
	}})
	must(err)
	changed.Description, changed.UpdatedAt = "changed", time.Now().Add(time.Second)
	_, err = store.UpdateWebhook(t.Context(), changed)
	must(err)
	create(tenant, plain)

	engine, err := dispatch.New(store, dispatch.DefaultOptions())
	must(err)
	groups, known, err := engine.Missed(t.Context(), event)
	must(err)
	if !known {
		t.Error("the webhooks were not looked at")
	}
	var told []string
	for _, g := range groups {
		told = append(told, fmt.Sprint(g.Reason, " ", g.Count, " ", len(g.Webhooks), " ", g.Errors[broken.ID]))
		for _, w := range g.Webhooks {
			if w.Tenant != tenant {
				t.Errorf("a webhook of %s is told of", w.Tenant)
			}
		}
	}
	if diff := cmp.Diff([]string{
		"filter_failed 1 1 a is a text", "filter 1 1 ", "disabled 1 1 ", "changed_later 1 1 ", "unknown 1 1 ", "created_later 1 1 ", "type 25 20 ",
	}, told); diff != "" {
		t.Error(diff)
	}
}
