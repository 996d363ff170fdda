package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// useReplays calls every method of the store that has to do with replays.
func useReplays(t *testing.T, store *sqlite.Store, webhook peal.Webhook) {
	t.Helper()
	ctx, every := context.Background(), func(string) bool { return true }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	in := insertion(webhook, 100)
	in.Deliveries = nil
	must(insert(store, webhook, in))
	id := peal.NewJobID()
	replay := peal.Replay{
		ID: id, Tenant: webhook.Tenant, WebhookID: webhook.ID, Since: webhook.CreatedAt(), Until: id.Time().Add(time.Microsecond),
		Statuses: []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Canceled}, Missed: true, Status: peal.ReplayRunning,
	}
	must(store.CreateReplay(ctx, replay))
	_, err := store.Replay(ctx, webhook.Tenant, id)
	must(err)
	_, err = store.Replays(ctx, peal.ReplayQuery{Tenant: webhook.Tenant, WebhookID: webhook.ID, Limit: 10})
	must(err)
	_, err = store.OpenReplays(ctx, 10)
	must(err)
	count, err := store.CountReplay(ctx, replay, every)
	must(err)
	replayed, _, err := store.ReplayDeliveries(ctx, id, time.Now(), 10)
	must(err)
	missed, err := store.MissedEvents(ctx, id, every, 100)
	must(err)
	made, err := store.ReplayMissed(ctx, id, missed, []peal.MissedDelivery{{ID: peal.NewDeliveryID(), EventKey: in.Event.Key}})
	must(err)
	if count.Deliveries < 10 || count.Events != 1 || replayed != 10 || made != 1 {
		t.Errorf("counted %+v, replayed %d, made %d", count, replayed, made)
	}
	must(store.EndReplay(ctx, webhook.Tenant, id, peal.ReplayDone, "", time.Now()))
}
