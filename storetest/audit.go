package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

func (h *harness) newEntry(action string) peal.AuditEntry {
	return peal.AuditEntry{
		ID: peal.NewAuditID(), Tenant: h.tenant, ActorKind: "user", ActorID: "user_" + h.tenant, Actor: "ann ü",
		Action: action,
		Target: "webhook_1", Detail: "paused", Address: "192.0.2.3", RequestID: "r1",
	}
}

func (h *harness) entry(action string, change ...func(*peal.AuditEntry)) peal.AuditEntry {
	h.t.Helper()
	e := h.newEntry(action)
	for _, f := range change {
		f(&e)
	}
	h.must(h.store.AppendAudit(h.ctx, e, 0))
	return e
}

var auditTests = map[string]func(*testing.T, *harness){
	"entries come back newest first, as chosen": func(t *testing.T, h *harness) {
		h = h.own()
		a := h.entry("webhook.create")
		b := h.entry("webhook.update", func(e *peal.AuditEntry) { e.Target = "webhook_2" })
		c := h.entry("tenant.create", func(e *peal.AuditEntry) {
			*e = peal.AuditEntry{ID: e.ID, Action: e.Action,
				ActorKind: "key"}
		})
		d := h.entry("webhook.update", func(e *peal.AuditEntry) { e.Actor, e.ActorID = "bob", "user_bob" })
		for name, test := range map[string]struct {
			query peal.AuditQuery
			want  []peal.AuditEntry
		}{
			"all":             {peal.AuditQuery{}, []peal.AuditEntry{d, c, b, a}},
			"a tenant's":      {peal.AuditQuery{Tenant: h.tenant}, []peal.AuditEntry{d, b, a}},
			"an actor's name": {peal.AuditQuery{Actor: "ann ü"}, []peal.AuditEntry{b, a}},
			"an actor's id":   {peal.AuditQuery{Tenant: h.tenant, Actor: "user_bob"}, []peal.AuditEntry{d}},
			"an action":       {peal.AuditQuery{Action: "webhook.update"}, []peal.AuditEntry{d, b}},
			"a target":        {peal.AuditQuery{Target: "webhook_1"}, []peal.AuditEntry{d, a}},
			"all of it": {peal.AuditQuery{Tenant: h.tenant, Actor: "ann ü", Action: "webhook.update",
				Target: "webhook_2"}, []peal.AuditEntry{b}},
			"since":             {peal.AuditQuery{Since: d.At()}, nil},
			"since its ID":      {peal.AuditQuery{Since: a.At().Add(-time.Second)}, []peal.AuditEntry{d, c, b, a}},
			"until":             {peal.AuditQuery{Until: a.At().Add(-time.Second)}, nil},
			"before":            {peal.AuditQuery{Before: c.ID}, []peal.AuditEntry{b, a}},
			"a page":            {peal.AuditQuery{Before: d.ID, Limit: 2}, []peal.AuditEntry{c, b}},
			"a stranger's":      {peal.AuditQuery{Tenant: "stranger"}, nil},
			"nobody's target":   {peal.AuditQuery{Target: "webhook_3"}, nil},
			"another's actions": {peal.AuditQuery{Actor: "bob", Action: "webhook.create"}, nil},
		} {
			if name == "since" { // rounded up: its own id is just before
				test.query.Since = test.query.Since.Add(time.Second)
			}
			if test.query.Limit == 0 {
				test.query.Limit = 10
			}
			got, err := h.store.Audit(h.ctx, test.query)
			h.must(err)
			h.equal(got, test.want, name)
		}
	},
	"old entries go when they may": func(t *testing.T, h *harness) {
		h = h.own()
		now := moment()
		for n := range 101 {
			h.entry("old", func(e *peal.AuditEntry) { e.ID = idAt[peal.AuditID](now.Add(-49*time.Hour), n) })
		}
		kept := h.entry("kept", func(e *peal.AuditEntry) { e.ID = idAt[peal.AuditID](now.Add(-47*time.Hour), 0) })
		list := func() []peal.AuditEntry {
			entries, err := h.store.Audit(h.ctx, peal.AuditQuery{Limit: 200})
			h.must(err)
			return entries
		}
		h.equal(len(list()), 102, "entries without a bound")
		for _, want := range []int{3, 3, 4} {
			h.must(h.store.AppendAudit(h.ctx, h.newEntry("new"), 48*time.Hour))
			h.equal(len(list()), want, "entries with a bound")
		}
		entries := list()
		h.equal(entries[len(entries)-1], kept, "the oldest entry")
	},
}
