package manage

import (
	"context"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/theme"
	"github.com/pealhq/peal/wire"
)

// TenantEngine is the part of *[dispatch.Engine] that tenants use.
type TenantEngine interface {
	Format(name string) (*wire.Format, bool)
	CheckQuotas(quotas peal.Quotas) error
	Govern(ctx context.Context)
}

var _ TenantEngine = (*dispatch.Engine)(nil)

// TenantStore is the part of the store that tenants use.
type TenantStore interface {
	CreateTenant(ctx context.Context, tenant peal.Tenant) error
	UpdateTenant(ctx context.Context, tenant peal.Tenant) error
	Tenant(ctx context.Context, name string) (peal.Tenant, error)
	StartTenantDeletion(ctx context.Context, name string, at time.Time) error
	TenantCounts(ctx context.Context, name string) (peal.TenantCounts, error)

	PutTheme(ctx context.Context, tenant string, theme peal.Theme) error
	Theme(ctx context.Context, tenant string) (peal.Theme, error)
	DeleteTheme(ctx context.Context, tenant string) error
}

// Tenants creates and changes tenants and their themes.
type Tenants struct {
	store  TenantStore
	engine TenantEngine
	look   func(peal.Theme) peal.Theme
	forget func()
}

// NewTenants returns Tenants that work on store and engine. look completes a tenant's theme with
// that of the deployment, because colours must be readable together. forget clears the cache of
// keys.
func NewTenants(store TenantStore, engine TenantEngine, look func(peal.Theme) peal.Theme, forget func()) *Tenants {
	return &Tenants{store: store, engine: engine, look: look, forget: forget}
}

// Create creates a tenant. fault holds faults that the caller has found, or is nil; the error
// includes them. The error has code [peal.Invalid] and names the field, or [peal.Conflict] if the
// name is taken. CreatedAt is now.
func (m *Tenants) Create(ctx context.Context, actor Actor, t peal.Tenant, fault error) (peal.Tenant, error) {
	t.CreatedAt, t.Revision = peal.Now(), 1
	if err := m.complete(&t, fault); err != nil {
		return peal.Tenant{}, err
	}
	if err := m.store.CreateTenant(ctx, t); err != nil {
		if peal.CodeOf(err) == peal.Conflict {
			err = peal.Fail(peal.Conflict, message.TenantNameTaken)
		}
		return peal.Tenant{}, err
	}
	m.engine.Govern(ctx)
	actor.record("", "tenant.create", t.Name, "")
	return t, nil
}

// Change applies change to the latest settings of a tenant, and repeats that after a conflict until
// ctx ends, so change may be called several times. The tenant that change gets has its Revision, so
// that change can refuse another one than the caller knows. detail describes the change for the
// audit log.
func (m *Tenants) Change(ctx context.Context, actor Actor, name, detail string,
	change func(*peal.Tenant) error) (peal.Tenant, error) {
	saved, err := retry(ctx, func() (peal.Tenant, error) {
		t, err := m.store.Tenant(ctx, name)
		if err != nil {
			return peal.Tenant{}, err
		}
		fault := change(&t)
		if refused(fault) {
			return peal.Tenant{}, fault
		}
		if err := m.complete(&t, fault); err != nil {
			return peal.Tenant{}, err
		}
		err = m.store.UpdateTenant(ctx, t)
		t.Revision++
		return t, err
	})
	if err != nil {
		return peal.Tenant{}, err
	}
	m.engine.Govern(ctx)
	actor.record("", "tenant.update", name, detail)
	return saved, nil
}

// complete normalizes the settings of a tenant, and checks them.
func (m *Tenants) complete(t *peal.Tenant, fault error) error {
	if t.Catalogue = strings.TrimSpace(t.Catalogue); t.Catalogue == peal.DefaultCatalogue {
		t.Catalogue = ""
	}
	faults := []error{fault, t.Validate()}
	if _, known := m.engine.Format(t.Format); t.Format != "" && !known {
		faults = append(faults, peal.Fault("format", message.TenantFormat))
	}
	return peal.JoinFaults(append(faults, m.engine.CheckQuotas(t.Quotas))...)
}

// Count counts what [Tenants.Delete] would delete, or has left of it. The error has code
// [peal.NotFound], or [peal.Conflict] for a tenant that cannot be deleted.
func (m *Tenants) Count(ctx context.Context, name string) (peal.TenantCounts, error) {
	if err := (&peal.Tenant{Name: name}).Deletable(); err != nil {
		return peal.TenantCounts{}, err
	}
	return m.store.TenantCounts(ctx, name)
}

// Delete starts to delete a tenant with all its data. Its keys and sessions stop working and its
// events are refused at once; one node then deletes the data in the background, also after a
// restart, and the tenant with the last of it. The error has code [peal.NotFound], or
// [peal.Conflict] for a tenant that cannot be deleted.
func (m *Tenants) Delete(ctx context.Context, actor Actor, name string) (peal.Tenant, error) {
	if err := (&peal.Tenant{Name: name}).Deletable(); err != nil {
		return peal.Tenant{}, err
	}
	t, err := m.store.Tenant(ctx, name)
	if err != nil {
		return peal.Tenant{}, err
	}
	if t.DeletingSince.IsZero() {
		t.DeletingSince = peal.Now()
	}
	if err := m.store.StartTenantDeletion(ctx, name, t.DeletingSince); err != nil {
		return peal.Tenant{}, err
	}
	m.engine.Govern(ctx)
	m.forget()
	actor.record("", "tenant.delete", name, "")
	return t, nil
}

// CheckTheme checks a theme of a tenant. The error has code [peal.Invalid] and names the field.
func (m *Tenants) CheckTheme(look peal.Theme) error {
	whole := m.look(look)
	whole.Hidden = look.Hidden // in the order that the faults name
	return theme.Validate(whole)
}

// ChangeTheme changes the theme of a tenant as [Tenants.Change] changes the tenant, starting with
// an empty theme if it has none.
func (m *Tenants) ChangeTheme(ctx context.Context, actor Actor, tenant string, change func(*peal.Theme) error) error {
	_, err := retry(ctx, func() (struct{}, error) {
		look, err := m.store.Theme(ctx, tenant)
		if err != nil && peal.CodeOf(err) != peal.NotFound {
			return struct{}{}, err
		}
		fault := change(&look)
		if refused(fault) {
			return struct{}{}, fault
		}
		if err := peal.JoinFaults(fault, m.CheckTheme(look)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, m.store.PutTheme(ctx, tenant, look)
	})
	if err == nil {
		actor.record("", "tenant.update", tenant, "theme")
	}
	return err
}

// DeleteTheme deletes the theme of a tenant, so that its portal has the deployment's. The error has
// code [peal.NotFound].
func (m *Tenants) DeleteTheme(ctx context.Context, actor Actor, tenant string) error {
	if err := m.store.DeleteTheme(ctx, tenant); err != nil {
		return err
	}
	actor.record("", "tenant.update", tenant, "theme taken away")
	return nil
}
