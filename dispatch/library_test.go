package dispatch_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// A published event does not change when its publisher modifies its own memory afterwards; and that
// memory is never written to.
func TestPublishOwnsItsBytes(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("endpoint", nil)
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.Status = peal.Paused })
		hooks, err := w.store.Webhooks(w.ctx, tenant, peal.WebhookID{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 3} {
			buffers := make([][]byte, size)
			events := make([]peal.Event, size)
			for i := range events {
				buffers[i] = fmt.Appendf(nil, `{"n":%d}`, i)
				parsed, err := peal.ParseEvent(fmt.Appendf(nil, `{"type":"task.created","data":%s}`, buffers[i]))
				if err != nil {
					t.Fatal(err)
				}
				events[i] = parsed
				buffers[i] = parsed.Data
			}
			before := append([]peal.Event(nil), events...)
			if _, err := e.Publish(w.ctx, tenant, events...); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(events, before) {
				t.Errorf("the events have become %+v", events)
			}
			for _, buffer := range buffers {
				copy(buffer, `{"n":9}`)
			}
			if len(buffers[0]) > 0 {
				buffers[0][0] = '!' // not JSON any more, in the memory that was checked
			}
			if _, err := e.Publish(w.ctx, tenant, events...); peal.CodeOf(err) != peal.Invalid {
				t.Errorf("what is no JSON any more is taken: %v", err)
			}
		}
		w.update(e, hooks[0].ID, func(h *peal.Webhook) { h.Status = peal.Active })
		seen := map[string]int{}
		for _, one := range r.wait(4) {
			seen[one.body[len(one.body)-len(`{"n":0}}`):]]++
		}
		if want := map[string]int{`{"n":0}}`: 2, `{"n":1}}`: 1, `{"n":2}}`: 1}; !reflect.DeepEqual(seen, want) {
			t.Errorf("delivered are %v", seen)
		}
	})
}

// A webhook needs no more than where to and what for; a store takes nothing that cannot
// be sent to.
func TestWebhookOfALibrary(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("endpoint", nil)
		hook, err := e.CreateWebhook(w.ctx, peal.Webhook{Tenant: tenant, URL: r.url(), Events: []string{"*"}})
		if err != nil {
			t.Fatal(err)
		}
		if hook.ID.IsZero() || hook.Format != peal.DefaultFormat || len(hook.Secrets) != 1 || hook.Timeout != peal.DefaultTimeout || hook.Status != peal.Active || hook.UpdatedAt.Before(hook.CreatedAt()) {
			t.Errorf("it is %+v", hook)
		}
		w.publish(e, event(1)) // without a Refresh
		r.wait(1)
		if hook, err = e.ChangeWebhook(w.ctx, tenant, hook.ID, func(h *peal.Webhook) error { h.Status = peal.Paused; return nil }); err != nil {
			t.Fatal(err)
		}
		stale := hook
		hook.Description = "changed"
		if hook, err = e.UpdateWebhook(w.ctx, hook); err != nil {
			t.Fatal(err)
		}
		if _, err := e.UpdateWebhook(w.ctx, stale); peal.CodeOf(err) != peal.Conflict {
			t.Errorf("an older revision: %v", err)
		}
		if err := e.DeleteWebhook(w.ctx, tenant, hook.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := e.UpdateWebhook(w.ctx, hook); peal.CodeOf(err) != peal.NotFound {
			t.Errorf("a deleted one: %v", err)
		}
		_, err = e.CreateWebhook(w.ctx, peal.Webhook{Tenant: tenant, URL: "nonsense", Format: "none", Timeout: 1})
		var fields []string
		for _, one := range peal.FaultsOf(err) {
			fields = append(fields, one.Field)
		}
		if want := []string{"url", "events", "timeout_ms", "format"}; !reflect.DeepEqual(fields, want) {
			t.Errorf("the faults are of %q, want %q", fields, want)
		}
	})
}

// The zero value of an option is its default.
func TestZeroOptions(t *testing.T) {
	if err := (dispatch.Options{}).Validate(); err != nil {
		t.Error(err)
	}
	w := newWorld(t)
	e, err := dispatch.New(w.store, dispatch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Policy(&peal.Webhook{Tenant: "x"}), peal.DefaultRetryPolicy(); !got.Equal(want) {
		t.Errorf("the policy is %+v", got)
	}
	hook := peal.Webhook{Tenant: tenant, URL: "https://192.0.2.1:22/", Events: []string{"*"}}
	if _, err := e.CreateWebhook(t.Context(), hook); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("every port may be reached: %v", err)
	}
	for field, change := range map[string]func(*dispatch.Options){
		"MaxData": func(o *dispatch.Options) { o.MaxData = -1 }, "Memory": func(o *dispatch.Options) { o.Memory = -1 },
		"HoldRetry": func(o *dispatch.Options) { o.HoldRetry = -1 }, "Lease": func(o *dispatch.Options) { o.Lease = 1 }, "Origin": func(o *dispatch.Options) { o.Origin = "a b" },
	} {
		o := dispatch.DefaultOptions()
		change(&o)
		if faults := peal.FaultsOf(o.Validate()); len(faults) != 1 || faults[0].Field != field {
			t.Errorf("%s is refused as %v", field, faults)
		}
	}
}
