package sqlite

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Stats implements [storetest.StatsStore].
func (s *Store) Stats(ctx context.Context, query peal.StatsQuery) ([]peal.StatsBucket, error) {
	width := int64(slices.Index(peal.BucketWidths(), query.Width))
	var one any
	if !query.WebhookID.IsZero() {
		one = query.WebhookID[:]
	}
	var buckets []peal.StatsBucket
	err := s.query(ctx, `SELECT w.id, b.start, b.counts FROM webhooks w INDEXED BY webhooks_tenant
			CROSS JOIN buckets b ON b.webhook = w.num AND b.width = ?3 AND b.start >= ?4 AND b.start < ?5
		WHERE w.tenant = (SELECT num FROM tenants WHERE name = ?1) AND (?2 IS NULL OR w.id = ?2) ORDER BY w.id, b.start`, func(r row) error {
		b := peal.StatsBucket{WebhookID: peal.WebhookID(r.blob(0)), Start: timeOf(r.int(1))}
		if err := b.UnmarshalBinary(r.blob(2)); err != nil {
			return err
		}
		buckets = append(buckets, b)
		return nil
	}, query.Tenant, one, width, micros(query.Since), micros(query.Until))
	return buckets, translate("read counts", err)
}

// Totals implements [storetest.StatsStore].
func (s *Store) Totals(ctx context.Context, query peal.StatsQuery) (peal.StatsTotals, error) {
	width := int64(slices.Index(peal.BucketWidths(), query.Width))
	var one any
	if !query.WebhookID.IsZero() {
		one = query.WebhookID[:]
	}
	var sum record.Totals
	err := s.query(ctx, `SELECT w.id, b.start, b.counts FROM webhooks w INDEXED BY webhooks_tenant
			CROSS JOIN buckets b ON b.webhook = w.num AND b.width = ?3 AND b.start >= ?4 AND b.start < ?5
		WHERE w.tenant = (SELECT num FROM tenants WHERE name = ?1) AND (?2 IS NULL OR w.id = ?2)`, func(r row) error {
		return sum.Add([16]byte(r.blob(0)), r.int(1), r.blob(2))
	}, query.Tenant, one, width, micros(query.Since), micros(query.Until))
	return sum.Totals(), translate("read counts", err)
}

// Problems implements [storetest.StatsStore].
func (s *Store) Problems(ctx context.Context, query peal.ProblemQuery) ([]peal.WebhookProblem, error) {
	var one any
	if !query.WebhookID.IsZero() {
		one = query.WebhookID[:]
	}
	var problems []peal.WebhookProblem
	err := s.query(ctx, `SELECT w.id, problems.reason, problems.code, problems.error, problems.first, problems.last, problems.attempts FROM webhooks w INDEXED BY webhooks_tenant
			CROSS JOIN problems ON problems.webhook = w.num AND problems.last >= ?3
		WHERE w.tenant = (SELECT num FROM tenants WHERE name = ?1) AND (?2 IS NULL OR w.id = ?2) AND NOT w.deleted
		ORDER BY problems.last DESC, w.id, problems.reason, problems.code LIMIT +?4`, func(r row) error {
		problems = append(problems, peal.WebhookProblem{
			WebhookID: peal.WebhookID(r.blob(0)), Reason: peal.Reason(r.text(1)), StatusCode: int(r.int(2)), Error: r.text(3),
			First: timeOf(r.int(4)), Last: timeOf(r.int(5)), Attempts: int(r.int(6)),
		})
		return nil
	}, query.Tenant, one, micros(query.Since), int64(query.Limit))
	return problems, translate("read problems", err)
}

// AddProblem implements [peal.Store].
func (s *Store) AddProblem(ctx context.Context, p peal.WebhookProblem) error {
	err := s.queue.submit(&change{ctx: ctx, patient: true, rows: 1, run: func(w *writer) error {
		_, err := w.conn.exec(`INSERT INTO problems (webhook, reason, code, error, first, last, attempts)
			SELECT num, ?, ?, ?, ?, ?, ? FROM webhooks WHERE id = ? AND NOT deleted`+addProblem,
			string(p.Reason), int64(p.StatusCode), p.Error, micros(p.First), micros(p.Last), int64(p.Attempts), p.WebhookID[:])
		return err
	}})
	return translate("write a problem", err)
}

// Activity implements [storetest.StatsStore].
func (s *Store) Activity(ctx context.Context, tenant string, webhooks []peal.WebhookID) ([]peal.WebhookActivity, error) {
	all := make([]peal.WebhookActivity, len(webhooks))
	err := s.snapshot(ctx, func(q querier) error {
		for i, id := range webhooks {
			if err := readActivity(ctx, q, tenant, id, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return all, translate("read what webhooks do", err)
}

// readActivity reads the webhook's own stretches of indexes; only of the few deliveries that nodes
// hold, it looks at those of all webhooks.
func readActivity(ctx context.Context, q querier, tenant string, id peal.WebhookID, a *peal.WebhookActivity) error {
	return q.query(ctx, `SELECT
			(SELECT count(*) FROM held WHERE webhook = w.num) + (SELECT count(*) FROM (SELECT 1 FROM waiting x INDEXED BY waiting_webhook WHERE x.webhook = w.num LIMIT +?3)),
			(SELECT min(seq) FROM (SELECT min(seq) AS seq FROM held WHERE webhook = w.num
				UNION ALL SELECT min(seq) FROM waiting INDEXED BY waiting_webhook WHERE webhook = w.num)),
			(SELECT at FROM settled INDEXED BY settled_webhook WHERE webhook = w.num AND status = 1 ORDER BY seq DESC LIMIT 1),
			(SELECT at FROM settled INDEXED BY settled_webhook WHERE webhook = w.num AND status = 2 ORDER BY seq DESC LIMIT 1)
		FROM webhooks w JOIN tenants n ON n.num = w.tenant WHERE w.id = ?1 AND n.name = ?2`, func(r row) error {
		a.Pending = min(int(r.int(0)), peal.MaxPendingCount)
		a.Oldest = createdAt(r[1])
		a.LastSuccess, a.LastFailure = timeOf(r.int(2)), timeOf(r.int(3))
		return nil
	}, id[:], tenant, int64(peal.MaxPendingCount))
}

// createdAt is the time in a row's key; zero for none.
func createdAt(seq any) time.Time {
	if n, ok := seq.(int64); ok {
		return timeOfSeq(n)
	}
	return time.Time{}
}

// timeOfSeq returns the time of a row's key.
func timeOfSeq(seq int64) time.Time {
	return peal.EventKey(halves{head: headOf(seq)}.id()).Time()
}

// Backlog implements [storetest.StatsStore].
func (s *Store) Backlog(ctx context.Context, tenant string) (peal.DeliveryBacklog, error) {
	if tenant == "" {
		return s.wholeBacklog(ctx)
	}
	var b peal.DeliveryBacklog
	limit := strconv.Itoa(peal.MaxBacklogCount)
	const of = ` FROM webhooks w INDEXED BY webhooks_tenant CROSS JOIN `
	const ours = ` w.tenant = (SELECT num FROM tenants WHERE name = ?1)`
	const stopped = ` AND w.settings ->> '$.status' IN ('paused', 'disabled')`
	const waiting = `waiting x INDEXED BY waiting_webhook ON x.webhook = w.num`
	const held = `held h WHERE h.webhook IN (SELECT w.num FROM webhooks w WHERE` + ours
	err := s.query(ctx, `SELECT
			(SELECT count(*) FROM `+held+`)) + (SELECT count(*) FROM (SELECT 1`+of+waiting+` WHERE`+ours+` LIMIT `+limit+`)),
			(SELECT count(*) FROM `+held+stopped+`)) + (SELECT count(*) FROM (SELECT 1`+of+waiting+` WHERE`+ours+stopped+` LIMIT `+limit+`)),
			(SELECT min(seq) FROM (SELECT min(seq) AS seq FROM `+held+`)
				UNION ALL SELECT (SELECT min(seq) FROM waiting INDEXED BY waiting_webhook WHERE webhook = w.num) FROM webhooks w WHERE`+ours+`))`, func(r row) error {
		b.Pending, b.Held = min(int(r.int(0)), peal.MaxBacklogCount), min(int(r.int(1)), peal.MaxBacklogCount)
		b.Oldest = createdAt(r[2])
		return nil
	}, tenant)
	return b, translate("count what is pending", err)
}

// wholeBacklog counts what is pending for all tenants: it looks at as many rows as it
// counts at most, and takes a step in an index for each webhook that something waits for.
func (s *Store) wholeBacklog(ctx context.Context) (peal.DeliveryBacklog, error) {
	var b peal.DeliveryBacklog
	limit := strconv.Itoa(peal.MaxBacklogCount)
	err := s.query(ctx, `WITH RECURSIVE every (webhook) AS (
			SELECT min(webhook) FROM waiting
			UNION ALL
			SELECT (SELECT min(webhook) FROM waiting WHERE webhook > every.webhook) FROM every WHERE webhook IS NOT NULL),
		stopped (num) AS MATERIALIZED (
			SELECT w.num FROM (SELECT webhook FROM every UNION SELECT webhook FROM held) o JOIN webhooks w ON w.num = o.webhook
			WHERE w.settings ->> '$.status' IN ('paused', 'disabled'))
		SELECT
			(SELECT count(*) FROM held) + (SELECT count(*) FROM (SELECT 1 FROM waiting INDEXED BY waiting_webhook WHERE webhook > 0 LIMIT `+limit+`)),
			(SELECT count(*) FROM held WHERE webhook IN (SELECT num FROM stopped))
				+ (SELECT count(*) FROM (SELECT 1 FROM stopped CROSS JOIN waiting x INDEXED BY waiting_webhook ON x.webhook = stopped.num LIMIT `+limit+`)),
			(SELECT min(seq) FROM (SELECT min(seq) AS seq FROM held UNION ALL SELECT min(seq) FROM waiting))`, func(r row) error {
		b.Pending, b.Held = min(int(r.int(0)), peal.MaxBacklogCount), min(int(r.int(1)), peal.MaxBacklogCount)
		b.Oldest = createdAt(r[2])
		return nil
	})
	return b, translate("count what is pending", err)
}

// AttentionReport implements [storetest.StatsStore]. Each statement walks an index in its order and ends
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
	return all, translate("read the standing of tenants", err)
}

// PendingUsage implements [storetest.QuotaStore].
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
