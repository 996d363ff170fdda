package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// Values that cannot be read keep neither a store from opening nor the rows beside them from
// being listed.
func TestDamagedValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	must(t, err)
	register(t, store, peal.NodeID{1})
	bad, good := createWebhook(t, store), createWebhook(t, store)
	in := insertion(good, 100)
	must(t, insert(store, good, in))
	must(t, store.Settle(t.Context(), peal.NodeID{1}, []peal.Settlement{{
		Attempt:   peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: in.Deliveries[0].ID, Number: 1},
		WebhookID: good.ID, Status: peal.Failed, Tries: 1,
	}}))
	must(t, store.CreateTenant(t.Context(), peal.Tenant{Name: "acme", RetryPolicy: &peal.RetryPolicy{}}))
	must(t, store.Close())
	db, err := sql.Open("sqlite", path)
	must(t, err)
	for _, statement := range []string{
		`UPDATE webhooks SET settings = '{"url":' WHERE num = 1`,
		`UPDATE tenants SET retry_policy = '{"Delays":[1e40]}' WHERE name = 'acme'`,
		`UPDATE nodes SET load = 'nonsense'`,
		`UPDATE settled SET last = substr(last, 1, length(last) - 5)`,
	} {
		_, err := db.Exec(statement)
		must(t, err)
	}
	must(t, db.Close())

	store = open(t, sqlite.Options{Path: path})
	ctx := t.Context()
	routes, _, err := store.RoutesSince(ctx, 0)
	if err != nil || len(routes) != 2 {
		t.Fatalf("%d routes, %v", len(routes), err)
	}
	for _, w := range routes {
		if w.ID == bad.ID && (w.Status != peal.Disabled || w.StatusReason == "") || w.ID == good.ID && w.Status != peal.Active {
			t.Errorf("the webhook is %+v", w)
		}
	}
	if list, err := store.Webhooks(ctx, bad.Tenant, peal.WebhookID{}, 10); err != nil || len(list) != 2 {
		t.Errorf("%d webhooks, %v", len(list), err)
	}
	if list, err := store.Tenants(ctx, "", 10); err != nil || len(list) < 2 {
		t.Errorf("%d tenants, %v", len(list), err)
	}
	if _, err := store.Nodes(ctx); err != nil {
		t.Error(err)
	}
	attempts, err := store.Attempts(ctx, good.Tenant, in.Deliveries[0].ID)
	if err != nil || len(attempts) != 1 || attempts[0].Error == "" || attempts[0].ID.IsZero() {
		t.Errorf("the attempts are %+v, %v", attempts, err)
	}
	if _, err := store.Reopen(ctx, peal.NodeID{1}, good.Tenant, in.Deliveries[0].ID, time.Now()); err != nil {
		t.Errorf("a retry by hand: %v", err)
	}
}
