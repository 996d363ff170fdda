package maintenance

import (
	"context"
	"log/slog"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// tenantStore is the part of the store that the deleter of tenants needs.
type tenantStore interface {
	PurgeTenant(ctx context.Context) (peal.TenantPurgeResult, error)
}

// tenantDeleter deletes the tenants that are marked for it.
type tenantDeleter struct {
	store   tenantStore
	refresh func(ctx context.Context) error
	log     *slog.Logger
}

// pass deletes step after step, until no tenant is left or a step has to wait for the work of
// another. It reports whether one waits.
func (d *tenantDeleter) pass(ctx context.Context) (waiting bool, err error) {
	for ctx.Err() == nil {
		var step peal.TenantPurgeResult
		err := inTurn(ctx, func() (err error) {
			step, err = d.store.PurgeTenant(ctx)
			return err
		})
		if err != nil || step.Deleted == 0 && !step.Gone {
			return step.Tenant != "", err
		}
		crashpoint.Reach(crashpoint.PurgeDone)
		if step.Gone {
			d.log.Info("a tenant was deleted with all its data", "tenant", step.Tenant)
		}
		if err := d.refresh(ctx); err != nil {
			return true, err
		}
		pause(ctx, breather*step.Held)
	}
	return false, ctx.Err()
}
