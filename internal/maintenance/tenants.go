package maintenance

import (
	"context"

	"github.com/pealhq/peal/internal/crashpoint"
)

// deleteTenants deletes those that are marked, step after step, until none is left or a step
// waits for another one's work.
func (m *Maintenance) deleteTenants(ctx context.Context) error {
	if !m.options.IsFirst() {
		return nil
	}
	for ctx.Err() == nil {
		step, err := m.store.PurgeTenant(ctx)
		if err != nil || step.Deleted == 0 && !step.Gone {
			return err
		}
		crashpoint.Reach(crashpoint.PurgeDone)
		m.options.Govern(ctx)
		if step.Gone {
			m.log.Info("a tenant was deleted with all its data", "tenant", step.Tenant)
		}
		pause(ctx, breather*step.Held)
	}
	return ctx.Err()
}
