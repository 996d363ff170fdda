package dispatch_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// operations returns Peal's own events about a webhook, in order.
func operations(t *testing.T, r *receiver, about peal.WebhookID) (types []string) {
	t.Helper()
	for _, request := range r.wait(0) {
		var body struct {
			Type string
			Data struct {
				Webhook     struct{ ID, Tenant, URL string }
				Reason      string
				Delivery    *struct{ ID string }
				LastAttempt *struct{ Error string } `json:"last_attempt"`
			}
		}
		if err := json.Unmarshal([]byte(request.body), &body); err != nil {
			t.Fatal(err)
		}
		d := body.Data
		if d.Webhook.ID != about.String() || d.Webhook.Tenant != tenant || d.Webhook.URL == "" {
			t.Errorf("%s is about %+v", body.Type, d.Webhook)
		}
		if body.Type == dispatch.EventDeliveryExhausted && (d.Delivery == nil || d.LastAttempt == nil) {
			t.Errorf("%s lacks the delivery or the attempt: %s", body.Type, request.body)
		}
		types = append(types, body.Type)
	}
	return types
}

func TestOperationalEvents(t *testing.T) {
	for _, test := range []struct {
		name      string
		exhausted int // disables after so many
		failures  int // deliveries that fail before the endpoint is well again
		want      []string
	}{
		{"warned, then well again", 6, 3, []string{
			"peal.delivery.exhausted", "peal.delivery.exhausted", "peal.delivery.exhausted", "peal.webhook.failing", "peal.webhook.recovered",
		}},
		{"a short trouble", 6, 2, []string{"peal.delivery.exhausted", "peal.delivery.exhausted"}},
		{"disabled", 2, 2, []string{
			"peal.delivery.exhausted", "peal.webhook.failing", "peal.delivery.exhausted", "peal.webhook.disabled",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				e, stop := w.engine(nil)
				defer stop()
				r := w.receive("flaky", func(rw http.ResponseWriter, _ *http.Request, n int) {
					if n <= test.failures {
						rw.WriteHeader(500)
					}
				})
				ops := w.receive("ops", nil)
				hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
					h.RetryPolicy = &peal.RetryPolicy{DisableAfterExhausted: test.exhausted}
				})
				w.webhook(e, ops.url(), func(h *peal.Webhook) { h.Tenant, h.Events = peal.OperationsTenant, []string{"peal.*"} })
				for i := range test.failures + 1 {
					w.publish(e, event(i))
					time.Sleep(time.Minute)
				}
				got := operations(t, ops, hook.ID)
				slices.Sort(got)
				slices.Sort(test.want)
				if !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// What goes wrong with the operators' own webhooks raises nothing.
func TestOperationalEventsDoNotFeedOnThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("down", answer(500))
		ops := w.receive("ops-down", answer(500))
		none := &peal.RetryPolicy{}
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.RetryPolicy = none })
		w.webhook(e, ops.url(), func(h *peal.Webhook) {
			h.Tenant, h.Events, h.RetryPolicy = peal.OperationsTenant, []string{"*"}, none
		})
		w.publish(e, event(1))
		time.Sleep(time.Hour)
		if n := ops.count(); n != 1 {
			t.Errorf("%d operational events about one failed delivery", n)
		}
	})
}

// An embedded engine's early warning by time, for a policy that never disables.
func TestFailingForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("down", answer(500))
		ops := w.receive("ops", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{20 * time.Hour, 20 * time.Hour, 20 * time.Hour}}
		})
		w.webhook(e, ops.url(), func(h *peal.Webhook) { h.Tenant, h.Events = peal.OperationsTenant, []string{"peal.webhook.*"} })
		w.publish(e, event(1))
		time.Sleep(100 * time.Hour)
		if got := operations(t, ops, hook.ID); !slices.Equal(got, []string{dispatch.EventWebhookFailing}) {
			t.Errorf("got %q", got)
		}
	})
}
