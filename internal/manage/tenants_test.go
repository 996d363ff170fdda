package manage_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

func TestTenants(t *testing.T) {
	l := newLayer(t)
	made, err := l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme", Catalogue: " default ", Format: "standard"}, nil)
	l.must(err)
	stored, err := l.store.Tenant(t.Context(), "acme")
	l.must(err)
	if made.Revision != stored.Revision || !made.CreatedAt.Equal(stored.CreatedAt) || stored.CreatedAt.IsZero() || stored.Catalogue != "" {
		t.Errorf("returned %+v, stored %+v", made, stored)
	}
	l.audited(manage.Entry{Action: "tenant.create", Target: "acme"})

	_, err = l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme"}, nil)
	l.refused(err, peal.Conflict)
	changed, err := l.tenants.Change(t.Context(), l.operator(), "acme", "description", func(t *peal.Tenant) error {
		t.Description = "The Acme workspace"
		return nil
	})
	l.must(err)
	if stored, err = l.store.Tenant(t.Context(), "acme"); err != nil || stored.Revision != changed.Revision || stored.Description != "The Acme workspace" {
		t.Errorf("returned %+v, stored %+v, %v", changed, stored, err)
	}
	l.audited(manage.Entry{Action: "tenant.update", Target: "acme", Detail: "description"})
	_, err = l.tenants.Change(t.Context(), l.operator(), "nobody", "", func(*peal.Tenant) error { return nil })
	l.refused(err, peal.NotFound)
	l.audited()
}

// TestTenantFaults checks that one error has every fault, in the order of the fields.
func TestTenantFaults(t *testing.T) {
	l := newLayer(t)
	wrong := func(tenant *peal.Tenant) {
		tenant.Description = strings.Repeat("x", peal.MaxDescription+1)
		tenant.Format, tenant.Catalogue = "nonsense", "no/catalogue"
		tenant.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{-1, 0, -1}, Jitter: 2, DisableAfterExhausted: -1, DisableAfterFailing: -1}
		tenant.Quotas = peal.Quotas{"unknown": 1, peal.QuotaWebhooks: -1, peal.QuotaEventTypes: 1}
	}
	fields := []string{
		"description", "retry_policy.delays_seconds[0]", "retry_policy.delays_seconds[2]", "retry_policy.jitter", "retry_policy.disable_after_exhausted",
		"retry_policy.disable_after_seconds", "catalogue", "quotas.unknown", "quotas.webhooks", "quotas.event_types", "format",
	}
	draft := peal.Tenant{Name: "-"}
	wrong(&draft)
	for range 5 { // in the same order every time
		_, err := l.tenants.Create(t.Context(), l.operator(), draft, peal.Invalidf("mine", "is wrong"))
		l.refused(err, peal.Invalid, append([]string{"mine", "tenant"}, fields...)...)
	}
	_, err := l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme"}, nil)
	l.must(err)
	_, err = l.tenants.Change(t.Context(), l.operator(), "acme", "", func(t *peal.Tenant) error {
		wrong(t)
		return peal.Invalidf("mine", "is wrong")
	})
	l.refused(err, peal.Invalid, append([]string{"mine"}, fields...)...)
}

// TestConcurrentChangesOfATenant has ten change a limit each, all at once: none is lost.
func TestConcurrentChangesOfATenant(t *testing.T) {
	l := newLayer(t)
	_, err := l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme"}, nil)
	l.must(err)
	quotas := peal.AllQuotas()[:6]
	var all sync.WaitGroup
	for n, quota := range quotas {
		all.Go(func() {
			_, err := l.tenants.Change(t.Context(), manage.Actor{Operator: true}, "acme", "", func(t *peal.Tenant) error {
				limits := peal.Quotas{quota: int64(n + 1)}
				for name, limit := range t.Quotas {
					limits[name] = limit
				}
				t.Quotas = limits
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			err := l.tenants.ChangeTheme(t.Context(), manage.Actor{Operator: true}, "acme", func(look *peal.Theme) error {
				look.Name += fmt.Sprint(n)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	tenant, err := l.store.Tenant(t.Context(), "acme")
	l.must(err)
	look, err := l.store.Theme(t.Context(), "acme")
	l.must(err)
	if len(tenant.Quotas) != len(quotas) || len(look.Name) != len(quotas) {
		t.Errorf("of %d changes, %v and %q are left", len(quotas), tenant.Quotas, look.Name)
	}
}

func TestThemes(t *testing.T) {
	l := newLayer(t)
	err := l.tenants.ChangeTheme(t.Context(), l.operator(), "acme", func(look *peal.Theme) error {
		*look = peal.Theme{
			Name: "a\nb", Logo: []byte("nothing"), Mode: "dim", Light: peal.ThemePalette{Brand: "red", Text: "blue"}, Dark: peal.ThemePalette{Text: "white"},
			Language: "Deutsch", Hidden: []peal.PortalPart{peal.PartEvents, "all"},
		}
		return nil
	})
	l.refused(err, peal.Invalid, "name", "mode", "light.brand", "light.text", "dark.text", "language", "hidden[1]", "logo")
	err = l.tenants.ChangeTheme(t.Context(), l.operator(), "acme", func(look *peal.Theme) error {
		look.Light = peal.ThemePalette{Background: "#ffffff", Text: "#eeeeee", Brand: "#fefefe"}
		return nil
	})
	l.refused(err, peal.Invalid, "light.text", "light.brand")
	l.audited()
	l.must(l.tenants.ChangeTheme(t.Context(), l.operator(), "acme", func(look *peal.Theme) error {
		look.Name = "Acme"
		return nil
	}))
	l.must(l.tenants.DeleteTheme(t.Context(), l.operator(), "acme"))
	l.refused(l.tenants.DeleteTheme(t.Context(), l.operator(), "acme"), peal.NotFound)
	l.audited(manage.Entry{Action: "tenant.update", Target: "acme", Detail: "theme"}, manage.Entry{Action: "tenant.update", Target: "acme", Detail: "theme taken away"})
}

func TestEventTypes(t *testing.T) {
	l := newLayer(t)
	_, _, err := l.types.Put(t.Context(), l.operator(), peal.EventType{
		Catalogue: "a/b", Name: "no type", Description: strings.Repeat("x", peal.MaxDescription+1), Schema: []byte(`{"type":"nonsense"}`), Example: []byte(`{`),
	})
	l.refused(err, peal.Invalid, "type", "catalogue", "description", "example", "schema")
	first, created, err := l.types.Put(t.Context(), l.operator(), peal.EventType{Name: "task.created"})
	l.must(err)
	again, createdAgain, err := l.types.Put(t.Context(), l.operator(), peal.EventType{Name: "task.created", Description: "new"})
	l.must(err)
	if !created || createdAgain || !again.CreatedAt.Equal(first.CreatedAt) || again.UpdatedAt.Before(again.CreatedAt) {
		t.Errorf("put %+v (%v), then %+v (%v)", first, created, again, createdAgain)
	}
	l.must(l.types.Delete(t.Context(), l.operator(), "", "task.created"))
	l.refused(l.types.Delete(t.Context(), l.operator(), "", "task.created"), peal.NotFound)
	put := manage.Entry{Action: "event_type.put", Target: "task.created"}
	l.audited(put, put, manage.Entry{Action: "event_type.delete", Target: "task.created"})
}
