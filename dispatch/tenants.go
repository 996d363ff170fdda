package dispatch

import (
	"context"
	"log/slog"
	"sync"

	"github.com/pealhq/peal"
)

// tenantPolicies remembers the retry policies of tenants until routes change, which
// a change of a tenant does.
type tenantPolicies struct {
	store peal.Store
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]*peal.RetryPolicy
}

// policy gives a tenant's retry policy; nil when it has none.
func (t *tenantPolicies) policy(name string) *peal.RetryPolicy {
	t.mu.Lock()
	defer t.mu.Unlock()
	if policy, ok := t.known[name]; ok {
		return policy
	}
	tenant, err := t.store.Tenant(context.Background(), name)
	if err != nil {
		if peal.CodeOf(err) != peal.NotFound {
			t.log.Warn("cannot read a tenant's retry policy; the default governs until the next change", "tenant", name, "error", err)
		}
		return nil
	}
	if t.known == nil {
		t.known = make(map[string]*peal.RetryPolicy)
	}
	t.known[name] = tenant.RetryPolicy
	return tenant.RetryPolicy
}

func (t *tenantPolicies) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
}
