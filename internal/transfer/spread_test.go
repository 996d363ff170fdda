package transfer_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/postgres"
)

// What a server had promised of a large insert when it was killed, and had not made rows
// of, the other database makes rows of.
func TestMovesTheListsOfALargeInsert(t *testing.T) {
	m := newMove(t)
	store := m.openSource()
	webhook, err := store.CreateWebhook(t.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: "acme", URL: "https://example.com/", Events: []string{"*"}, Format: "standard", Timeout: time.Second, Status: peal.Active, UpdatedAt: moment(),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := peal.NewEventKey()
	batch := []peal.Insertion{{
		Event: &peal.Event{Key: key, ID: key.String(), Tenant: "acme", Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: []byte(`{}`)},
		Deliveries: []peal.NewDelivery{
			{ID: peal.NewDeliveryID(), WebhookID: webhook.ID}, {ID: peal.NewDeliveryID(), WebhookID: webhook.ID, Test: true},
		},
	}}
	if _, err := store.Insert(t.Context(), peal.NewNodeID(), webhook.Revision, batch); err != nil {
		t.Fatal(err)
	}
	want, err := store.Deliveries(t.Context(), peal.DeliveryQuery{Tenant: "acme", EventKey: key, Limit: 10})
	if err != nil || len(want) != 2 {
		t.Fatalf("%d deliveries, %v", len(want), err)
	}
	m.close(store)
	db, err := sql.Open("sqlite", m.path)
	if err != nil {
		t.Fatal(err)
	}
	part := record.PartsOf(batch, func(int) bool { return true })[0]
	if _, err := db.Exec(`DELETE FROM waiting`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO spreads (id, node, first, last, list) VALUES (?, ?, ?, ?, ?)`, part.ID[:], make([]byte, 16), part.First[:], part.Last[:], part.List); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	m.run()
	other, err := postgres.Open(t.Context(), postgres.Options{URL: m.options.To, Sealer: m.sealer})
	if err != nil {
		t.Fatal(err)
	}
	defer m.close(other)
	var got []peal.Delivery
	testkit.Eventually(t, func() error {
		if got, err = other.Deliveries(t.Context(), peal.DeliveryQuery{Tenant: "acme", EventKey: key, Limit: 10}); err != nil {
			t.Fatal(err)
		}
		if len(got) < 2 {
			return fmt.Errorf("%d deliveries", len(got))
		}
		return nil
	})
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
