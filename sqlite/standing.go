package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// AttentionReport implements [peal.StatsStore]. Each statement walks an index in its order and ends
// after a number of rows.
func (s *Store) AttentionReport(ctx context.Context, since time.Time, limit int) (peal.AttentionReport, error) {
	var all peal.AttentionReport
	err := s.snapshot(ctx, func(q querier) error {
		err := q.query(ctx, `SELECT n.name, w.id, w.failing_since
			FROM (SELECT * FROM webhooks INDEXED BY webhooks_failing WHERE failing_since > 0 ORDER BY failing_since LIMIT +?1) w
			CROSS JOIN tenants n ON n.num = w.tenant
			WHERE NOT w.deleted AND coalesce(w.settings ->> '$.status', 'active') NOT IN ('paused', 'disabled') ORDER BY w.failing_since, w.id LIMIT +?2`, func(r row) error {
			all.Failing = append(all.Failing, peal.FailingWebhook{Tenant: r.text(0), WebhookID: peal.WebhookID(r.blob(1)), Since: timeOf(r.int(2))})
			return nil
		}, int64(peal.MaxAttentionRows), int64(limit))
		if err != nil {
			return err
		}
		err = q.query(ctx, `SELECT n.name, w.id, p.reason, p.code, p.error, p.first, p.last, p.attempts
			FROM (SELECT * FROM problems INDEXED BY problems_last WHERE last >= ?1 ORDER BY last DESC LIMIT +?2) p
			CROSS JOIN webhooks w ON w.num = p.webhook CROSS JOIN tenants n ON n.num = w.tenant
			WHERE NOT w.deleted ORDER BY p.last DESC, w.id, p.reason, p.code`, func(r row) error {
			all.Problems = append(all.Problems, peal.TenantProblem{Tenant: r.text(0), WebhookProblem: peal.WebhookProblem{
				WebhookID: peal.WebhookID(r.blob(1)), Reason: peal.Reason(r.text(2)), StatusCode: int(r.int(3)), Error: r.text(4),
				First: timeOf(r.int(5)), Last: timeOf(r.int(6)), Attempts: int(r.int(7)),
			}})
			return nil
		}, micros(since), int64(limit))
		if err != nil {
			return err
		}
		return q.query(ctx, `SELECT n.name, count(*), min(x.seq) FROM (SELECT seq, webhook FROM waiting ORDER BY seq LIMIT +?1) x
			CROSS JOIN webhooks w ON w.num = x.webhook CROSS JOIN tenants n ON n.num = w.tenant
			GROUP BY n.name ORDER BY min(x.seq), n.name LIMIT +?2`, func(r row) error {
			all.Waiting = append(all.Waiting, peal.TenantWaiting{Tenant: r.text(0), Deliveries: int(r.int(1)), Oldest: timeOfSeq(r.int(2))})
			return nil
		}, int64(peal.MaxAttentionRows), int64(limit))
	})
	return all, translate("read how the tenants stand", err)
}
