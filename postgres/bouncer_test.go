package postgres_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/storetest"
)

// Two nodes on fewer connections of the server than they have themselves, each
// transaction on any of them.
func TestThroughAPooler(t *testing.T) {
	bouncer, err := shared.Cluster(t).Bouncer(3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bouncer.Stop(); err != nil {
			t.Error(err)
		}
	}()
	direct, err := url.Parse(shared.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	pooled := bouncer.URL(strings.TrimPrefix(direct.Path, "/"))
	if os.Getenv("PEAL_TEST_POOLER") != "" || longtest.Asked() { // everything; takes as long again as TestStore
		storetest.Run(t, func(t *testing.T, place string) storetest.Store {
			return open(t, postgres.Options{URL: pooled, ListenURL: direct.String(), Schema: schemaOf(place)})
		})
	}
	var wg sync.WaitGroup
	for range 2 {
		store := open(t, postgres.Options{URL: pooled, Connections: 8})
		defer store.Close()
		node := peal.NewNodeID()
		if _, err := store.RegisterNode(t.Context(), peal.Node{ID: node}); err != nil {
			t.Fatal(err)
		}
		webhook, err := store.CreateWebhook(t.Context(), peal.Webhook{
			Format: peal.DefaultFormat,
			ID:     peal.NewWebhookID(), Tenant: "a", URL: "https://example.com/", Events: []string{"*"}, Timeout: time.Second, Status: peal.Active,
		})
		if err != nil {
			t.Fatal(err)
		}
		for worker := range 8 {
			wg.Go(func() {
				for round := range 20 {
					if err := deliver(t, store, node, webhook, fmt.Sprint(node, worker, round)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	var settled int
	ask(t, direct.String(), `SELECT count(*) FROM peal.settled WHERE status = 1`, &settled)
	if settled != 2*8*20 {
		t.Errorf("%d deliveries are settled, want %d", settled, 2*8*20)
	}
}

// deliver inserts an event with a delivery and settles that.
func deliver(t *testing.T, store *postgres.Store, node peal.NodeID, webhook peal.Webhook, id string) error {
	key, delivery := peal.NewEventKey(), peal.NewDeliveryID()
	for {
		_, version, err := store.RoutesSince(t.Context(), 1<<60)
		if err != nil {
			return err
		}
		_, err = store.Insert(t.Context(), node, version, []peal.Insertion{{
			Event:      &peal.Event{Key: key, ID: id, Tenant: "a", Type: "x", Time: peal.TimestampOf(key.Time()), Data: []byte(`1`)},
			IDGiven:    true,
			Deliveries: []peal.NewDelivery{{ID: delivery, WebhookID: webhook.ID, Held: true}},
		}})
		if err == peal.ErrStaleRoutes { // the other node has just made its webhook
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if err := store.Settle(t.Context(), node, []peal.Settlement{{
		Attempt:   peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: delivery, Number: 1, StartedAt: time.Now(), StatusCode: 200},
		WebhookID: webhook.ID, Status: peal.Success, Tries: 1, SettledAt: time.Now(),
	}}); err != nil {
		return err
	}
	got, err := store.Delivery(t.Context(), "a", delivery)
	if err == nil && got.Status != peal.Success {
		err = fmt.Errorf("the delivery is %s", got.Status)
	}
	return err
}
