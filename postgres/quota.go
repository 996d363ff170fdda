package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// quotaText counts the rows of a row quota of tenant $1 at moment $2, up to $3.
func quotaText(quota peal.Quota) string {
	table, condition := record.QuotaCount(quota)
	condition = strings.NewReplacer("LIVE", "= 0", "NOW", "$2").Replace(condition)
	return fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM peal.%s WHERE tenant = $1%s AND $2::bigint IS NOT NULL LIMIT $3) x`, table, condition)
}

// countMost is up to which number rows are counted where no limit ends it.
const countMost = 1_000_000

// room refuses a row that would exceed a quota of a tenant. It runs in the transaction
// that adds the row, before it, and keeps others from adding rows to the tenant until
// that ends. A tenant of 0 is none.
func (t *tx) room(quota peal.Quota, tenant int32, now time.Time) error {
	used, limit, err := t.used(quota, tenant, now)
	if err == nil && limit > 0 && used >= limit {
		err = t.exceeded(quota, used, limit)
	}
	return err
}

// exceeded returns the refusal of a row, counted.
func (t *tx) exceeded(quota peal.Quota, used, limit int64) error {
	refused := quota.Exceeded(used, limit)
	t.s.stats.refusals.Count(refused)
	return refused
}

// used returns how many rows of a quota a tenant has, up to the limit.
func (t *tx) used(quota peal.Quota, tenant int32, now time.Time) (used, limit int64, err error) {
	if tenant == 0 {
		return 0, 0, nil
	}
	var name, text string
	if _, err := t.one(`SELECT name, coalesce(quotas, '') FROM peal.tenants WHERE num = $1`, []any{tenant}, &name, &text); err != nil {
		return 0, 0, err
	}
	own, err := peal.DecodeQuotas(text)
	if err != nil {
		return 0, 0, err
	}
	if limit = t.s.options.Quotas.Of(name, own, quota); limit == 0 {
		return 0, 0, nil
	}
	// Locked only where there is a limit: who creates many at once waits otherwise.
	if _, err := t.exec(`SELECT num FROM peal.tenants WHERE num = $1 FOR NO KEY UPDATE`, tenant); err != nil {
		return 0, 0, err
	}
	_, err = t.one(quotaText(quota), []any{tenant, micros(now), limit}, &used)
	return used, limit, err
}

// roomForSession is room for a session: where a user has others, the oldest one ends
// instead, so that nobody is locked out.
func (t *tx) roomForSession(session *peal.Session, tenant int32) error {
	now := session.CreatedAt()
	used, limit, err := t.used(peal.QuotaSessions, tenant, now)
	if err != nil || limit == 0 || used < limit {
		return err
	}
	if !session.UserID.IsZero() {
		n, err := t.exec(`UPDATE peal.sessions SET revoked = $1 WHERE id = (
			SELECT id FROM peal.sessions WHERE "user" = $2 AND revoked = 0 AND expires > $1 ORDER BY id LIMIT 1)`, micros(now), uuid(session.UserID))
		if err != nil || n > 0 {
			return err
		}
	}
	return t.exceeded(peal.QuotaSessions, used, limit)
}

// Usage implements [peal.QuotaStore].
func (s *Store) Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error) {
	usage := map[peal.Quota]int64{}
	var num int32
	_, err := s.one(ctx, s.pool, `SELECT num FROM peal.tenants WHERE name = $1`, []any{clean(tenant)}, &num)
	for _, quota := range peal.RowQuotas() {
		if err != nil {
			break
		}
		var used int64
		_, err = s.one(ctx, s.pool, quotaText(quota), []any{num, micros(now), countMost}, &used)
		usage[quota] = used
	}
	return usage, translate("count what a tenant has", err)
}

// Count implements [peal.QuotaStore].
func (s *Store) Count(ctx context.Context, tenant string, quota peal.Quota, now time.Time, most int64) (count int64, err error) {
	var num int32
	if _, err = s.one(ctx, s.pool, `SELECT num FROM peal.tenants WHERE name = $1`, []any{clean(tenant)}, &num); err == nil {
		_, err = s.one(ctx, s.pool, quotaText(quota), []any{num, micros(now), most}, &count)
	}
	return count, translate("count what a tenant has", err)
}

// Uses implements [peal.QuotaStore].
func (s *Store) Uses(ctx context.Context, quota peal.Quota, now time.Time) (uses []peal.TenantUse, err error) {
	table, condition := record.QuotaCount(quota)
	condition = strings.NewReplacer("LIVE", "= 0", "NOW", "$1").Replace(condition)
	err = s.query(ctx, fmt.Sprintf(`SELECT t.name, coalesce(t.quotas, ''), c.used FROM (SELECT tenant, count(*) AS used FROM peal.%s WHERE $1::bigint IS NOT NULL%s GROUP BY tenant) c
		JOIN peal.tenants t ON t.num = c.tenant`, table, condition), func(rows pgx.Rows) error {
		var use peal.TenantUse
		var quotas string
		err := rows.Scan(&use.Tenant, &quotas, &use.Used)
		if err == nil {
			use.Quotas, err = peal.DecodeQuotas(quotas)
		}
		uses = append(uses, use)
		return err
	}, micros(now))
	return uses, translate("count what tenants have", err)
}

// CountEventTypes implements [peal.QuotaStore].
func (s *Store) CountEventTypes(ctx context.Context, catalogue string, most int64) (count int64, err error) {
	_, err = s.one(ctx, s.pool, `SELECT count(*) FROM (SELECT 1 FROM peal.catalogue_types WHERE key > $1 AND key < $2 LIMIT $3) t`,
		[]any{clean(peal.EventTypeKey(catalogue, "")), clean(peal.EventTypesEnd(catalogue)), most}, &count)
	return count, translate("count event types", err)
}

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

// roomForEventType refuses an entry that was just added to a catalogue which had as many
// as it may have.
func (t *tx) roomForEventType(catalogue string, limit int64) error {
	if _, err := t.exec(`SELECT value FROM peal.meta WHERE name = 'routes' FOR NO KEY UPDATE`); err != nil { // one after the other
		return err
	}
	var used int64
	_, err := t.one(`SELECT count(*) FROM peal.catalogue_types WHERE key > $1 AND key < $2`,
		[]any{clean(peal.EventTypeKey(catalogue, "")), clean(peal.EventTypesEnd(catalogue))}, &used)
	if err == nil && used > limit {
		err = t.exceeded(peal.QuotaEventTypes, limit, limit)
	}
	return err
}
