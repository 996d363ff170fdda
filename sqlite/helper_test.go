package sqlite_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

func open(t *testing.T, options sqlite.Options) *sqlite.Store {
	t.Helper()
	if options.Path == "" {
		options.Path = filepath.Join(t.TempDir(), "peal.db")
	}
	store, err := sqlite.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	register(t, store, peal.NodeID{1})
	return store
}

// register makes a node that may hold deliveries, unless it is one already.
func register(t testing.TB, store *sqlite.Store, node peal.NodeID) {
	t.Helper()
	if _, err := store.RegisterNode(context.Background(), peal.Node{ID: node}); err != nil && peal.CodeOf(err) != peal.Conflict {
		t.Fatal(err)
	}
}

func createWebhook(t *testing.T, store *sqlite.Store) peal.Webhook {
	t.Helper()
	return createWebhookOf(t, store, "a")
}

func createWebhookOf(t *testing.T, store *sqlite.Store, tenant string) peal.Webhook {
	t.Helper()
	webhook, err := store.CreateWebhook(context.Background(), peal.Webhook{
		Format: peal.DefaultFormat,
		ID:     peal.NewWebhookID(), Tenant: tenant, URL: "https://example.com/", Events: []string{"*"}, Timeout: time.Second, Status: peal.Active,
		Secrets: []peal.Secret{{Value: "whsec_very-secret"}}, Authorization: "Bearer very-secret", Headers: map[string]string{"X-Key": "very-secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return webhook
}

// insertion is a new event with a held delivery for a webhook.
func insertion(webhook peal.Webhook, size int) peal.Insertion {
	key := peal.NewEventKey()
	data, _ := json.Marshal(string(make([]byte, size/6))) // a zero is six bytes of JSON
	return peal.Insertion{
		Event:      &peal.Event{Key: key, ID: key.String(), Tenant: webhook.Tenant, Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: data},
		Deliveries: []peal.NewDelivery{{ID: peal.NewDeliveryID(), WebhookID: webhook.ID, Held: true}},
	}
}

func insert(store *sqlite.Store, webhook peal.Webhook, insertions ...peal.Insertion) error {
	_, err := store.Insert(context.Background(), peal.NodeID{1}, webhook.Revision, insertions)
	return err
}
