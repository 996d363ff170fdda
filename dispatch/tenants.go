package dispatch

import (
	"context"
	"log/slog"
	"sync"

	"github.com/pealhq/peal"
)

// tenantSettings caches what the engine needs of tenants until the routes change, which a
// change of a tenant does.
type tenantSettings struct {
	store peal.Store
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]*peal.Tenant
}

// policy returns a tenant's retry policy; nil when it has none.
func (t *tenantSettings) policy(name string) *peal.RetryPolicy {
	tenant, err := t.get(context.Background(), name)
	if err != nil {
		t.log.Warn("cannot read a tenant's retry policy; the default governs until the next change", "tenant", name, "error", err)
		return nil
	}
	return tenant.RetryPolicy
}

// catalogue returns the name of the catalogue that describes a tenant's events.
func (t *tenantSettings) catalogue(ctx context.Context, name string) (string, error) {
	tenant, err := t.get(ctx, name)
	if err != nil {
		return "", err
	}
	return tenant.CatalogueName(), nil
}

// get returns a tenant; one without any settings when it does not exist yet.
func (t *tenantSettings) get(ctx context.Context, name string) (*peal.Tenant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tenant, ok := t.known[name]; ok {
		return tenant, nil
	}
	tenant, err := t.store.Tenant(ctx, name)
	if peal.CodeOf(err) == peal.NotFound {
		return &peal.Tenant{Name: name}, nil // it is not cached: it may be created without a change of routes
	}
	if err != nil {
		return nil, err
	}
	if t.known == nil {
		t.known = make(map[string]*peal.Tenant)
	}
	t.known[name] = &tenant
	return &tenant, nil
}

func (t *tenantSettings) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
}
