package configstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// countMost is up to which number rows are counted where no limit ends it.
const countMost = 1_000_000

// quotaRows maps each row quota to the counted rows: the table, and a condition in addition to the
// tenant, in which NOW stands for the time.
var quotaRows = map[peal.Quota]struct{ table, condition string }{
	peal.QuotaWebhooks:    {"webhooks", "AND NOT deleted"},
	peal.QuotaSources:     {"sources", ""},
	peal.QuotaKeys:        {"keys", "AND revoked {none}"},
	peal.QuotaPortalLinks: {"portal_links", "AND used {none} AND revoked {none} AND expires > NOW"},
	peal.QuotaUsers:       {"users", ""},
	peal.QuotaSessions:    {"sessions", "AND revoked {none} AND expires > NOW"},
}

// quotaText is a query that counts the rows of a row quota of tenant ?1 at time ?2, up to ?3.
func quotaText(quota peal.Quota) string {
	rows := quotaRows[quota]
	return fmt.Sprintf(`SELECT count(*) FROM (
		SELECT 1 FROM peal.%s WHERE tenant = ?1 AND CAST(?2 AS bigint) IS NOT NULL %s LIMIT +?3) x`,
		rows.table, strings.ReplaceAll(rows.condition, "NOW", "?2"))
}

// room refuses a row that would exceed a quota of a tenant. It runs in the transaction that adds
// the row, before it, and keeps others from adding rows to the tenant until that ends. A tenant of
// 0 is none.
func (s *Store) room(tx Tx, quota peal.Quota, tenant int64, now time.Time) error {
	used, limit, err := s.used(tx, quota, tenant, now)
	if err == nil && limit > 0 && used >= limit {
		err = s.exceeded(quota, used, limit)
	}
	return err
}

// exceeded returns the refusal of a row, counted.
func (s *Store) exceeded(quota peal.Quota, used, limit int64) error {
	refused := quota.Exceeded(used, limit)
	s.Refusals.Count(refused)
	return refused
}

// used returns the number of rows of a quota that a tenant has, up to the limit; a limit of 0 is
// none.
func (s *Store) used(tx Tx, quota peal.Quota, tenant int64, now time.Time) (used, limit int64, err error) {
	if tenant == 0 {
		return 0, 0, nil
	}
	var name string
	var own peal.Quotas
	if err := Read(tx, []Column{Text("name", &name), quotasColumn("quotas", &own)}, ` FROM peal.tenants WHERE num = ?1`,
		func() error { return nil }, tenant); err != nil {
		return 0, 0, err
	}
	if limit = s.Quotas.Of(name, own, quota); limit == 0 {
		return 0, 0, nil
	}
	// Locked only where there is a limit: otherwise those who create many at once would wait.
	if _, _, err := number(tx, `SELECT num FROM peal.tenants WHERE num = ?1 [FOR NO KEY UPDATE]`, tenant); err != nil {
		return 0, 0, err
	}
	used, _, err = number(tx, quotaText(quota), tenant, now, limit)
	return used, limit, err
}

// roomForSession is room for a session. If its user has others, the oldest of them ends instead, so
// that nobody is locked out.
func (s *Store) roomForSession(tx Tx, session *peal.Session, tenant int64) error {
	now := session.CreatedAt()
	used, limit, err := s.used(tx, peal.QuotaSessions, tenant, now)
	if err != nil || limit == 0 || used < limit {
		return err
	}
	if !session.UserID.IsZero() {
		n, err := tx.Exec(`UPDATE peal.sessions SET revoked = ?1 WHERE id = (
			SELECT id FROM peal.sessions WHERE "user" = ?2 AND revoked {none} AND expires > ?1 ORDER BY id LIMIT 1)`,
			now, ID(session.UserID))
		if err != nil || n > 0 {
			return err
		}
	}
	return s.exceeded(peal.QuotaSessions, used, limit)
}

// quotasColumn is a column of the quotas of a tenant.
func quotasColumn(name string, to *peal.Quotas) Column {
	return decoded(name, func(text string) (err error) {
		*to, err = peal.DecodeQuotas(text)
		return err
	})
}

// Usage implements [storetest.QuotaStore].
func (s *Store) Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error) {
	usage := map[peal.Quota]int64{}
	q := s.db.Reader(ctx)
	num, _, err := number(q, `SELECT num FROM peal.tenants WHERE name = ?1`, tenant)
	for _, quota := range peal.RowQuotas() {
		if err != nil {
			break
		}
		usage[quota], _, err = number(q, quotaText(quota), num, now, countMost)
	}
	return usage, s.db.Translate("count what a tenant has", err)
}

// Count implements [storetest.QuotaStore].
func (s *Store) Count(
	ctx context.Context, tenant string, quota peal.Quota, now time.Time, most int64,
) (count int64, err error) {
	q := s.db.Reader(ctx)
	num, _, err := number(q, `SELECT num FROM peal.tenants WHERE name = ?1`, tenant)
	if err == nil {
		count, _, err = number(q, quotaText(quota), num, now, most)
	}
	return count, s.db.Translate("count what a tenant has", err)
}

// Uses implements [storetest.QuotaStore].
func (s *Store) Uses(ctx context.Context, quota peal.Quota, now time.Time) (uses []peal.TenantUse, err error) {
	counted := quotaRows[quota]
	from := fmt.Sprintf(` FROM (
			SELECT tenant, count(*) AS used FROM peal.%s WHERE CAST(?1 AS bigint) IS NOT NULL %s GROUP BY tenant) c
		JOIN peal.tenants t ON t.num = c.tenant`, counted.table, strings.ReplaceAll(counted.condition, "NOW", "?1"))
	rows := table[peal.TenantUse]{from, func(u *peal.TenantUse) []Column {
		return []Column{Text("t.name", &u.Tenant), quotasColumn("t.quotas", &u.Quotas), Int("c.used", &u.Used)}
	}}
	uses, err = rows.list(s.db.Reader(ctx), "", now)
	return uses, s.db.Translate("count what tenants have", err)
}

// CountEventTypes implements [storetest.QuotaStore].
func (s *Store) CountEventTypes(ctx context.Context, catalogue string, most int64) (count int64, err error) {
	count, _, err = number(s.db.Reader(ctx), `SELECT count(*) FROM (
		SELECT 1 FROM peal.catalogue_types WHERE key > ?1 AND key < ?2 LIMIT +?3) t`,
		peal.EventTypeKey(catalogue, ""), peal.EventTypesEnd(catalogue), most)
	return count, s.db.Translate("count event types", err)
}
