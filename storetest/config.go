package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var tenantTests = map[string]func(*testing.T, *harness){
	"the default tenant is there": func(t *testing.T, h *harness) {
		tenant, err := h.store.Tenant(h.ctx, peal.DefaultTenant)
		h.must(err)
		if tenant.Name != peal.DefaultTenant || tenant.CreatedAt.IsZero() {
			t.Errorf("got %+v", tenant)
		}
	},
	"what is created comes back": func(t *testing.T, h *harness) {
		tenant := peal.Tenant{
			Name: h.tenant, Description: "a tenant ü", Format: "stripe", CreatedAt: moment(),
			RetryPolicy: &peal.RetryPolicy{Delays: []time.Duration{time.Second}, Jitter: 0.5},
		}
		h.must(h.store.CreateTenant(h.ctx, tenant))
		got, err := h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		tenant.Revision = 1
		h.equal(got, tenant, "tenant")

		h.refused(h.store.CreateTenant(h.ctx, tenant), peal.Conflict)

		changed := peal.Tenant{Name: h.tenant, Description: "other", Revision: 1, CreatedAt: moment().Add(time.Hour)}
		h.must(h.store.UpdateTenant(h.ctx, changed))
		h.stale(h.store.UpdateTenant(h.ctx, changed))
		changed.Revision = 2
		got, err = h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		changed.CreatedAt = tenant.CreatedAt
		h.equal(got, changed, "updated tenant")
	},
	"an unknown one is not found": func(t *testing.T, h *harness) {
		_, err := h.store.Tenant(h.ctx, "nobody")
		h.refused(err, peal.NotFound)
		h.refused(h.store.UpdateTenant(h.ctx, peal.Tenant{Name: "nobody"}), peal.NotFound)
	},
	"they are listed by name": func(t *testing.T, h *harness) {
		var names []string
		for _, suffix := range []string{"-c", "-a", "-b", "-B"} {
			names = append(names, h.tenant+suffix)
			h.must(h.store.CreateTenant(h.ctx, peal.Tenant{Name: h.tenant + suffix, CreatedAt: moment()}))
		}
		slices.Sort(names)
		var got []string
		for after := h.tenant; ; after = got[len(got)-1] {
			page, err := h.store.Tenants(h.ctx, after, 3)
			h.must(err)
			for _, tenant := range page {
				got = append(got, tenant.Name)
			}
			if len(page) < 3 {
				break
			}
		}
		if len(got) < len(names) || !slices.Equal(got[:len(names)], names) {
			t.Errorf("got %q, want %q at the front", got, names)
		}
	},
	"the first use creates one": func(t *testing.T, h *harness) {
		byWebhook, byEvent, byKey := *h, *h, *h
		byWebhook.tenant, byEvent.tenant, byKey.tenant = h.tenant+"-w", h.tenant+"-e", h.tenant+"-k"
		byWebhook.webhook()
		byEvent.insert(peal.Insertion{Event: byEvent.newEvent()})
		h.must(h.store.CreateKey(h.ctx, byKey.newKey("k")))
		for _, name := range []string{byWebhook.tenant, byEvent.tenant, byKey.tenant} {
			tenant, err := h.store.Tenant(h.ctx, name)
			h.must(err)
			if tenant.CreatedAt.IsZero() {
				t.Errorf("tenant %s has no time of its creation", name)
			}
		}
	},
}

func (h *harness) newKey(name string) peal.APIKey {
	text := peal.NewKeyText()
	return peal.APIKey{
		ID: peal.NewKeyID(), Tenant: h.tenant, Name: name, Scopes: []peal.KeyScope{peal.ScopePublish, peal.ScopeRead},
		Hash: peal.HashKey(text), Hint: text[len(text)-4:],
	}
}

var keyTests = map[string]func(*testing.T, *harness){
	"what is created comes back": func(t *testing.T, h *harness) {
		for _, tenant := range []string{h.tenant, ""} {
			key := h.newKey("ci")
			key.Tenant = tenant
			if tenant == "" {
				key.Scopes = nil
			}
			h.must(h.store.CreateKey(h.ctx, key))
			got, err := h.store.KeyByHash(h.ctx, key.Hash)
			h.must(err)
			h.equal(got, key, "key")

			again := key
			again.ID = peal.NewKeyID()
			h.refused(h.store.CreateKey(h.ctx, again), peal.Conflict)
		}
		_, err := h.store.KeyByHash(h.ctx, peal.HashKey("unknown"))
		h.refused(err, peal.NotFound)
	},
	"a revoked one lets nobody in": func(t *testing.T, h *harness) {
		key := h.newKey("ci")
		h.must(h.store.CreateKey(h.ctx, key))
		h.refused(h.store.RevokeKey(h.ctx, "somebody-else", key.ID, moment()), peal.NotFound)
		h.refused(h.store.RevokeKey(h.ctx, h.tenant, peal.NewKeyID(), moment()), peal.NotFound)
		_, err := h.store.KeyByHash(h.ctx, key.Hash)
		h.must(err)

		key.RevokedAt = moment()
		h.must(h.store.RevokeKey(h.ctx, h.tenant, key.ID, key.RevokedAt))
		_, err = h.store.KeyByHash(h.ctx, key.Hash)
		h.refused(err, peal.NotFound)
		keys, err := h.store.Keys(h.ctx, h.tenant, peal.KeyID{}, 10)
		h.must(err)
		h.equal(keys, []peal.APIKey{key}, "keys")
		h.refused(h.store.CreateKey(h.ctx, peal.APIKey{ID: peal.NewKeyID(), Name: "again", Hash: key.Hash}), peal.Conflict)
	},
	"an operator revokes any": func(t *testing.T, h *harness) {
		key := h.newKey("ci")
		h.must(h.store.CreateKey(h.ctx, key))
		h.must(h.store.RevokeKey(h.ctx, "", key.ID, moment()))
		_, err := h.store.KeyByHash(h.ctx, key.Hash)
		h.refused(err, peal.NotFound)
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		h = h.own()
		var want []string
		for i := range 5 {
			key := h.newKey(fmt.Sprint(i))
			h.must(h.store.CreateKey(h.ctx, key))
			want = append([]string{key.Name}, want...)
			key = h.newKey("operator " + key.Name)
			key.Tenant = ""
			h.must(h.store.CreateKey(h.ctx, key))
		}
		for tenant, prefix := range map[string]string{h.tenant: "", "": "operator "} {
			var got []string
			var before peal.KeyID
			for {
				page, err := h.store.Keys(h.ctx, tenant, before, 2)
				h.must(err)
				for _, key := range page {
					got = append(got, key.Name)
					before = key.ID
				}
				if len(page) < 2 {
					break
				}
			}
			for i := range want {
				if i >= len(got) || got[i] != prefix+want[i] {
					t.Fatalf("keys of %q: got %q", tenant, got)
				}
			}
			h.equal(len(got), len(want), "number of keys")
		}
	},
}

var eventTypeTests = map[string]func(*testing.T, *harness){
	"what is put comes back": func(t *testing.T, h *harness) {
		entry := peal.EventType{
			Catalogue: "default", Name: h.tenant + ".created", Description: "a task ü", Schema: []byte(`{ "type": "object" }`),
			Example:   []byte(`{"a": 1.0}`),
			CreatedAt: moment(), UpdatedAt: moment(),
		}
		created, err := h.store.PutEventType(h.ctx, entry)
		h.must(err)
		h.equal(created, true, "created")
		got, err := h.store.EventType(h.ctx, "", entry.Name)
		h.must(err)
		h.equal(got, entry, "event type")

		replaced := peal.EventType{Catalogue: "default", Name: entry.Name, CreatedAt: moment().Add(time.Hour),
			UpdatedAt: moment().Add(time.Hour)}
		created, err = h.store.PutEventType(h.ctx, replaced)
		h.must(err)
		h.equal(created, false, "created the second time")
		got, err = h.store.EventType(h.ctx, "", entry.Name)
		h.must(err)
		replaced.CreatedAt = entry.CreatedAt
		h.equal(got, replaced, "replaced event type")
		if got.Schema != nil || got.Example != nil {
			t.Errorf("no schema and no example came back as %q and %q", got.Schema, got.Example)
		}

		h.must(h.store.DeleteEventType(h.ctx, "", entry.Name))
		_, err = h.store.EventType(h.ctx, "", entry.Name)
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteEventType(h.ctx, "", entry.Name), peal.NotFound)
	},
	"they are listed by name": func(t *testing.T, h *harness) {
		h = h.own()
		want := []string{"A.b", "a", "a.b", "a.c", "b"}
		for _, name := range []string{"b", "a.c", "a", "A.b", "a.b"} {
			_, err := h.store.PutEventType(h.ctx, peal.EventType{Name: name, CreatedAt: moment(), UpdatedAt: moment()})
			h.must(err)
		}
		var got []string
		after := ""
		for {
			page, err := h.store.EventTypes(h.ctx, "", after, 2)
			h.must(err)
			for _, entry := range page {
				got = append(got, entry.Name)
				after = entry.Name
			}
			if len(page) < 2 {
				break
			}
		}
		h.equal(got, want, "names")
	},
	"they are found by a part of their name and by their group": func(t *testing.T, h *harness) {
		h = h.own()
		for _, name := range []string{"task", "task.Created", "task.done", "task.done.late", "task-old.done", "tasks.done",
			"user_created", "done.task"} {
			for _, catalogue := range []string{"", "other"} {
				_, err := h.store.PutEventType(h.ctx, peal.EventType{Catalogue: catalogue, Name: name, Description: "created",
					Schema: []byte(`{}`), CreatedAt: moment(), UpdatedAt: moment()})
				h.must(err)
			}
		}
		for _, test := range []struct {
			query peal.EventTypeQuery
			want  []string
		}{
			{peal.EventTypeQuery{}, []string{"done.task", "task", "task-old.done", "task.Created", "task.done",
				"task.done.late", "tasks.done", "user_created"}},
			{peal.EventTypeQuery{Text: "CREATED"}, []string{"task.Created", "user_created"}},
			{peal.EventTypeQuery{Text: "_"}, []string{"user_created"}},
			{peal.EventTypeQuery{Text: "%"}, nil},
			{peal.EventTypeQuery{Text: "default"}, nil},
			{peal.EventTypeQuery{Text: "ü"}, nil},
			{peal.EventTypeQuery{Group: "task"}, []string{"task.Created", "task.done", "task.done.late"}},
			{peal.EventTypeQuery{Group: "task.done"}, []string{"task.done.late"}},
			{peal.EventTypeQuery{Group: "task", Text: "done", After: "task.done"}, []string{"task.done.late"}},
			{peal.EventTypeQuery{Group: "task", After: "task"}, []string{"task.Created", "task.done", "task.done.late"}},
			{peal.EventTypeQuery{Group: "task", After: "user"}, nil},
			{peal.EventTypeQuery{Text: "done", Catalogue: "other", Limit: 2}, []string{"done.task", "task-old.done"}},
			{peal.EventTypeQuery{Text: "done", Catalogue: "none"}, nil},
		} {
			if test.query.Limit == 0 {
				test.query.Limit = 10
			}
			for _, brief := range []bool{false, true} {
				test.query.Brief = brief
				found, err := h.store.FindEventTypes(h.ctx, test.query)
				h.must(err)
				var names []string
				for _, entry := range found {
					names = append(names, entry.Name)
					h.equal(entry.Schema == nil, brief, "no schema")
					h.equal(entry.Description, "created", "description")
				}
				h.equal(names, test.want, fmt.Sprintf("names that %+v chooses", test.query))
			}
		}
	},
	"catalogues are apart": func(t *testing.T, h *harness) {
		h = h.own()
		// The names are such that one starts another, and sorts before and after its slash.
		catalogues := []string{"crm", "crm-old", "crm.new", "crm0", "default"}
		for _, catalogue := range catalogues {
			created, err := h.store.PutEventType(h.ctx, peal.EventType{Catalogue: catalogue, Name: "task.created",
				Description: catalogue, CreatedAt: moment(), UpdatedAt: moment()})
			h.must(err)
			h.equal(created, true, "created")
		}
		_, err := h.store.PutEventType(h.ctx, peal.EventType{Catalogue: "crm", Name: "task.done", CreatedAt: moment(),
			UpdatedAt: moment()})
		h.must(err)
		for _, catalogue := range catalogues {
			got, err := h.store.EventType(h.ctx, catalogue, "task.created")
			h.must(err)
			h.equal([]string{got.Catalogue, got.Name, got.Description}, []string{catalogue, "task.created", catalogue},
				"the type of "+catalogue)
			types, err := h.store.EventTypes(h.ctx, catalogue, "", 10)
			h.must(err)
			h.equal(len(types), map[bool]int{true: 2, false: 1}[catalogue == "crm"], "number of types of "+catalogue)
			types, err = h.store.EventTypes(h.ctx, catalogue, "task.done", 10)
			h.must(err)
			h.equal(len(types), 0, "number of types of "+catalogue+" after the last one")
		}
		got, err := h.store.EventType(h.ctx, "", "task.created")
		h.must(err)
		h.equal(got.Description, "default", "the type of the default catalogue")

		var names []string
		for after := ""; ; {
			page, err := h.store.Catalogues(h.ctx, after, 2)
			h.must(err)
			names = append(names, page...)
			if len(page) < 2 {
				break
			}
			after = page[len(page)-1]
		}
		h.equal(names, []string{"crm-old", "crm.new", "crm", "crm0", "default"}, "catalogues")

		h.must(h.store.DeleteEventType(h.ctx, "crm", "task.created"))
		_, err = h.store.EventType(h.ctx, "crm-old", "task.created")
		h.must(err)
		h.refused(h.store.DeleteEventType(h.ctx, "unknown", "task.created"), peal.NotFound)
	},
	"a tenant names its catalogue": func(t *testing.T, h *harness) {
		tenant := peal.Tenant{Name: h.tenant + "-catalogue", Catalogue: "crm", CreatedAt: moment()}
		h.must(h.store.CreateTenant(h.ctx, tenant))
		got, err := h.store.Tenant(h.ctx, tenant.Name)
		h.must(err)
		tenant.Revision = 1
		h.equal(got, tenant, "tenant")
		tenant.Catalogue = ""
		h.must(h.store.UpdateTenant(h.ctx, tenant))
		tenant.Revision = 2
		got, err = h.store.Tenant(h.ctx, tenant.Name)
		h.must(err)
		h.equal(got, tenant, "changed tenant")
	},
}
