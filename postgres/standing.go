package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// AttentionReport implements [peal.StatsStore]. Each statement walks an index in its order and ends
// after a number of rows.
func (s *Store) AttentionReport(ctx context.Context, since time.Time, limit int) (peal.AttentionReport, error) {
	var all peal.AttentionReport
	err := s.query(ctx, `SELECT n.name, w.id, w.failing_since
		FROM (SELECT * FROM peal.webhooks WHERE failing_since > 0 ORDER BY failing_since LIMIT $1) w JOIN peal.tenants n ON n.num = w.tenant
		WHERE NOT w.deleted AND w.status NOT IN ('paused', 'disabled') ORDER BY w.failing_since, w.id LIMIT $2`, func(rows pgx.Rows) error {
		var f peal.FailingWebhook
		var at int64
		err := rows.Scan(&f.Tenant, (*[16]byte)(&f.WebhookID), &at)
		f.Since = timeOf(at)
		all.Failing = append(all.Failing, f)
		return err
	}, peal.MaxAttentionRows, limit)
	if err == nil {
		err = s.query(ctx, `SELECT n.name, w.id, p.reason, p.code, p.error, p.first, p.last, p.attempts
			FROM (SELECT * FROM peal.problems WHERE last >= $1 ORDER BY last DESC LIMIT $2) p
			JOIN peal.webhooks w ON w.num = p.webhook JOIN peal.tenants n ON n.num = w.tenant
			WHERE NOT w.deleted ORDER BY p.last DESC, w.id, p.reason, p.code`, func(rows pgx.Rows) error {
			var p peal.TenantProblem
			var reason string
			var first, last int64
			err := rows.Scan(&p.Tenant, (*[16]byte)(&p.WebhookID), &reason, &p.StatusCode, &p.Error, &first, &last, &p.Attempts)
			p.Reason, p.First, p.Last = peal.Reason(reason), timeOf(first), timeOf(last)
			all.Problems = append(all.Problems, p)
			return err
		}, micros(since), limit)
	}
	if err == nil {
		err = s.query(ctx, `SELECT n.name, count(*), (array_agg(x.id ORDER BY x.id))[1] FROM (SELECT id, webhook FROM peal.waiting ORDER BY id LIMIT $1) x
			JOIN peal.webhooks w ON w.num = x.webhook JOIN peal.tenants n ON n.num = w.tenant
			GROUP BY n.name ORDER BY 3, 1 LIMIT $2`, func(rows pgx.Rows) error {
			var w peal.TenantWaiting
			var oldest peal.DeliveryID
			err := rows.Scan(&w.Tenant, &w.Deliveries, (*[16]byte)(&oldest))
			w.Oldest = oldest.Time()
			all.Waiting = append(all.Waiting, w)
			return err
		}, peal.MaxAttentionRows, limit)
	}
	return all, translate("read how the tenants stand", err)
}
