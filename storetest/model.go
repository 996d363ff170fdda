package storetest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/longtest"
)

var modelTests = map[string]func(*testing.T, *harness){
	"any sequence of calls": func(t *testing.T, h *harness) {
		h = h.own()
		longtest.Cases(t, 25, 1000)
		rapid.Check(t, func(rt *rapid.T) {
			m := newModel(h.with(t), rt)
			steps := []func(*rapid.T){m.insert, m.insert, m.settle, m.settle, m.claim, m.release, m.takeover, m.settleLate,
				m.cancel, m.reopen}
			for range rapid.IntRange(1, 14).Draw(rt, "steps") {
				steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")](rt)
				m.check(rt)
			}
			if _, err := h.store.Takeover(h.ctx, h.register(), 0); err != nil { // leave nothing to the next run
				rt.Fatal(err)
			}
		})
	},
}

// model is the required content of the store: the deliveries of one tenant, each with its holder.
type model struct {
	*harness
	rt         *rapid.T
	webhooks   []peal.Webhook
	nodes      []peal.NodeID // three that are registered, and then those that were
	version    int64
	deliveries []*modelDelivery // the oldest first
}

type modelDelivery struct {
	peal.Delivery
	holder   peal.NodeID // zero for nobody
	attempts []peal.Attempt
}

func newModel(h *harness, rt *rapid.T) *model {
	m := &model{harness: h, rt: rt, nodes: []peal.NodeID{h.register(), h.register(), h.register()}}
	m.webhooks = []peal.Webhook{h.webhook(), h.webhook()}
	m.version = h.version()
	return m
}

func (m *model) ok(err error) {
	if err != nil {
		m.rt.Fatal(err)
	}
}

func (m *model) same(got, want any, what string) {
	m.rt.Helper()
	if diff := diffOf(got, want); diff != "" {
		m.rt.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (m *model) drawNode(t *rapid.T) peal.NodeID {
	return rapid.SampledFrom(m.nodes[:3]).Draw(t, "node")
}

// draw chooses a delivery; nil when there is none to choose from.
func (m *model) draw(t *rapid.T, of func(*modelDelivery) bool) *modelDelivery {
	var from []*modelDelivery
	for _, d := range m.deliveries {
		if of(d) {
			from = append(from, d)
		}
	}
	if len(from) == 0 {
		return nil
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "delivery")]
}

func (m *model) insert(t *rapid.T) {
	node := m.drawNode(t)
	var insertions []peal.Insertion
	for range rapid.IntRange(1, 3).Draw(t, "events") {
		in := peal.Insertion{Event: m.newEvent()}
		for i := range m.webhooks {
			if !rapid.Bool().Draw(t, "matches") {
				continue
			}
			d := peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: m.webhooks[i].ID, Held: rapid.Bool().Draw(t, "held")}
			in.Deliveries = append(in.Deliveries, d)
			made := &modelDelivery{Delivery: peal.Delivery{
				ID: d.ID, Tenant: m.tenant, WebhookID: d.WebhookID, EventKey: in.Event.Key, EventID: in.Event.ID,
				EventType: in.Event.Type,
				Status:    peal.Pending, Due: d.ID.Time(),
			}}
			if d.Held {
				made.holder = node
			}
			m.deliveries = append(m.deliveries, made)
		}
		insertions = append(insertions, in)
	}
	_, err := m.store.Insert(m.ctx, node, m.version, insertions)
	m.ok(err)
}

func (m *model) settle(t *rapid.T) {
	first := m.draw(t, func(d *modelDelivery) bool { return !d.holder.IsZero() || d.Status == peal.Canceled })
	if first == nil {
		return
	}
	node := first.holder
	if node.IsZero() {
		node = m.drawNode(t)
	}
	var settlements []peal.Settlement
	for _, d := range m.deliveries {
		if d != first && (d.holder != node || !rapid.Bool().Draw(t, "too")) {
			continue
		}
		status := rapid.SampledFrom([]peal.DeliveryStatus{peal.Success, peal.Success, peal.Failed, peal.Pending}).Draw(t,
			"status")
		s := settlement(d.Delivery, status)
		s.Held = status == peal.Pending && rapid.Bool().Draw(t, "held")
		if status == peal.Pending {
			s.Due = d.ID.Time().Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "due")) * time.Second)
		}
		settlements = append(settlements, s)
		d.apply(&s)
	}
	m.ok(m.store.Settle(m.ctx, node, settlements))
}

func (d *modelDelivery) apply(s *peal.Settlement) {
	d.attempts = append(d.attempts, s.Attempt)
	d.Attempts++
	d.StatusCode, d.Duration, d.Reason = s.Attempt.StatusCode, s.Attempt.Timing.Total, s.Attempt.Reason
	if d.Status == peal.Canceled {
		return
	}
	d.Status, d.Tries, d.Due, d.SettledAt = s.Status, s.Tries, s.Due, s.SettledAt
	if !s.Held {
		d.holder = peal.NodeID{}
	}
}

func (m *model) claim(t *rapid.T) {
	node, webhook := m.drawNode(t), rapid.SampledFrom(m.webhooks).Draw(t, "webhook")
	now := time.Now().Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "now")) * time.Second)
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	free := m.free(webhook.ID)
	var want []peal.DeliveryID
	for len(free) > 0 && len(want) < limit && !free[0].Due.After(now) {
		want = append(want, free[0].ID)
		free[0].holder = node
		free = free[1:]
	}
	work, next, err := m.store.Claim(m.ctx, node, webhook.ID, now, limit)
	m.ok(err)
	m.same(idsOf(work), want, "claimed")
	var due time.Time
	if len(free) > 0 {
		due = free[0].Due
	}
	m.same(next, due, "next due")
}

// free returns a webhook's deliveries without a holder, in the order of claiming.
func (m *model) free(webhook peal.WebhookID) []*modelDelivery {
	var free []*modelDelivery
	for _, d := range m.deliveries {
		if d.WebhookID == webhook && d.Status == peal.Pending && d.holder.IsZero() {
			free = append(free, d)
		}
	}
	slices.SortStableFunc(free, func(a, b *modelDelivery) int {
		return cmp.Or(a.Due.Compare(b.Due), a.ID.Compare(b.ID))
	})
	return free
}

func (m *model) release(t *rapid.T) {
	node := m.drawNode(t)
	var ids []peal.DeliveryID
	all := rapid.Bool().Draw(t, "all")
	if !all {
		ids = []peal.DeliveryID{}
	}
	for _, d := range m.deliveries {
		if all || rapid.Bool().Draw(t, "too") {
			if !all {
				ids = append(ids, d.ID)
			}
			if d.holder == node {
				d.holder = peal.NodeID{}
			}
		}
	}
	m.ok(m.store.Release(m.ctx, node, ids))
}

// takeover ends all nodes but one, which then takes their work over.
func (m *model) takeover(t *rapid.T) {
	i := rapid.IntRange(0, 2).Draw(t, "survivor")
	survivor := m.nodes[i]
	want := 0
	for _, d := range m.deliveries {
		if !d.holder.IsZero() && d.holder != survivor {
			d.holder = peal.NodeID{}
			want++
		}
	}
	taken, err := m.store.Takeover(m.ctx, survivor, 0)
	m.ok(err)
	m.same(taken.Deliveries, want, "taken over")
	dead := slices.Delete(slices.Clone(m.nodes), i, i+1)
	m.nodes = append([]peal.NodeID{survivor, m.register(), m.register()}, dead...)
}

// settleLate settles as a node that was taken over.
func (m *model) settleLate(t *rapid.T) {
	d := m.draw(t, func(*modelDelivery) bool { return true })
	if d == nil || len(m.nodes) == 3 {
		return
	}
	node := rapid.SampledFrom(m.nodes[3:]).Draw(t, "dead node")
	s := settlement(d.Delivery, rapid.SampledFrom([]peal.DeliveryStatus{peal.Success, peal.Failed, peal.Pending}).Draw(t,
		"status"))
	d.attempts = append(d.attempts, s.Attempt)
	d.Attempts++
	d.StatusCode, d.Duration, d.Reason = s.Attempt.StatusCode, s.Attempt.Timing.Total, s.Attempt.Reason
	if d.Status == peal.Pending && s.Status == peal.Success {
		d.Status, d.Tries, d.Due, d.SettledAt, d.holder = s.Status, s.Tries, time.Time{}, s.SettledAt, peal.NodeID{}
	}
	m.ok(m.store.Settle(m.ctx, node, []peal.Settlement{s}))
}

func (m *model) cancel(t *rapid.T) {
	d, at := m.draw(t, func(*modelDelivery) bool { return true }), moment()
	if d == nil {
		return
	}
	err := m.store.Cancel(m.ctx, m.tenant, d.ID, at)
	if d.Status != peal.Pending {
		m.same(peal.CodeOf(err), peal.Conflict, "code of canceling a "+string(d.Status)+" one")
		return
	}
	m.ok(err)
	d.Status, d.Due, d.SettledAt, d.holder = peal.Canceled, time.Time{}, at, peal.NodeID{}
}

func (m *model) reopen(t *rapid.T) {
	d, node, due := m.draw(t, func(*modelDelivery) bool { return true }), m.drawNode(t), moment()
	if d == nil {
		return
	}
	work, err := m.store.Reopen(m.ctx, node, m.tenant, d.ID, due)
	if !d.holder.IsZero() {
		m.same(peal.CodeOf(err), peal.Conflict, "code of reopening a held one")
		return
	}
	m.ok(err)
	if d.Status != peal.Pending {
		d.Tries = 0
	}
	d.Status, d.Due, d.SettledAt, d.holder = peal.Pending, due, time.Time{}, node
	m.same(work.Delivery, d.Delivery, "reopened")
}

// check compares all that the store shows with the model.
func (m *model) check(t *rapid.T) {
	var want []peal.Delivery
	for _, d := range slices.Backward(m.deliveries) {
		want = append(want, d.Delivery)
	}
	got, err := m.store.Deliveries(m.ctx, peal.DeliveryQuery{Tenant: m.tenant, Limit: 1000})
	m.ok(err)
	if !slices.Equal(got, want) { // times are in UTC on both sides; a difference is looked at slowly
		m.same(got, want, "deliveries")
	}
	if d := m.draw(t, func(*modelDelivery) bool { return true }); d != nil {
		attempts, err := m.store.Attempts(m.ctx, m.tenant, d.ID)
		m.ok(err)
		m.same(attempts, d.attempts, "attempts")
	}
	for _, w := range m.webhooks {
		due, err := m.store.Due(m.ctx, justBefore(w.ID), 1)
		m.ok(err)
		free := m.free(w.ID)
		if len(free) == 0 {
			if len(due) > 0 && due[0].WebhookID == w.ID {
				m.rt.Fatalf("%s is due at %v with nothing free", w.ID, due[0].Due)
			}
			continue
		}
		latest := free[0].Due
		for _, d := range free {
			if d.Due.After(latest) {
				latest = d.Due
			}
		}
		m.same(due, []peal.DueWebhook{{WebhookID: w.ID, Due: free[0].Due, Latest: latest}}, "due")
	}
}

// justBefore returns the ID before an ID in order.
func justBefore(id peal.WebhookID) peal.WebhookID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			break
		}
	}
	return id
}
