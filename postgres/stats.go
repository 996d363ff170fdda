package postgres

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Stats implements [storetest.StatsStore].
func (s *Store) Stats(ctx context.Context, query peal.StatsQuery) ([]peal.StatsBucket, error) {
	var buckets []peal.StatsBucket
	err := s.query(ctx, `SELECT w.id, b.start, b.counts FROM peal.webhooks w
			CROSS JOIN LATERAL (SELECT start, counts FROM peal.buckets WHERE webhook = w.num AND width = $3 AND start >= $4 AND start < $5) b
		WHERE w.tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND ($2::uuid IS NULL OR w.id = $2) ORDER BY w.id, b.start`, func(rows pgx.Rows) error {
		var id [16]byte
		var start int64
		var text []byte
		if err := rows.Scan(&id, &start, &text); err != nil {
			return err
		}
		b := peal.StatsBucket{WebhookID: id, Start: timeOf(start)}
		if start == 0 {
			b.Start = time.Unix(0, 0).UTC()
		}
		if err := b.UnmarshalBinary(text); err != nil {
			return err
		}
		if last := len(buckets) - 1; last >= 0 && buckets[last].WebhookID == b.WebhookID && buckets[last].Start.Equal(b.Start) {
			buckets[last].Add(&b.DeliveryCounts)
		} else {
			buckets = append(buckets, b)
		}
		return nil
	}, clean(query.Tenant), orNoID(query.WebhookID), slices.Index(peal.BucketWidths(), query.Width), micros(query.Since), micros(query.Until))
	return buckets, translate("read counts", err)
}

// Totals implements [storetest.StatsStore].
func (s *Store) Totals(ctx context.Context, query peal.StatsQuery) (peal.StatsTotals, error) {
	var sum record.Totals
	var id [16]byte
	var start int64
	var counts pgtype.DriverBytes // valid until the next row, and copied nowhere
	err := s.query(ctx, `SELECT w.id, b.start, b.counts FROM peal.webhooks w
			CROSS JOIN LATERAL (SELECT start, counts FROM peal.buckets WHERE webhook = w.num AND width = $3 AND start >= $4 AND start < $5) b
		WHERE w.tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND ($2::uuid IS NULL OR w.id = $2)`, func(rows pgx.Rows) error {
		if err := rows.Scan(&id, &start, &counts); err != nil {
			return err
		}
		return sum.Add(id, start, counts)
	}, clean(query.Tenant), orNoID(query.WebhookID), slices.Index(peal.BucketWidths(), query.Width), micros(query.Since), micros(query.Until))
	return sum.Totals(), translate("read counts", err)
}

// Problems implements [storetest.StatsStore].
func (s *Store) Problems(ctx context.Context, query peal.ProblemQuery) ([]peal.WebhookProblem, error) {
	var problems []peal.WebhookProblem
	err := s.query(ctx, `SELECT w.id, p.reason, p.code, p.error, p.first, p.last, p.attempts FROM peal.webhooks w JOIN peal.problems p ON p.webhook = w.num AND p.last >= $3
		WHERE w.tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND ($2::uuid IS NULL OR w.id = $2) AND NOT w.deleted
		ORDER BY p.last DESC, w.id, p.reason, p.code LIMIT $4`, func(rows pgx.Rows) error {
		var p peal.WebhookProblem
		var reason string
		var first, last int64
		err := rows.Scan((*[16]byte)(&p.WebhookID), &reason, &p.StatusCode, &p.Error, &first, &last, &p.Attempts)
		p.Reason, p.First, p.Last = peal.Reason(reason), timeOf(first), timeOf(last)
		problems = append(problems, p)
		return err
	}, clean(query.Tenant), orNoID(query.WebhookID), micros(query.Since), query.Limit)
	return problems, translate("read problems", err)
}

// AddProblem implements [peal.Store].
func (s *Store) AddProblem(ctx context.Context, p peal.WebhookProblem) error {
	_, err := s.exec(ctx, `INSERT INTO peal.problems AS p (webhook, reason, code, error, first, last, attempts)
		SELECT num, $2, $3, $4, $5, $6, $7 FROM peal.webhooks WHERE id = $1 AND NOT deleted
		ON CONFLICT ON CONSTRAINT problems_pkey DO UPDATE SET
			error = CASE WHEN excluded.last >= p.last THEN excluded.error ELSE p.error END,
			first = CASE WHEN excluded.first > p.last + $8 THEN excluded.first ELSE least(p.first, excluded.first) END,
			attempts = excluded.attempts + CASE WHEN excluded.first > p.last + $8 THEN 0 ELSE p.attempts END,
			last = greatest(p.last, excluded.last)`,
		uuid(p.WebhookID), string(p.Reason), p.StatusCode, clean(p.Error), micros(p.First), micros(p.Last), int64(p.Attempts), peal.ProblemPause.Microseconds())
	return translate("write a problem", err)
}

// Activity implements [storetest.StatsStore]. It reads the webhooks' own stretches of indexes; only of the
// few deliveries that nodes hold, it looks at those of all webhooks.
func (s *Store) Activity(ctx context.Context, tenant string, webhooks []peal.WebhookID) ([]peal.WebhookActivity, error) {
	all := make([]peal.WebhookActivity, len(webhooks))
	err := s.query(ctx, `SELECT u.place,
			(SELECT count(*) FROM peal.held h WHERE h.webhook = w.num) + (SELECT count(*) FROM (SELECT FROM peal.waiting x WHERE x.webhook = w.num LIMIT $3) x),
			(SELECT id FROM (SELECT id FROM peal.held h WHERE h.webhook = w.num UNION ALL
				(SELECT id FROM peal.waiting x WHERE x.webhook = w.num ORDER BY id LIMIT 1)) o ORDER BY id LIMIT 1),
			(SELECT at FROM peal.settled x WHERE x.webhook = w.num AND x.status = 1 ORDER BY id DESC LIMIT 1),
			(SELECT at FROM peal.settled x WHERE x.webhook = w.num AND x.status = 2 ORDER BY id DESC LIMIT 1)
		FROM unnest($1::uuid[]) WITH ORDINALITY u(id, place) JOIN peal.webhooks w ON w.id = u.id JOIN peal.tenants n ON n.num = w.tenant WHERE n.name = $2`, func(rows pgx.Rows) error {
		var place, pending int
		var oldest *[16]byte
		var success, failure *int64
		if err := rows.Scan(&place, &pending, &oldest, &success, &failure); err != nil {
			return err
		}
		a := &all[place-1]
		a.Pending = min(pending, peal.MaxPendingCount)
		if oldest != nil {
			a.Oldest = peal.DeliveryID(*oldest).Time()
		}
		if success != nil {
			a.LastSuccess = timeOf(*success)
		}
		if failure != nil {
			a.LastFailure = timeOf(*failure)
		}
		return nil
	}, uuids(webhooks...), clean(tenant), peal.MaxPendingCount)
	return all, translate("read what webhooks do", err)
}

// Backlog implements [storetest.StatsStore].
func (s *Store) Backlog(ctx context.Context, tenant string) (peal.DeliveryBacklog, error) {
	limit := strconv.Itoa(peal.MaxBacklogCount)
	count := func(of string) string {
		return `(SELECT count(*) FROM peal.held h WHERE h.webhook IN (SELECT num FROM ` + of + `)) +
			(SELECT count(*) FROM (SELECT FROM ` + of + ` w JOIN peal.waiting x ON x.webhook = w.num LIMIT ` + limit + `) x)`
	}
	var b peal.DeliveryBacklog
	var oldest *[16]byte
	_, err := s.one(ctx, s.pool, `WITH ours AS (SELECT num, status FROM peal.webhooks WHERE $1::text = '' OR tenant = (SELECT num FROM peal.tenants WHERE name = $1)),
			stopped AS (SELECT num FROM ours WHERE status IN ('paused', 'disabled'))
		SELECT `+count("ours")+`, `+count("stopped")+`,
			(SELECT id FROM (SELECT h.id FROM peal.held h WHERE h.webhook IN (SELECT num FROM ours) UNION ALL
				SELECT x.id FROM ours CROSS JOIN LATERAL (SELECT id FROM peal.waiting WHERE webhook = ours.num ORDER BY id LIMIT 1) x) o ORDER BY id LIMIT 1)`,
		[]any{clean(tenant)}, &b.Pending, &b.Held, &oldest)
	b.Pending, b.Held = min(b.Pending, peal.MaxBacklogCount), min(b.Held, peal.MaxBacklogCount)
	if oldest != nil {
		b.Oldest = peal.DeliveryID(*oldest).Time()
	}
	return b, translate("count what is pending", err)
}

// purgeStats takes away buckets and problems that have had their time.
func (s *Store) purgeStats(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Stats.IsZero() {
		return false, nil
	}
	for width, of := range peal.BucketWidths() {
		n, err := s.exec(ctx, `DELETE FROM peal.buckets WHERE (webhook, width, start, slot) IN (
			SELECT webhook, width, start, slot FROM peal.buckets WHERE width = $1 AND start < $2 LIMIT $3)`, width, micros(params.Stats.Add(-of.Retention())), purgeRows)
		if purged.Buckets = int(n); err != nil || n > 0 {
			return true, err
		}
	}
	n, err := s.exec(ctx, `DELETE FROM peal.problems WHERE (webhook, reason, code) IN (SELECT webhook, reason, code FROM peal.problems WHERE last < $1 LIMIT $2)`,
		micros(params.Stats.Add(-peal.ProblemRetention)), purgeRows)
	purged.Buckets = int(n)
	return n > 0, err
}

// AttentionReport implements [storetest.StatsStore]. Each statement walks an index in its order and ends
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
	return all, translate("read the standing of tenants", err)
}

// PendingUsage implements [storetest.QuotaStore].
func (s *Store) PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error) {
	_, err = s.one(ctx, s.pool, `WITH hooks AS MATERIALIZED (SELECT num FROM peal.webhooks WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1)),
		pending AS (
			SELECT event FROM peal.held WHERE webhook IN (SELECT num FROM hooks)
			UNION ALL SELECT d.event FROM hooks JOIN peal.waiting d ON d.webhook = hooks.num
			LIMIT $2)
		SELECT count(*), coalesce(sum(octet_length(e.data)), 0)::bigint FROM pending p LEFT JOIN peal.events e ON e.key = p.event`, []any{clean(tenant), most}, &deliveries, &bytes)
	return deliveries, bytes, translate("count what is pending", err)
}
