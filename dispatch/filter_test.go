package dispatch_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
)

// A filter that fails counts as no match; its webhook and what it said stay with
// the event, and the other webhooks get it.
func TestFilterErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("all", nil)
		failing := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter = `data.n > 3` })
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter = `data.n == 3` })
		also := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter = `data.n.m == 1` })
		plain := w.webhook(e, r.url(), nil)
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter, h.Events = `data.n > 3`, []string{"other"} })
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter, h.Status = `data.n > 3`, peal.Disabled })

		published := w.publish(e,
			peal.Event{Type: "task.created", Data: []byte(`{"n":"three"}`)},
			peal.Event{Type: "task.created", Data: []byte(`{"n":4}`)},
			peal.Event{Type: "task.created", Data: []byte(`{"n":{"m":2}}`)},
		)
		for i, want := range []struct{ goes, fails []peal.WebhookID }{
			{[]peal.WebhookID{plain.ID}, []peal.WebhookID{failing.ID, also.ID}},
			{[]peal.WebhookID{failing.ID, plain.ID}, []peal.WebhookID{also.ID}},
			{[]peal.WebhookID{plain.ID}, []peal.WebhookID{failing.ID}},
		} {
			if !slices.Equal(published[i].Webhooks, want.goes) {
				t.Errorf("event %d goes to %v, want %v", i, published[i].Webhooks, want.goes)
			}
			var fails []peal.WebhookID
			for _, failure := range w.filterErrors(published[i].Event) {
				fails = append(fails, failure.WebhookID)
				if !strings.HasPrefix(failure.Message, "fails on this event: ") {
					t.Errorf("event %d: the error is %q", i, failure.Message)
				}
			}
			if !slices.Equal(fails, want.fails) {
				t.Errorf("event %d: the filters of %v failed, want those of %v", i, fails, want.fails)
			}
		}
		r.wait(4)
		time.Sleep(time.Second)
		problems, err := w.store.Problems(w.ctx, peal.ProblemQuery{Tenant: tenant, WebhookID: failing.ID, Limit: 10})
		if err != nil || len(problems) != 1 || problems[0].Reason != peal.ReasonFilter || !strings.HasPrefix(problems[0].Error, "fails on this event: ") {
			t.Errorf("the problems of its webhook are %+v, %v", problems, err)
		}
		if problems, err := w.store.Problems(w.ctx, peal.ProblemQuery{Tenant: tenant, WebhookID: plain.ID, Limit: 10}); err != nil || len(problems) != 0 {
			t.Errorf("the problems of another webhook are %+v, %v", problems, err)
		}
	})
}

// However many filters fail, an event keeps a bounded list of them.
func TestFilterErrorsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		var first []peal.WebhookID
		for i := range peal.MaxFilterErrors + 5 {
			hook := w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter = `data.n > 3` })
			if i < peal.MaxFilterErrors {
				first = append(first, hook.ID)
			}
		}
		published := w.publish(e, peal.Event{Type: "task.created", Data: []byte(`{"n":"` + strings.Repeat("x", 5000) + `"}`)})
		var kept []peal.WebhookID
		for _, failure := range w.filterErrors(published[0].Event) {
			kept = append(kept, failure.WebhookID)
		}
		if !slices.Equal(kept, first) {
			t.Errorf("the errors of %d webhooks are kept, want those of the first %d", len(kept), len(first))
		}
	})
}

func (w *world) filterErrors(event *peal.Event) []peal.FilterError {
	w.t.Helper()
	failures, err := w.store.FilterErrors(w.ctx, tenant, event.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	return failures
}
