package sqlite

import "context"

// PendingUsage implements [peal.QuotaStore].
func (s *Store) PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error) {
	err = s.query(ctx, `WITH hooks (num) AS MATERIALIZED (SELECT num FROM webhooks WHERE tenant = (SELECT num FROM tenants WHERE name = ?1)),
		pending (event) AS (
			SELECT event FROM held WHERE webhook IN (SELECT num FROM hooks)
			UNION ALL SELECT d.event FROM hooks CROSS JOIN waiting d INDEXED BY waiting_webhook ON d.webhook = hooks.num
			LIMIT +?2)
		SELECT count(*), ifnull(sum(length(v.data)), 0) FROM pending p LEFT JOIN events v ON v.seq = p.event`, func(r row) error {
		deliveries, bytes = r.int(0), r.int(1)
		return nil
	}, tenant, most)
	return deliveries, bytes, translate("count what is pending", err)
}
