package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// index turns search on and puts all there is into the index.
func (h *harness) index() {
	h.t.Helper()
	h.must(h.store.SetSearch(h.ctx, true))
	for range 10_000 {
		done, err := h.store.Index(h.ctx)
		h.must(err)
		if !done.More {
			return
		}
	}
	h.t.Fatal("indexing does not come to its end")
}

// happens inserts an event of a type with data for webhooks, and returns its deliveries.
func (h *harness) happens(eventType, data string, webhooks ...peal.Webhook) (*peal.Event, []peal.DeliveryID) {
	h.t.Helper()
	e := h.newEvent()
	e.Type, e.Data = eventType, json.RawMessage(data)
	d := deliveriesTo(true, webhooks...)
	h.insert(peal.Insertion{Event: e, Deliveries: d})
	var ids []peal.DeliveryID
	for i := range d {
		ids = append(ids, d[i].ID)
	}
	return e, ids
}

// answer settles a delivery with the body of a response.
func (h *harness) answer(id peal.DeliveryID, status peal.DeliveryStatus, body string) {
	h.t.Helper()
	s := settlement(h.delivery(id), status)
	s.Attempt.ResponseBody = []byte(body)
	h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
}

// found returns the deliveries that a search finds, page by page.
func (h *harness) found(query peal.DeliverySearch) (ids []peal.DeliveryID) {
	h.t.Helper()
	query.Tenant = h.tenant
	if query.Limit == 0 {
		query.Limit = 100
	}
	for range 1000 {
		page, err := h.store.FindDeliveries(h.ctx, query)
		h.must(err)
		if len(page.Deliveries) > query.Limit {
			h.t.Errorf("%d deliveries, the limit is %d", len(page.Deliveries), query.Limit)
		}
		for i := range page.Deliveries {
			h.equal(page.Deliveries[i], h.delivery(page.Deliveries[i].ID), "a delivery")
		}
		ids = append(ids, deliveryIDs(page.Deliveries)...)
		if page.Next == (peal.SearchPosition{}) {
			return ids
		}
		if page.Next == query.Before {
			h.t.Fatal("a search does not advance")
		}
		query.Before = page.Next
	}
	h.t.Fatal("a search does not come to its end")
	return nil
}

// foundEvents returns the keys of the events that a search finds.
func (h *harness) foundEvents(query peal.EventSearch) (keys []peal.EventKey) {
	h.t.Helper()
	query.Tenant, query.Limit = h.tenant, 2
	for range 1000 {
		page, err := h.store.FindEvents(h.ctx, query)
		h.must(err)
		for i := range page.Events {
			got, err := h.store.Event(h.ctx, h.tenant, page.Events[i].Key.String())
			h.must(err)
			h.equal(page.Events[i], got, "an event")
			keys = append(keys, got.Key)
		}
		if page.Next.IsZero() {
			return keys
		}
		query.Before = page.Next
	}
	h.t.Fatal("a search does not come to its end")
	return nil
}

// none is a search that finds nothing.
var none []peal.DeliveryID

var searchTests = map[string]func(*testing.T, *harness){
	"words of the event and of what was answered are found": func(t *testing.T, h *harness) {
		w := h.webhook()
		first, one := h.happens("order.created", `{"buyer": "ada@example.com", "orderId": 4711, "city": "Z\u00fcrich"}`, w)
		second, two := h.happens("order.paid", `{"buyer": "grace@example.com", "orderId": 4712, "city": "東京都"}`, w)
		named := h.named("publisher's-id_77")
		named.Subject = "invoice/2026-00017"
		d := deliveriesTo(false, w)
		h.insert(peal.Insertion{Event: named, IDGiven: true, Deliveries: d})
		h.answer(one[0], peal.Failed, "<h1>502 Bad Gateway</h1>")
		h.answer(two[0], peal.Pending, `{"error": "quota \u201cexceeded\u201d"}`)
		h.answer(two[0], peal.Success, `{"ok": true}`)
		h.index()
		for text, want := range map[string][]peal.DeliveryID{
			"example.com":              {two[0], one[0]},
			"EXAMPLE com":              {two[0], one[0]},
			"ada@example.com":          one,
			"buyer:grace*":             two,
			"orderId 4711":             one,
			"471*":                     {two[0], one[0]},
			"zurich":                   one,
			"京都":                       two,
			`"bad gateway"`:            one,
			`"gateway bad"`:            nil,
			"bad 4711":                 one, // one word in the event, the other in the answer
			"bad 4712":                 nil,
			"quota":                    two, // answered to an earlier attempt
			`"quota exceeded"`:         two,
			"true":                     two,
			"order.paid":               two,
			"publisher's-id_77":        {d[0].ID},
			"invoice/2026-00017":       {d[0].ID},
			first.Key.String():         one,
			two[0].String():            two,
			"x-one":                    nil, // a header
			"192.0.2.1":                nil, // an address
			"nothing of this is there": nil,
		} {
			h.equal(h.found(peal.DeliverySearch{Text: text}), want, "deliveries with "+text)
		}
		for text, want := range map[string][]peal.EventKey{
			"example.com":  {second.Key, first.Key},
			"4711":         {first.Key},
			"gateway":      nil, // no part of the event
			"invoice 2026": {named.Key},
		} {
			h.equal(h.foundEvents(peal.EventSearch{Text: text}), want, "events with "+text)
		}
	},
	"a type, a webhook, a status and times narrow it": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		one, d1 := h.happens("a.one", `"word"`, a, b)
		two, d2 := h.happens("a.two", `"word"`, a)
		_, d3 := h.happens("a.two", `"other"`, a)
		h.answer(d1[0], peal.Failed, "no")
		h.answer(d1[1], peal.Success, "yes")
		h.answer(d2[0], peal.Failed, "no")
		h.answer(d3[0], peal.Failed, "no")
		h.index()
		for name, test := range map[string]struct {
			query peal.DeliverySearch
			want  []peal.DeliveryID
		}{
			"only words":           {peal.DeliverySearch{Text: "word"}, []peal.DeliveryID{d2[0], d1[1], d1[0]}},
			"only a type":          {peal.DeliverySearch{EventType: "a.two"}, []peal.DeliveryID{d3[0], d2[0]}},
			"a type and a webhook": {peal.DeliverySearch{EventType: "a.one", WebhookID: b.ID}, []peal.DeliveryID{d1[1]}},
			"a type and a status": {peal.DeliverySearch{EventType: "a.one", Status: peal.Failed},
				[]peal.DeliveryID{d1[0]}},
			"a type and times": {peal.DeliverySearch{EventType: "a.two",
				Until: two.AcceptedAt().Add(time.Microsecond)}, []peal.DeliveryID{d2[0]}},
			"words and a type":    {peal.DeliverySearch{Text: "word", EventType: "a.two"}, []peal.DeliveryID{d2[0]}},
			"words and a webhook": {peal.DeliverySearch{Text: "word", WebhookID: b.ID}, []peal.DeliveryID{d1[1]}},
			"words and a status": {peal.DeliverySearch{Text: "word", Status: peal.Failed},
				[]peal.DeliveryID{d2[0], d1[0]}},
			"words and what is pending": {peal.DeliverySearch{Text: "word", Status: peal.Pending}, nil},
			"words answered to another": {peal.DeliverySearch{Text: "word yes"}, []peal.DeliveryID{d1[1]}},
			"words until": {peal.DeliverySearch{Text: "word", Until: two.AcceptedAt()},
				[]peal.DeliveryID{d1[1], d1[0]}},
			"words since": {peal.DeliverySearch{Text: "word", Since: one.AcceptedAt().Add(time.Microsecond)},
				[]peal.DeliveryID{d2[0]}},
			"an unknown type":    {peal.DeliverySearch{Text: "word", EventType: "a.three"}, nil},
			"an unknown webhook": {peal.DeliverySearch{EventType: "a.one", WebhookID: peal.NewWebhookID()}, nil},
			"an unknown status":  {peal.DeliverySearch{EventType: "a.one", Status: "lost"}, nil},
		} {
			h.equal(h.found(test.query), test.want, name)
		}
		h.equal(h.foundEvents(peal.EventSearch{Type: "a.one"}), []peal.EventKey{one.Key}, "events of a type")
		h.equal(h.foundEvents(peal.EventSearch{Text: "word", Type: "a.two"}), []peal.EventKey{two.Key},
			"events with a word of a type")
		h.equal(h.foundEvents(peal.EventSearch{Text: "word", Until: two.AcceptedAt()}), []peal.EventKey{one.Key},
			"events with a word until")
	},
	"what changes is found as it is now": func(t *testing.T, h *harness) {
		w := h.webhook()
		_, ids := h.happens("t", `"word"`, w)
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word", Status: peal.Pending}), ids, "pending")
		h.answer(ids[0], peal.Failed, "sorry")
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), ids, "before the index has it")
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "sorry", Status: peal.Failed}), ids, "failed")
		_, err := h.store.Reopen(h.ctx, h.node, h.tenant, ids[0], moment())
		h.must(err)
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "sorry", Status: peal.Failed}), none, "failed, when it is pending again")
		h.equal(h.found(peal.DeliverySearch{Text: "sorry", Status: peal.Pending}), ids, "pending again")
		h.must(h.store.Cancel(h.ctx, h.tenant, ids[0], moment()))
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "sorry", Status: peal.Canceled}), ids, "canceled")
	},
	"a later delivery of an event is listed with the event": func(t *testing.T, h *harness) {
		w := h.webhook()
		old, _ := h.happens("t", `"word"`)
		_, ids := h.happens("t", `"word"`, w)
		h.index()
		replay := peal.Replay{ID: peal.NewJobID(), Tenant: h.tenant, WebhookID: w.ID, Since: old.AcceptedAt().Add(-time.Minute), Until: moment().Add(time.Minute), Missed: true, Status: peal.ReplayRunning}
		h.must(h.store.CreateReplay(h.ctx, replay))
		late := peal.NewDeliveryID()
		_, err := h.store.ReplayMissed(h.ctx, replay.ID, peal.MissedEvents{Events: []peal.Event{*old}, Through: old.Key},
			[]peal.MissedDelivery{{ID: late, EventKey: old.Key}})
		h.must(err)
		want := []peal.DeliveryID{ids[0], late}
		h.equal(h.found(peal.DeliverySearch{EventType: "t"}), want, "of a type")
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), want, "with a word")
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word", WebhookID: w.ID}), want, "with a word, of the webhook")
	},
	"tenants see what is theirs": func(t *testing.T, h *harness) {
		mine, theirs := h.with(t), h.with(t)
		_, ids := mine.happens("t", `"secret"`, mine.webhook())
		theirs.happens("t", `"other"`, theirs.webhook())
		mine.index()
		h.equal(mine.found(peal.DeliverySearch{Text: "secret"}), ids, "mine")
		h.equal(theirs.found(peal.DeliverySearch{Text: "secret"}), none, "theirs")
		h.equal(theirs.found(peal.DeliverySearch{Text: ids[0].String()}), none, "theirs, by its id")
		h.equal(len(theirs.found(peal.DeliverySearch{EventType: "t"})), 1, "theirs, by the type")
		h.equal(len(theirs.foundEvents(peal.EventSearch{Text: "secret"})), 0, "events of theirs")
		nobody := h.with(t)
		h.equal(nobody.found(peal.DeliverySearch{Text: "secret"}), none, "of a tenant that is not there")
	},
	"what is gone is not found": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		_, ids := h.happens("t", `"word"`, w)
		h.answer(ids[0], peal.Success, "fine")
		h.index()
		h.purge(peal.PurgeParams{Attempts: moment().Add(time.Hour)})
		h.equal(h.found(peal.DeliverySearch{Text: "fine"}), none, "an answer that is gone")
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), ids, "its event")
		h.purgeBefore(moment().Add(time.Hour))
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), none, "an event that is gone")
		h.index()
		_, ids = h.happens("t", `"word"`, w)
		h.index()
		h.equal(h.found(peal.DeliverySearch{Text: "word"}), ids, "a later one")
	},
	"what is wrong with the words is said": func(t *testing.T, h *harness) {
		h.index()
		for _, text := range []string{"-", `"a`, "a*", "a*b"} {
			_, err := h.store.FindDeliveries(h.ctx, peal.DeliverySearch{Tenant: h.tenant, Text: text, Limit: 1})
			h.refusedField(err, "text")
			_, err = h.store.FindEvents(h.ctx, peal.EventSearch{Tenant: h.tenant, Text: text, Limit: 1})
			h.refusedField(err, "text")
		}
	},
}

// refusedField fails the test unless err is Invalid for a field.
func (h *harness) refusedField(err error, field string) {
	h.t.Helper()
	h.refused(err, peal.Invalid)
	if known, ok := err.(*peal.Error); ok && known.Field != field {
		h.t.Errorf("%v is about the field %q, want %q", err, known.Field, field)
	}
}
