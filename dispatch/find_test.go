package dispatch_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

// reads counts the webhooks that are read from a store one by one, and refuses whole lists.
type reads struct {
	storetest.Store
	calls, ids int
}

func (s *reads) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	s.calls++
	s.ids += len(ids)
	return s.Store.WebhooksOf(ctx, tenant, ids)
}

func (s *reads) Webhooks(context.Context, string, peal.WebhookID, int) ([]peal.Webhook, error) {
	return nil, peal.Errorf(peal.Internal, "a whole list was read")
}

// TestFindsAmongThousands walks over searches of a tenant with thousands of webhooks, beside another
// tenant with such webhooks: each page reads its own rows and no others.
func TestFindsAmongThousands(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(memoryDir(t), "peal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	many := 2_000
	if longtest.Asked() {
		many = 10_000
	}
	all := make([]peal.Webhook, many+100)
	var begun sync.WaitGroup
	turns := make(chan bool, 256)
	for i := range all {
		w := peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: tenant, URL: fmt.Sprintf("https://host%d.example/Hook?secret=%d", i%7, i), Events: []string{fmt.Sprintf("group%d.*", i%10)},
			Format: []string{"standard", "x-webhook"}[i%2], Status: []peal.WebhookStatus{peal.Active, peal.Paused, peal.Disabled}[i%3], Timeout: peal.DefaultTimeout,
			Name: fmt.Sprintf("Büro %05d", (i*7919)%many), Description: fmt.Sprint("floor ", i%50),
		}
		if i%20 == 0 {
			w.Name = ""
		}
		if i >= many {
			w.Tenant = "other"
		}
		all[i] = w
		turns <- true
		begun.Go(func() {
			defer func() { <-turns }()
			if _, err := store.CreateWebhook(t.Context(), w); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	counted := &reads{Store: store}
	engine, err := dispatch.New(counted, dispatch.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []peal.WebhookQuery{
		{Order: peal.ListByName}, {Order: peal.ListOldestFirst}, {Text: "BÜRO host3 floor"}, {Text: "secret"}, {Text: "/hook 0123"}, {Text: all[77].ID.String()[:24], Order: peal.ListByName},
		{Status: peal.Paused, Format: "x-webhook", Event: "group3.created", Order: peal.ListByName}, {Event: "group3"}, {Text: "none of these"},
	} {
		q.Tenant, q.Limit = tenant, 200
		var want []peal.WebhookID
		for _, w := range slices.SortedFunc(slices.Values(all[:many]), func(a, b peal.Webhook) int { return q.Compare(q.PositionOf(&a), q.PositionOf(&b)) }) {
			if chosen(&q, &w) {
				want = append(want, w.ID)
			}
		}
		var got []peal.WebhookID
		for {
			*counted = reads{Store: store}
			page, total, err := engine.FindWebhooks(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if total != len(want) {
				t.Errorf("%+v chooses %d webhooks, not %d", q, total, len(want))
			}
			if counted.calls > 1 || counted.ids != len(page) {
				t.Errorf("%+v: %d rows were read with %d calls for %d", q, counted.ids, counted.calls, len(page))
			}
			for i := range page {
				got = append(got, page[i].ID)
			}
			if len(page) < q.Limit {
				break
			}
			q.After = q.PositionOf(&page[len(page)-1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v lists %d webhooks, not the %d that it chooses in their order", q, len(got), len(want))
		}
	}

	// What was changed a moment ago is found as it is now.
	found, _, err := engine.FindWebhooks(t.Context(), peal.WebhookQuery{Tenant: tenant, Text: all[5].Name, Limit: 1})
	if err != nil || len(found) != 1 || found[0].ID != all[5].ID {
		t.Fatalf("found %v, %v", found, err)
	}
	found[0].Name = "Renamed"
	if _, err := store.UpdateWebhook(t.Context(), found[0]); err != nil {
		t.Fatal(err)
	}
	if _, total, err := engine.FindWebhooks(t.Context(), peal.WebhookQuery{Tenant: tenant, Text: "renamed", Limit: 1}); total != 1 || err != nil {
		t.Errorf("after a change: %d found, %v", total, err)
	}
	if err := store.DeleteWebhook(t.Context(), tenant, all[5].ID); err != nil {
		t.Fatal(err)
	}
	if _, total, err := engine.FindWebhooks(t.Context(), peal.WebhookQuery{Tenant: tenant, Text: "renamed", Limit: 1}); total != 0 || err != nil {
		t.Errorf("after a deletion: %d found, %v", total, err)
	}
}

// chosen repeats the rules of a query in the plainest way.
func chosen(q *peal.WebhookQuery, w *peal.Webhook) bool {
	for _, word := range strings.Fields(strings.ToLower(q.Text)) {
		path, _, _ := strings.Cut(strings.TrimPrefix(w.URL, "https://"), "?")
		if !strings.Contains(strings.ToLower(w.Name), word) && !strings.Contains(strings.ToLower(path), word) && !strings.Contains(w.Description, word) && !strings.HasPrefix(w.ID.String(), word) {
			return false
		}
	}
	return (q.Status == "" || q.Status == w.Status) && (q.Format == "" || q.Format == w.Format) && (q.Event == "" || peal.MatchPattern(w.Events[0], q.Event))
}
