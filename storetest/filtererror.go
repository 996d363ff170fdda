package storetest

import (
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

var filterErrorTests = map[string]func(*testing.T, *harness){
	"they stay with their event, in order": func(t *testing.T, h *harness) {
		first, second := h.webhook(), h.webhook()
		want := []peal.FilterError{
			{WebhookID: second.ID, Message: `fails on this event: "<&>" é 大 \u2028` + "\u2028"},
			{WebhookID: first.ID, Message: strings.Repeat("é", peal.MaxFilterErrorBytes/2)},
		}
		troubled, plain, delivered := h.newEvent(), h.newEvent(), h.named("own")
		deliveries := deliveriesTo(true, first)
		h.insert(
			peal.Insertion{Event: plain},
			peal.Insertion{Event: troubled, FilterErrors: want},
			peal.Insertion{Event: delivered, IDGiven: true, Deliveries: deliveries, FilterErrors: want[:1]},
		)
		h.equal(h.filterErrors(h.tenant, troubled.Key), want, "the errors")
		h.equal(h.filterErrors(h.tenant, delivered.Key), want[:1], "the errors of an event that goes to another webhook")
		h.equal(h.filterErrors(h.tenant, plain.Key), []peal.FilterError(nil), "the errors of another event of the batch")
		for _, event := range []*peal.Event{troubled, plain, delivered} {
			got, err := h.store.Event(h.ctx, h.tenant, event.ID)
			h.must(err)
			h.equal(got, *event, "the event")
		}
		h.equal(h.delivery(deliveries[0].ID).EventID, "own", "the event of the delivery")
	},
	"as many as there may be": func(t *testing.T, h *harness) {
		var want []peal.FilterError
		for range peal.MaxFilterErrors {
			want = append(want, peal.FilterError{WebhookID: h.webhook().ID,
				Message: strings.Repeat("x", peal.MaxFilterErrorBytes)})
		}
		event := h.newEvent()
		h.insert(peal.Insertion{Event: event, FilterErrors: want})
		h.equal(h.filterErrors(h.tenant, event.Key), want, "the errors")
	},
	"a repeat leaves those of the first": func(t *testing.T, h *harness) {
		hook := h.webhook()
		want := []peal.FilterError{{WebhookID: hook.ID, Message: "first"}}
		first := h.named("repeated")
		h.insert(peal.Insertion{Event: first, IDGiven: true, FilterErrors: want})
		repeat := *first
		repeat.Key = peal.NewEventKey()
		again := h.insert(peal.Insertion{Event: &repeat, IDGiven: true,
			FilterErrors: []peal.FilterError{{WebhookID: hook.ID, Message: "second"}}})
		h.equal(again[0].Duplicate, true, "duplicate")
		h.equal(h.filterErrors(h.tenant, first.Key), want, "the errors")
		h.equal(h.filterErrors(h.tenant, repeat.Key), []peal.FilterError(nil), "the errors of the repeat, which was not kept")
	},
	"they outlive their webhook": func(t *testing.T, h *harness) {
		hook, event := h.webhook(), h.newEvent()
		want := []peal.FilterError{{WebhookID: hook.ID, Message: "no"}}
		h.insert(peal.Insertion{Event: event, FilterErrors: want})
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, hook.ID))
		h.equal(h.filterErrors(h.tenant, event.Key), want, "the errors")
	},
	"an unknown event or a stranger's has none": func(t *testing.T, h *harness) {
		event := h.newEvent()
		h.insert(peal.Insertion{Event: event, FilterErrors: []peal.FilterError{{WebhookID: h.webhook().ID, Message: "no"}}})
		h.equal(len(h.filterErrors(h.tenant+"-stranger", event.Key)), 0, "a stranger's errors")
		h.equal(len(h.filterErrors(h.tenant, peal.NewEventKey())), 0, "an unknown event's errors")
	},
	"they are there after a restart": func(t *testing.T, h *harness) {
		place := t.TempDir()
		h.store = h.open(t, place)
		event := h.newEvent()
		want := []peal.FilterError{{WebhookID: h.webhook().ID, Message: "no"}}
		h.insert(peal.Insertion{Event: event, FilterErrors: want})
		h.must(h.store.Close())
		h.store = h.open(t, place)
		h.equal(h.filterErrors(h.tenant, event.Key), want, "the errors")
		h.must(h.store.Close())
	},
}

func (h *harness) filterErrors(tenant string, key peal.EventKey) []peal.FilterError {
	h.t.Helper()
	list, err := h.store.FilterErrors(h.ctx, tenant, key)
	h.must(err)
	return list
}
