package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/dashboard"
)

// seedWords inserts events of acme, each for a webhook, and returns the ids of its deliveries.
func (d *doorway) seedWords(count int) (ids []string) {
	d.Helper()
	w := d.hook("acme")
	_, version, err := d.store.RoutesSince(d.Context(), 1<<60)
	var insertions []peal.Insertion
	for i := range count {
		key, id := peal.NewEventKey(), peal.NewDeliveryID()
		ids = append(ids, id.String())
		insertions = append(insertions, peal.Insertion{
			Event:      &peal.Event{Key: key, ID: key.String(), Tenant: "acme", Type: fmt.Sprintf("order.kind%d", i%2), Time: peal.TimestampOf(key.Time()), Data: fmt.Appendf(nil, `{"buyer":"Zoë","n":"no%d"}`, i)},
			Deliveries: []peal.NewDelivery{{ID: id, WebhookID: w.ID}},
		})
	}
	if err == nil {
		_, err = d.store.Insert(d.Context(), peal.NodeID{}, version, insertions)
	}
	if err == nil {
		err = d.store.SetSearch(d.Context(), true)
	}
	if err != nil {
		d.Fatal(err)
	}
	d.index()
	return ids
}

// index puts all that has changed into the search index.
func (d *doorway) index() {
	d.Helper()
	for done := (peal.IndexResult{More: true}); done.More; {
		var err error
		if done, err = d.store.Index(d.Context()); err != nil {
			d.Fatal(err)
		}
	}
}

// lists fails the test unless the page lists exactly the ids at the given places.
func (d *doorway) lists(p page, ids []string, places ...int) {
	d.Helper()
	d.shows(p, http.StatusOK)
	want := map[int]bool{}
	for _, place := range places {
		want[place] = true
	}
	for i, id := range ids {
		if strings.Contains(p.body, `href="/t/acme/deliveries/`+id) != want[i] {
			d.Errorf("%s: delivery %d is listed: %v", p.Request.URL, i, !want[i])
		}
	}
}

func TestListsAreSearched(t *testing.T) {
	d := signedIn(t)
	for _, path := range []string{"/deliveries", "/events"} {
		d.shows(d.get(path), http.StatusOK, "Search for words is off", "search.enabled")
		d.shows(d.get(path+"?text=zoe"), http.StatusOK, "search is off here")
	}
	ids := d.seedWords(4)
	for _, path := range []string{"/deliveries", "/events"} {
		got := d.get(path)
		d.shows(got, http.StatusOK, `name="text"`)
		if strings.Contains(got.body, "search.enabled") {
			t.Errorf("%s tells how to turn search on, which it is", path)
		}
		d.shows(d.get(path+"?text=%22zoe"), http.StatusOK, `value="&#34;zoe"`, "is not closed", `aria-invalid="true"`)
	}
	d.lists(d.get("/deliveries?text=zoe"), ids, 0, 1, 2, 3)
	d.lists(d.get("/deliveries?text=no2"), ids, 2)
	d.lists(d.get("/deliveries?type=order.kind1"), ids, 1, 3)
	d.lists(d.get("/deliveries?text=zoe&type=order.kind0"), ids, 0, 2)
	d.lists(d.get("/deliveries?text=zoe&status=failed"), ids)
	d.shows(d.get("/deliveries?text=%22zoe&status=failed"), http.StatusOK, "is not closed")
	events := d.get("/events?text=no3")
	if n := strings.Count(events.body, `class="rowlink"`); n != 1 {
		t.Errorf("%d events with a word", n)
	}
}

// What words find is sent again, and nothing else.
func TestRetryOfWhatWordsFind(t *testing.T) {
	var engine *dispatch.Engine
	d := signedInWith(t, func(o *dashboard.Options) { engine = o.Engine })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := engine.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	for engine.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	ids := d.seedWords(120)
	for i, id := range ids {
		parsed, err := peal.ParseDeliveryID(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.store.Cancel(t.Context(), "acme", parsed, time.Now()); err != nil {
			t.Fatal(i, err)
		}
	}
	d.index()
	d.shows(d.get("/deliveries?text=zoe&type=order.kind0&status=canceled"), http.StatusOK, "Send all of these again")
	d.shows(d.post("/deliveries/retry", url.Values{"status": {"success"}, "text": {"zoe"}}), 422, "Choose the failed")
	d.leads(d.post("/deliveries/retry", url.Values{"status": {"canceled"}, "text": {"zoe"}, "type": {"order.kind0"}}), "/deliveries?done=retried_found")
	for i, id := range ids {
		parsed, _ := peal.ParseDeliveryID(id)
		delivery, err := d.store.Delivery(t.Context(), "acme", parsed)
		if err != nil || (delivery.Status == peal.Canceled) != (i%2 == 1) {
			t.Errorf("delivery %d is %s: %v", i, delivery.Status, err)
		}
	}
}

func TestSearchedListsGoOn(t *testing.T) {
	d := signedIn(t)
	ids := d.seedWords(120)
	seen, path := 0, "/deliveries?text=zoe"
	for range 10 {
		got := d.get(path)
		d.shows(got, http.StatusOK)
		for _, id := range ids {
			seen += strings.Count(got.body, `href="/t/acme/deliveries/`+id+`"`)
		}
		_, rest, more := strings.Cut(got.body, `<p><a class="btn" href="`)
		if !more {
			break
		}
		path, _, _ = strings.Cut(rest, `"`)
		path = strings.ReplaceAll(path, "&amp;", "&")
	}
	if seen != len(ids) {
		t.Errorf("%d deliveries page by page, want %d", seen, len(ids))
	}
}
