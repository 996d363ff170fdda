package dispatch_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

func TestOneIDManyPublishersOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), nil)
		var group sync.WaitGroup
		var mu sync.Mutex
		first := 0
		for range 32 {
			group.Go(func() {
				once := event(1)
				once.ID = "order-1"
				published, err := e.Publish(w.ctx, tenant, once)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if !published[0].Duplicate {
					first++
				}
				if len(published[0].Webhooks) != 1 || published[0].Event.ID != "order-1" {
					t.Errorf("published %+v", published[0])
				}
			})
		}
		group.Wait()
		w.settled(hook.ID, 1)
		time.Sleep(time.Minute)
		if n := len(w.deliveries(hook.ID)); first != 1 || n != 1 || r.count() != 1 {
			t.Errorf("%d first publishes, %d deliveries, %d requests", first, n, r.count())
		}
		other := event(2)
		other.ID = "order-1"
		if _, err := e.Publish(w.ctx, tenant, other); peal.CodeOf(err) != peal.Conflict {
			t.Errorf("other content under the same id gave %v", err)
		}
	})
}

func TestCancelAndRetry(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		down := true
		r := w.receive("down", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			if down {
				rw.WriteHeader(500)
			}
		})
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		r.wait(1)
		pause()
		id := w.deliveries(hook.ID)[0].ID
		if d, err := e.Retry(w.ctx, tenant, id); err != nil || d.Status != peal.Pending {
			t.Fatalf("retry of a held delivery gave %+v, %v", d, err)
		}
		pause()
		if n := r.count(); n != 2 {
			t.Errorf("%d requests after a retry by hand, want 2 at once", n)
		}
		if d, err := e.Cancel(w.ctx, tenant, id); err != nil || d.Status != peal.Canceled {
			t.Fatalf("cancel gave %+v, %v", d, err)
		}
		time.Sleep(24 * time.Hour)
		if n := r.count(); n != 2 {
			t.Errorf("%d requests, want none after the cancel", n)
		}
		if _, err := e.Cancel(w.ctx, tenant, id); peal.CodeOf(err) != peal.Conflict {
			t.Errorf("a second cancel gave %v", err)
		}
		down = false
		if _, err := e.Retry(w.ctx, tenant, id); err != nil {
			t.Fatal(err)
		}
		d := w.settled(hook.ID, 1)[0]
		if d.Status != peal.Success || d.Attempts != 3 || d.Tries != 1 {
			t.Errorf("delivery %+v", d)
		}
		requests := r.wait(3)
		if requests[0].header.Get("webhook-id") != requests[2].header.Get("webhook-id") {
			t.Error("a retry by hand has another webhook-id")
		}
		if _, err := e.Retry(w.ctx, "other", id); peal.CodeOf(err) != peal.NotFound {
			t.Errorf("another tenant's retry gave %v", err)
		}
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Disabled })
		if _, err := e.Retry(w.ctx, tenant, id); peal.CodeOf(err) != peal.Conflict {
			t.Errorf("a retry for a disabled webhook gave %v", err)
		}
	})
}

// A cancel while the request is in flight lets it end, and nothing follows.
func TestCancelInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("slow", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			time.Sleep(3 * time.Second)
			rw.WriteHeader(500)
		})
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		r.wait(1)
		id := w.deliveries(hook.ID)[0].ID
		if _, err := e.Cancel(w.ctx, tenant, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if d := w.deliveries(hook.ID)[0]; d.Status != peal.Canceled || r.count() != 1 || len(w.attempts(id)) != 1 {
			t.Errorf("delivery %+v after %d requests and %d attempts on record", d, r.count(), len(w.attempts(id)))
		}
	})
}

func TestTestOfAWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("ok", func(rw http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(rw, "thanks") })
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.Events, h.Status = []string{"task.*"}, peal.Paused
		})
		if _, err := w.store.PutEventType(w.ctx, peal.EventType{Name: "task.created", Example: []byte(`{"title":"Example"}`)}); err != nil {
			t.Fatal(err)
		}
		d, attempt, err := e.Test(w.ctx, tenant, hook.ID, "", nil)
		if err != nil || !d.Test || d.Status != peal.Success || d.EventType != "task.created" || string(attempt.ResponseBody) != "thanks" {
			t.Fatalf("%+v, %+v, %v", d, attempt, err)
		}
		if body := r.wait(1)[0].body; !strings.Contains(body, `"data":{"title":"Example"}`) {
			t.Errorf("body %s", body)
		}
		if _, _, err := e.Test(w.ctx, tenant, hook.ID, "task.closed", []byte(`{"mine":1}`)); err != nil {
			t.Fatal(err)
		}
		if body := r.wait(2)[1].body; !strings.Contains(body, `"type":"task.closed"`) || !strings.Contains(body, `{"mine":1}`) {
			t.Errorf("body %s", body)
		}
		if _, _, err := e.Test(w.ctx, "other", hook.ID, "", nil); peal.CodeOf(err) != peal.NotFound {
			t.Errorf("another tenant's test gave %v", err)
		}
		if _, _, err := e.Test(w.ctx, tenant, hook.ID, "no good", nil); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("a bad type gave %v", err)
		}
	})
}

func TestPublishRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.MaxData = 16 })
		defer stop()
		good := event(1)
		for _, test := range []struct {
			name   string
			tenant string
			events []peal.Event
			code   peal.ErrorCode
			field  string
		}{
			{"bad tenant", "no spaces", []peal.Event{good}, peal.Invalid, "tenant"},
			{"reserved tenant", "peal", []peal.Event{good}, peal.Forbidden, ""},
			{"no events", tenant, nil, peal.Invalid, "events"},
			{"no type", tenant, []peal.Event{{Data: good.Data}}, peal.Invalid, "type"},
			{"no data", tenant, []peal.Event{{Type: "a"}}, peal.Invalid, "data"},
			{"bad data", tenant, []peal.Event{{Type: "a", Data: []byte(`{`)}}, peal.Invalid, "data"},
			{"too large", tenant, []peal.Event{{Type: "a", Data: []byte(`"123456789012345"`)}}, peal.TooLarge, "data"},
			{"one of several", tenant, []peal.Event{good, {Type: "a"}}, peal.Invalid, "events[1].data"},
			{"too many", tenant, make([]peal.Event, peal.MaxBatch+1), peal.Invalid, "events"},
		} {
			_, err := e.Publish(w.ctx, test.tenant, test.events...)
			var field string
			if e, ok := err.(*peal.Error); ok {
				field = e.Field
			}
			if peal.CodeOf(err) != test.code || field != test.field {
				t.Errorf("%s: got %v (%s, %q)", test.name, err, peal.CodeOf(err), field)
			}
		}
		if _, err := e.Publish(w.ctx, tenant, peal.Event{Type: "a", Data: []byte(`"12345678901234"`)}); err != nil {
			t.Errorf("data of exactly the limit was refused: %v", err)
		}
		if events, _ := w.store.Events(w.ctx, peal.EventQuery{Tenant: tenant, Limit: 10}); len(events) != 1 {
			t.Errorf("%d events in the store", len(events))
		}
	})
}

// A tenant's policy applies to its webhooks without their own, as soon as it is set.
func TestPolicyOfTheTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		if err := w.store.CreateTenant(w.ctx, peal.Tenant{Name: tenant}); err != nil {
			t.Fatal(err)
		}
		r := w.receive("down", answer(500))
		hook := w.webhook(e, r.url(), nil)
		policy := peal.RetryPolicy{Delays: []time.Duration{time.Minute}}
		if err := w.store.UpdateTenant(w.ctx, peal.Tenant{Name: tenant, Revision: 1, RetryPolicy: &policy}); err != nil {
			t.Fatal(err)
		}
		w.publish(e, event(1)) // without a word to the engine
		if d := w.settled(hook.ID, 1)[0]; d.Status != peal.Failed || d.Attempts != 2 {
			t.Errorf("delivery %+v", d)
		}
		requests := r.wait(2)
		between(t, "the retry", requests[0].at, requests[1].at, time.Minute)
		if got := e.Policy(&hook); !got.Equal(policy) {
			t.Errorf("policy %+v", got)
		}
	})
}

func TestDeleteOfAnUnusedWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		hook := w.webhook(e, w.receive("ok", nil).url(), nil)
		if err := w.store.DeleteWebhook(w.ctx, tenant, hook.ID); err != nil {
			t.Fatal(err)
		}
		if err := e.Refresh(w.ctx); err != nil {
			t.Fatal(err)
		}
		if p := w.publish(e, event(1)); len(p[0].Webhooks) != 0 {
			t.Errorf("a deleted webhook matched: %+v", p[0])
		}
	})
}

func TestSchemasAreCheckedWhenTheOperatorWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, check := range []bool{true, false} {
			w := newWorld(t)
			e, stop := w.engine(func(o *dispatch.Options) { o.CheckSchemas = check })
			if _, err := w.store.PutEventType(w.ctx, peal.EventType{
				Name: "task.created", Schema: []byte(`{"type":"object","required":["title"]}`),
			}); err != nil {
				t.Fatal(err)
			}
			_, err := e.Publish(w.ctx, tenant, event(1))
			if check && peal.CodeOf(err) != peal.Invalid || !check && err != nil {
				t.Errorf("checking %v: data against its schema gave %v", check, err)
			}
			if _, err := e.Publish(w.ctx, tenant, peal.Event{Type: "task.created", Data: []byte(`{"title":"a"}`)}); err != nil {
				t.Errorf("checking %v: good data was refused: %v", check, err)
			}
			stop()
		}
	})
}

// TestCatalogueOfTheTenant describes one type in two catalogues: tests, previews and the
// checks of a publish use that of the webhook's tenant, from the next change of it on.
func TestCatalogueOfTheTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.CheckSchemas = true })
		defer stop()
		r := w.receive("ok", func(http.ResponseWriter, *http.Request, int) {})
		if err := w.store.CreateTenant(w.ctx, peal.Tenant{Name: "crm", Catalogue: "crm"}); err != nil {
			t.Fatal(err)
		}
		for catalogue, entry := range map[string]peal.EventType{
			"default": {Name: "task.created", Example: []byte(`{"id":1}`), Schema: []byte(`{"required":["id"]}`)},
			"crm":     {Name: "task.created", Example: []byte(`{"number":1}`), Schema: []byte(`{"required":["number"]}`)},
		} {
			entry.Catalogue = catalogue
			if _, err := w.store.PutEventType(w.ctx, entry); err != nil {
				t.Fatal(err)
			}
		}
		check := func(name, example string) {
			t.Helper()
			hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Tenant = name })
			sent := r.count()
			if _, _, err := e.Test(w.ctx, name, hook.ID, "", nil); err != nil {
				t.Fatal(err)
			}
			if body := r.wait(sent + 1)[sent].body; !strings.Contains(body, `"data":`+example) {
				t.Errorf("the test of %s sends %s", name, body)
			}
			previews, err := e.Preview(w.ctx, &hook, dispatch.PreviewChoice{Type: "task.created"})
			if err != nil || string(previews[0].Event.Data) != example {
				t.Errorf("the preview of %s shows %v, %v", name, previews, err)
			}
			if err := w.store.DeleteWebhook(w.ctx, name, hook.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Publish(w.ctx, name, peal.Event{Type: "task.created", Data: []byte(example)}); err != nil {
				t.Errorf("%s cannot publish its own example: %v", name, err)
			}
			if _, err := e.Publish(w.ctx, name, peal.Event{Type: "task.created", Data: []byte(`{}`)}); peal.CodeOf(err) != peal.Invalid {
				t.Errorf("%s publishes data against its schema: %v", name, err)
			}
		}
		check(tenant, `{"id":1}`)
		check("crm", `{"number":1}`)
		if err := w.store.UpdateTenant(w.ctx, peal.Tenant{Name: "crm", Revision: 1}); err != nil {
			t.Fatal(err)
		}
		if err := e.Refresh(w.ctx); err != nil {
			t.Fatal(err)
		}
		check("crm", `{"id":1}`)
	})
}
