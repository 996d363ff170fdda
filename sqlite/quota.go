package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// quotaText counts the rows of a row quota of tenant ?1 at moment ?2, up to ?3.
func quotaText(quota peal.Quota) string {
	table, condition := record.QuotaCount(quota)
	condition = strings.NewReplacer("LIVE", "IS NULL", "NOW", "?2").Replace(condition)
	return `SELECT count(*) FROM (SELECT 1 FROM ` + table + ` WHERE tenant = ?1` + condition + ` LIMIT +?3), (SELECT ?2)`
}

// countMost is up to which number rows are counted where no limit ends it.
const countMost = 1_000_000

// room refuses a row that would exceed a quota of a tenant. It runs in the transaction
// that adds the row, before it. A tenant of 0 is none.
func (s *Store) room(w *writer, quota peal.Quota, tenant int64, now time.Time) error {
	if tenant == 0 {
		return nil
	}
	used, limit, err := s.used(w, quota, tenant, now)
	if err == nil && limit > 0 && used >= limit {
		err = s.exceeded(quota, used, limit)
	}
	return err
}

// exceeded returns the refusal of a row, counted.
func (s *Store) exceeded(quota peal.Quota, used, limit int64) error {
	refused := quota.Exceeded(used, limit)
	s.writer.stats.refusals.Count(refused)
	return refuse(refused)
}

// used returns how many rows of a quota a tenant has, up to the limit.
func (s *Store) used(w *writer, quota peal.Quota, tenant int64, now time.Time) (used, limit int64, err error) {
	var own peal.Quotas
	var name string
	if err := w.conn.query(`SELECT name, quotas FROM tenants WHERE num = ?`, func(r row) (err error) {
		name = r.text(0)
		own, err = peal.DecodeQuotas(r.text(1))
		return err
	}, tenant); err != nil {
		return 0, 0, err
	}
	if limit = s.options.Quotas.Of(name, own, quota); limit == 0 {
		return 0, 0, nil
	}
	used, _, err = w.conn.number(quotaText(quota), tenant, micros(now), limit)
	return used, limit, err
}

// roomForSession is room for a session: where a user has others, the oldest one ends
// instead, so that nobody is locked out.
func (s *Store) roomForSession(w *writer, session *peal.Session, tenant int64) error {
	if tenant == 0 {
		return nil
	}
	now := session.CreatedAt()
	used, limit, err := s.used(w, peal.QuotaSessions, tenant, now)
	if err != nil || limit == 0 || used < limit {
		return err
	}
	if !session.UserID.IsZero() {
		n, err := w.conn.exec(`UPDATE sessions SET revoked = ?1 WHERE id = (
			SELECT id FROM sessions WHERE user = ?2 AND revoked IS NULL AND expires > ?1 ORDER BY id LIMIT 1)`, micros(now), session.UserID[:])
		if err != nil || n > 0 {
			return err
		}
	}
	return s.exceeded(peal.QuotaSessions, used, limit)
}

// Usage implements [peal.QuotaStore].
func (s *Store) Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error) {
	usage := map[peal.Quota]int64{}
	err := s.snapshot(ctx, func(q querier) error {
		num := int64(0)
		if err := q.query(ctx, `SELECT num FROM tenants WHERE name = ?`, func(r row) error {
			num = r.int(0)
			return nil
		}, tenant); err != nil {
			return err
		}
		for _, quota := range peal.RowQuotas() {
			if err := q.query(ctx, quotaText(quota), func(r row) error {
				usage[quota] = r.int(0)
				return nil
			}, num, micros(now), int64(countMost)); err != nil {
				return err
			}
		}
		return nil
	})
	return usage, translate("count what a tenant has", err)
}

// Count implements [peal.QuotaStore].
func (s *Store) Count(ctx context.Context, tenant string, quota peal.Quota, now time.Time, most int64) (count int64, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		num := int64(0)
		if err := q.query(ctx, `SELECT num FROM tenants WHERE name = ?`, func(r row) error {
			num = r.int(0)
			return nil
		}, tenant); err != nil {
			return err
		}
		return q.query(ctx, quotaText(quota), func(r row) error {
			count = r.int(0)
			return nil
		}, num, micros(now), most)
	})
	return count, translate("count what a tenant has", err)
}

// Uses implements [peal.QuotaStore].
func (s *Store) Uses(ctx context.Context, quota peal.Quota, now time.Time) (uses []peal.TenantUse, err error) {
	table, condition := record.QuotaCount(quota)
	condition = strings.NewReplacer("LIVE", "IS NULL", "NOW", "?1").Replace(condition)
	err = s.query(ctx, `SELECT t.name, t.quotas, c.used FROM (SELECT tenant, count(*) AS used FROM `+table+` WHERE ?1 IS NOT NULL`+condition+` GROUP BY tenant) c
		JOIN tenants t ON t.num = c.tenant`, func(r row) error {
		quotas, err := peal.DecodeQuotas(r.text(1))
		uses = append(uses, peal.TenantUse{Tenant: r.text(0), Quotas: quotas, Used: r.int(2)})
		return err
	}, micros(now))
	return uses, translate("count what tenants have", err)
}

// CountEventTypes implements [peal.QuotaStore].
func (s *Store) CountEventTypes(ctx context.Context, catalogue string, most int64) (count int64, err error) {
	err = s.query(ctx, `SELECT count(*) FROM (SELECT 1 FROM catalogue_types WHERE key > ? AND key < ? LIMIT +?)`, func(r row) error {
		count = r.int(0)
		return nil
	}, peal.EventTypeKey(catalogue, ""), peal.EventTypesEnd(catalogue), most)
	return count, translate("count event types", err)
}

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
