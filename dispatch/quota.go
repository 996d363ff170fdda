package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// QuotaUse is a quota of a tenant with its use.
type QuotaUse struct {
	Quota peal.Quota
	// Limit is in force, 0 for none; Default is that of tenants without one of their own.
	Limit, Default int64
	// Own reports whether the limit is the tenant's own.
	Own bool
	// Counted reports whether Used is known. Counting may stop at the limit.
	Counted bool
	Used    int64
}

// IsNear reports whether nine tenths of the quota are used.
func (q QuotaUse) IsNear() bool { return q.Counted && q.Limit > 0 && q.Used >= q.Limit-q.Limit/10 }

// Quotas returns all quotas of a tenant in their order.
func (e *Engine) Quotas(ctx context.Context, tenant string) ([]QuotaUse, error) {
	settings, err := e.store.Tenant(ctx, tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound { // it may have no rows yet
		return nil, err
	}
	usage, err := e.store.Usage(ctx, tenant, time.Now())
	if err != nil {
		return nil, err
	}
	most := e.options.Quotas.Of(tenant, settings.Quotas, peal.QuotaPendingDeliveries)
	if most == 0 {
		most = peal.MaxBacklog
	}
	deliveries, bytes, err := e.store.PendingUsage(ctx, tenant, most)
	if err != nil {
		return nil, err
	}
	usage[peal.QuotaPendingDeliveries], usage[peal.QuotaPendingBytes] = deliveries, bytes
	var list []QuotaUse
	for _, quota := range peal.AllQuotas() {
		use := QuotaUse{
			Quota: quota, Limit: e.options.Quotas.Of(tenant, settings.Quotas, quota), Default: e.options.Quotas.Of(tenant, nil, quota),
		}
		if quota == peal.QuotaEventTypes { // catalogues are nobody's own
			use.Limit, use.Default = e.options.Quotas[quota], e.options.Quotas[quota]
		}
		_, use.Own = settings.Quotas[quota]
		use.Used, use.Counted = usage[quota]
		list = append(list, use)
	}
	return list, nil
}

// CheckQuotas checks limits that a tenant is to have of its own. The error has code
// [peal.Invalid] and names the field.
func (e *Engine) CheckQuotas(quotas peal.Quotas) error {
	return quotas.Validate(int64(e.options.MaxDeliveries))
}
