package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
)

// countedStore counts what is asked of a store by what grows with webhooks, tenants and event
// types, and the rows that it returns.
type countedStore struct {
	dashboard.Store
	calls, rows atomic.Int64
}

func counted[T any](s *countedStore, rows []T, err error) ([]T, error) {
	s.calls.Add(1)
	s.rows.Add(int64(len(rows)))
	return rows, err
}

func (s *countedStore) Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error) {
	s.calls.Add(1)
	s.rows.Add(1)
	return s.Store.Webhook(ctx, tenant, id)
}

func (s *countedStore) Webhooks(ctx context.Context, tenant string, before peal.WebhookID, limit int) ([]peal.Webhook, error) {
	rows, err := s.Store.Webhooks(ctx, tenant, before, limit)
	return counted(s, rows, err)
}

func (s *countedStore) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	rows, err := s.Store.WebhooksOf(ctx, tenant, ids)
	return counted(s, rows, err)
}

func (s *countedStore) Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error) {
	rows, err := s.Store.Tenants(ctx, after, limit)
	return counted(s, rows, err)
}

func (s *countedStore) EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error) {
	rows, err := s.Store.EventTypes(ctx, catalogue, after, limit)
	return counted(s, rows, err)
}

func (s *countedStore) FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error) {
	rows, err := s.Store.FindEventTypes(ctx, query)
	return counted(s, rows, err)
}

func (s *countedStore) Stats(ctx context.Context, query peal.StatsQuery) ([]peal.StatsBucket, error) {
	rows, err := s.Store.Stats(ctx, query)
	return counted(s, rows, err)
}

func (s *countedStore) Totals(ctx context.Context, query peal.StatsQuery) (peal.StatsTotals, error) {
	totals, err := s.Store.Totals(ctx, query)
	_, err = counted(s, totals.Buckets, err)
	return totals, err
}

func (s *countedStore) Activity(ctx context.Context, tenant string, webhooks []peal.WebhookID) ([]peal.WebhookActivity, error) {
	rows, err := s.Store.Activity(ctx, tenant, webhooks)
	return counted(s, rows, err)
}

func (s *countedStore) Problems(ctx context.Context, query peal.ProblemQuery) ([]peal.WebhookProblem, error) {
	rows, err := s.Store.Problems(ctx, query)
	return counted(s, rows, err)
}

func (s *countedStore) Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error) {
	rows, err := s.Store.Deliveries(ctx, query)
	return counted(s, rows, err)
}

// Pages stay small, and read a bounded number of rows with a bounded number of calls, whatever the
// number of webhooks, tenants and event types.
func TestPagesOfManyThings(t *testing.T) {
	const many = 10_000
	var store *countedStore
	d := newDoorwayWith(t, func(o *dashboard.Options) {
		store = &countedStore{Store: o.Store}
		o.Store = store
	})
	who := d.signIn("ann", "", peal.RoleOwner)
	var ids [many]peal.WebhookID
	d.fill(many, func(i int) error {
		w, err := d.store.CreateWebhook(t.Context(), peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: peal.DefaultTenant, Name: fmt.Sprintf("Shop no-%05d", i), URL: fmt.Sprintf("https://shop-%05d.example/a/long/path/of/a/hook", i),
			Events: []string{fmt.Sprintf("order.kind_%05d", i), "customer.*"}, Format: peal.DefaultFormat, Timeout: peal.DefaultTimeout, Status: peal.Active,
			Description: "The orders of a shop, with what was bought, by whom and for how much.",
		})
		ids[i] = w.ID
		return err
	})
	d.fill(many, func(i int) error {
		return d.store.CreateTenant(t.Context(), peal.Tenant{Name: fmt.Sprintf("shop-%05d", i), Description: "A shop with a name and a description."})
	})
	d.fill(many, func(i int) error {
		_, err := d.store.PutEventType(t.Context(), peal.EventType{
			Name: fmt.Sprintf("order.kind_%05d", i), Description: "Something happened to an order, and this is what.", Example: []byte(`{"id":1}`), CreatedAt: time.Now(), UpdatedAt: time.Now(),
		})
		return err
	})
	const batch = 500
	for begin := 0; begin < many; begin += batch { // each webhook has delivered once, or failed
		d.settle(ids[begin:begin+batch], begin%(2*batch) == 0)
	}
	hook := "/webhooks/" + ids[many/2].String()
	for _, path := range []string{
		"/", "/?range=30d", "/webhooks", "/webhooks?order=name", "/webhooks?q=no-04", "/webhooks?event=customer.new", "/webhooks/new", hook, hook + "/edit", hook + "/test", hook + "/code", hook + "/replay", hook + "/delete",
		"/deliveries", "/events", "/publish", "/catalogue", "/catalogue?q=kind_04", "/catalogue/order.kind_04999", "/quotas", "/tenants", "/tenants?q=shop-04", "/tenants/shop-04999", "/all", "/keys", "/users", "/sources", "/presets", "/audit",
	} {
		t.Run(path, func(t *testing.T) {
			store.calls.Store(0)
			store.rows.Store(0)
			p := d.ask(who, http.MethodGet, "/t/default"+path, nil)
			if p.StatusCode != http.StatusOK || !strings.Contains(p.body, "</html>") {
				t.Fatalf("the answer is %s", p.Status)
			}
			t.Logf("%d bytes, %d calls, %d rows", len(p.body), store.calls.Load(), store.rows.Load())
			mostCalls, mostRows := int64(2*50+20), int64(1500) // of a list of 50 rows; of choices
			if strings.HasPrefix(path, "/tenants?q=") {
				mostRows = 2 * many // a search examines that many tenants, and continues after them
			}
			if len(p.body) > maxPage || store.calls.Load() > mostCalls || store.rows.Load() > mostRows {
				t.Errorf("the page has %d bytes (at most %d), %d calls (%d) and %d rows (%d)", len(p.body), maxPage, store.calls.Load(), mostCalls, store.rows.Load(), mostRows)
			}
		})
	}
}

// fill calls a function for 0 to n-1, many at once: a store writes what comes together together.
func (d *doorway) fill(n int, put func(i int) error) {
	d.Helper()
	var next atomic.Int64
	var filling sync.WaitGroup
	for range 64 {
		filling.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := put(i); err != nil {
					d.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	filling.Wait()
	if d.Failed() {
		d.FailNow()
	}
}

// settle adds a delivery of each webhook that has failed or arrived.
func (d *doorway) settle(webhooks []peal.WebhookID, failed bool) {
	d.Helper()
	node := peal.NewNodeID()
	if _, err := d.store.RegisterNode(d.Context(), peal.Node{ID: node}); err != nil {
		d.Fatal(err)
	}
	_, version, err := d.store.RoutesSince(d.Context(), 1<<60)
	var insertions []peal.Insertion
	var settlements []peal.Settlement
	for _, webhook := range webhooks {
		key, id := peal.NewEventKey(), peal.NewDeliveryID()
		insertions = append(insertions, peal.Insertion{
			Event:      &peal.Event{Key: key, ID: key.String(), Tenant: peal.DefaultTenant, Type: "customer.new", Time: peal.TimestampOf(key.Time()), Data: []byte(`{"id":1}`)},
			Deliveries: []peal.NewDelivery{{ID: id, WebhookID: webhook, Held: true}},
		})
		one := peal.Settlement{Attempt: peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: id.Time(), StatusCode: 200}, WebhookID: webhook, Status: peal.Success, Tries: 1, SettledAt: id.Time()}
		if failed {
			one.Status, one.Attempt.StatusCode, one.Attempt.Reason, one.Attempt.Error = peal.Failed, 503, peal.ReasonStatus, "answered 503"
		}
		settlements = append(settlements, one)
	}
	if err == nil {
		_, err = d.store.Insert(d.Context(), node, version, insertions)
	}
	if err == nil {
		err = d.store.Settle(d.Context(), node, settlements)
	}
	if err != nil {
		d.Fatal(err)
	}
}
