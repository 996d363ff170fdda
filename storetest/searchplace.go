package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pealhq/peal"
)

var searchPlaceTests = map[string]func(*testing.T, *harness){
	"pages of any length give everything once": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		var all []peal.DeliveryID
		var keys []peal.EventKey
		for i := range 13 {
			e, ids := h.happens("t", fmt.Sprintf(`{"n": %d, "s": "word"}`, i), [][]peal.Webhook{{a}, {a, b}, nil}[i%3]...)
			all, keys = append(all, ids...), append(keys, e.Key)
		}
		h.happens("other", `"another"`, a)
		slices.Reverse(all)
		slices.Reverse(keys)
		h.index()
		for limit := 1; limit <= len(all)+1; limit++ {
			for name, query := range map[string]peal.DeliverySearch{"a word": {Text: "word"}, "a type": {EventType: "t"}} {
				query.Limit = limit
				h.equal(h.found(query), all, fmt.Sprintf("%s, %d at a time", name, limit))
			}
		}
		h.equal(h.foundEvents(peal.EventSearch{Text: "word"}), keys, "events with a word")
		h.equal(h.foundEvents(peal.EventSearch{Type: "t"}), keys, "events of a type")
	},
	"a page reports that there is nothing more": func(t *testing.T, h *harness) {
		w := h.webhook()
		for range 4 {
			h.happens("t", `"word"`, w)
		}
		h.index()
		for limit, more := range map[int]bool{3: true, 4: false, 5: false} {
			page, err := h.store.FindDeliveries(h.ctx, peal.DeliverySearch{Tenant: h.tenant, Text: "word", Limit: limit})
			h.must(err)
			h.equal(page.Next != peal.SearchPosition{}, more, fmt.Sprintf("more than %d", limit))
		}
	},
	"one search looks at so many events": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		_, first := h.happens("t", `"word"`, w)
		_, second := h.happens("t", `"word"`, w)
		h.answer(first[0], peal.Failed, "")
		h.answer(second[0], peal.Failed, "")
		var insertions []peal.Insertion
		for range peal.MaxSearchedEvents - 1 {
			e := h.newEvent()
			e.Type, e.Data = "t", []byte(`"word"`)
			insertions = append(insertions, peal.Insertion{Event: e})
		}
		h.insert(insertions...)
		query := peal.DeliverySearch{Tenant: h.tenant, EventType: "t", Limit: 10}
		page, err := h.store.FindDeliveries(h.ctx, query)
		h.must(err)
		h.equal(deliveryIDs(page.Deliveries), second, "the last one that it looks at")
		h.equal(page.Next != peal.SearchPosition{}, true, "there may be more")
		query.Before = page.Next
		page, err = h.store.FindDeliveries(h.ctx, query)
		h.must(err)
		h.equal(deliveryIDs(page.Deliveries), first, "the first one beyond")
		h.equal(page.Next, peal.SearchPosition{}, "there is nothing more")
	},
}

var searchSetTests = map[string]func(*testing.T, *harness){
	"it is off at first": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		_, ids := h.happens("t", `"word"`, w)
		state, err := h.store.SearchState(h.ctx)
		h.must(err)
		h.equal(state, peal.SearchState{}, "state")
		done, err := h.store.Index(h.ctx)
		h.must(err)
		h.equal(done.More || done.Events > 0, false, "something was indexed")
		_, err = h.store.FindDeliveries(h.ctx, peal.DeliverySearch{Tenant: h.tenant, Text: "word", Limit: 1})
		h.refusedField(err, "text")
		_, err = h.store.FindEvents(h.ctx, peal.EventSearch{Tenant: h.tenant, Text: "word", Limit: 1})
		h.refusedField(err, "text")
		h.equal(h.found(peal.DeliverySearch{EventType: "t"}), ids, "a type needs no index")
		h.must(h.store.SetSearch(h.ctx, false))
	},
	"what was there before follows, the newest first": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		var all []peal.DeliveryID
		var insertions []peal.Insertion
		for range 300 {
			e := h.newEvent()
			e.Data = []byte(`"word"`)
			d := deliveriesTo(false, w)
			insertions, all = append(insertions, peal.Insertion{Event: e, Deliveries: d}), append(all, d[0].ID)
		}
		h.insert(insertions...)
		slices.Reverse(all)
		h.must(h.store.SetSearch(h.ctx, true))
		state, err := h.store.SearchState(h.ctx)
		h.must(err)
		h.equal([]bool{state.On, state.Since.IsZero()}, []bool{true, false}, "on, and complete")
		done, err := h.store.Index(h.ctx)
		h.must(err)
		got := h.found(peal.DeliverySearch{Text: "word"})
		if !done.More || done.Events == 0 || len(got) != done.Events || len(got) >= len(all) {
			t.Fatalf("%d found after the first batch, which was %+v", len(got), done)
		}
		h.equal(got, all[:len(got)], "after the first batch")
		state, err = h.store.SearchState(h.ctx)
		h.must(err)
		oldest := h.delivery(got[len(got)-1])
		event, err := h.store.Event(h.ctx, h.tenant, oldest.EventKey.String())
		h.must(err)
		h.equal(state.Since, event.AcceptedAt(), "since")
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), all, "in the end")
		state, err = h.store.SearchState(h.ctx)
		h.must(err)
		h.equal([]bool{state.On, state.Since.IsZero(), state.Bytes > 0}, []bool{true, true, true},
			"on, complete, and of some size")
	},
	"it continues after a restart": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		_, one := h.happens("t", `"word"`, w)
		h.index()
		_, two := h.happens("t", `"word"`, w)
		h.answer(one[0], peal.Success, "late")
		h.must(h.store.Close())
		h.store = h.open(t, h.place)
		h.node = h.register()
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), one, "what it had")
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), []peal.DeliveryID{two[0], one[0]}, "what was noted")
		h.equal(h.found(peal.DeliverySearch{Text: "late"}), one, "what was answered")
		h.must(h.store.Close())
	},
	"turned off and on it is built again": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		_, one := h.happens("t", `"word"`, w)
		h.index()
		h.must(h.store.SetSearch(h.ctx, false))
		_, two := h.happens("t", `"word"`, w)
		h.answer(one[0], peal.Success, "meanwhile")
		_, err := h.store.FindDeliveries(h.ctx, peal.DeliverySearch{Tenant: h.tenant, Text: "word", Limit: 1})
		h.refusedField(err, "text")
		state, err := h.store.SearchState(h.ctx)
		h.must(err)
		h.equal(state, peal.SearchState{}, "state")
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), []peal.DeliveryID{two[0], one[0]}, "with a word")
		h.equal(h.found(peal.DeliverySearch{Text: "meanwhile"}), one, "answered meanwhile")
	},
}
