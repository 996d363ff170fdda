package peal

import (
	"context"
	"time"
)

// TenantCounts is what a tenant has. A count of [CountMost] stands for that many or more.
type TenantCounts struct {
	Webhooks, Sources, Keys, Users, Sessions, PortalLinks, Themes int64
	Events, Deliveries, Attempts, Replays, AuditEntries           int64
}

// CountMost is the largest number that [TenantDeletionStore.TenantCounts] counts to.
const CountMost = 1_000_000

// TenantPurge is the result of a step of deleting a tenant.
type TenantPurge struct {
	// Tenant is the one that the step was about; "" when none is being deleted.
	Tenant string
	// Deleted counts the rows that the step deleted or changed. It is 0 where the step waits
	// for another one's work.
	Deleted int
	// Gone reports whether the step was the last one: the name may be used again.
	Gone bool
	// Held is how long the step has kept others from writing.
	Held time.Duration
}

// TenantDeletionStore deletes tenants with all that is theirs. Catalogues are the
// operator's, and stay.
type TenantDeletionStore interface {
	// StartTenantDeletion marks a tenant as being deleted and changes the version of the
	// routes. From then on keys and sessions of the tenant let nobody in, and nothing can
	// be added to it; engines refuse its events as soon as they have read the routes, and
	// an Insert by older ones returns [ErrStaleRoutes]. NotFound. For a tenant that is
	// marked already it does nothing.
	StartTenantDeletion(ctx context.Context, name string, at time.Time) error
	// TenantCounts counts what a tenant has, of each kind up to [CountMost]. NotFound.
	TenantCounts(ctx context.Context, name string) (TenantCounts, error)
	// PurgeTenant does one bounded step of deleting a marked tenant. Each step is one
	// transaction, so a deletion that is broken off resumes where it was.
	PurgeTenant(ctx context.Context) (TenantPurge, error)
}

// Deletable reports why a tenant must not be deleted: [DefaultTenant] and
// [OperationsTenant] always exist. The error has code [Conflict].
func (t *Tenant) Deletable() error {
	if t.Name == DefaultTenant || t.Name == OperationsTenant {
		return Errorf(Conflict, "the tenant %q cannot be deleted: the server needs it", t.Name)
	}
	return nil
}

// ErrTenantDeleted refuses what would add to a tenant that is being deleted.
var ErrTenantDeleted = Errorf(Conflict, "the tenant is being deleted; its name can be used again when that is done")
