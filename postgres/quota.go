package postgres

import "context"

// PendingUsage implements [peal.QuotaStore].
func (s *Store) PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error) {
	_, err = s.one(ctx, s.pool, `WITH hooks AS MATERIALIZED (SELECT num FROM peal.webhooks WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1)),
		pending AS (
			SELECT event FROM peal.held WHERE webhook IN (SELECT num FROM hooks)
			UNION ALL SELECT d.event FROM hooks JOIN peal.waiting d ON d.webhook = hooks.num
			LIMIT $2)
		SELECT count(*), coalesce(sum(octet_length(e.data)), 0)::bigint FROM pending p LEFT JOIN peal.events e ON e.key = p.event`, []any{clean(tenant), most}, &deliveries, &bytes)
	return deliveries, bytes, translate("count what is pending", err)
}
