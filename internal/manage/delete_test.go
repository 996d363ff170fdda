package manage_test

import (
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

func TestDeleteTenant(t *testing.T) {
	l := newLayer(t)
	for _, name := range []string{peal.DefaultTenant, peal.OperationsTenant} {
		_, err := l.tenants.Delete(t.Context(), l.operator(), name)
		l.refused(err, peal.Conflict)
		_, err = l.tenants.Count(t.Context(), name)
		l.refused(err, peal.Conflict)
	}
	_, err := l.tenants.Delete(t.Context(), l.operator(), "nobody")
	l.refused(err, peal.NotFound)
	_, err = l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme"}, nil)
	l.must(err)
	_, text, err := l.keys.Create(t.Context(), l.operator(), manage.NewKey{Tenant: "acme", Name: "ci", Scopes: []peal.KeyScope{peal.ScopeRead}})
	l.must(err)
	_, err = l.identity.KeyCaller(t.Context(), text) // which remembers it
	l.must(err)
	if counts, err := l.tenants.Count(t.Context(), "acme"); err != nil || counts.Keys != 1 {
		t.Errorf("counted %+v, %v", counts, err)
	}
	l.recorded = nil
	deleted, err := l.tenants.Delete(t.Context(), l.operator(), "acme")
	l.must(err)
	if deleted.DeletingSince.IsZero() {
		t.Error("it is not said to be deleted")
	}
	l.audited(manage.Entry{Action: "tenant.delete", Target: "acme"})
	_, err = l.identity.KeyCaller(t.Context(), text)
	l.refused(err, peal.NotFound)
	_, err = l.tenants.Change(t.Context(), l.operator(), "acme", "", func(*peal.Tenant) error { return nil })
	l.refused(err, peal.Conflict)
	_, err = l.tenants.Create(t.Context(), l.operator(), peal.Tenant{Name: "acme"}, nil)
	l.refused(err, peal.Conflict)
}
