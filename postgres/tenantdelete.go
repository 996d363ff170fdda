package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
)

// deleteRows bounds one step of deleting a tenant, and deleteBytes the data of its events.
const (
	deleteRows  = 1000
	deleteBytes = 8 << 20
)

// The column deleting of a tenant is when its deletion started; NULL and 0 both mean that it is
// not being deleted: rows that were copied from another store have 0.

// StartTenantDeletion implements [storetest.TenantDeletionStore].
func (s *Store) StartTenantDeletion(ctx context.Context, name string, at time.Time) error {
	err := s.changeRoutes(ctx, func(t *tx, _ int64) error {
		if _, err := t.exec(`SELECT num FROM peal.tenants WHERE name = $1 FOR UPDATE`, clean(name)); err != nil { // see ensureTenant
			return err
		}
		n, err := t.exec(`UPDATE peal.tenants SET deleting = coalesce(nullif(deleting, 0), $2), revision = revision + (coalesce(deleting, 0) = 0)::integer WHERE name = $1`, clean(name), micros(at))
		if err == nil && n == 0 {
			err = configstore.NoTenant(name)
		}
		return err
	})
	return translate("start the deletion of a tenant", err)
}

// TenantCounts implements [storetest.TenantDeletionStore].
func (s *Store) TenantCounts(ctx context.Context, name string) (c peal.TenantCounts, err error) {
	var num int32
	found, err := s.one(ctx, s.pool, `SELECT num FROM peal.tenants WHERE name = $1`, []any{clean(name)}, &num)
	if err == nil && !found {
		err = configstore.NoTenant(name)
	}
	for _, of := range []struct {
		count *int64
		from  string
	}{
		{&c.Webhooks, `webhooks WHERE tenant = $1 AND NOT deleted`}, {&c.Sources, `sources WHERE tenant = $1`}, {&c.Keys, `keys WHERE tenant = $1`},
		{&c.Users, `users WHERE tenant = $1`}, {&c.Sessions, `sessions WHERE tenant = $1`}, {&c.PortalLinks, `portal_links WHERE tenant = $1`},
		{&c.Themes, `themes WHERE tenant = $1`}, {&c.Events, `events WHERE tenant = $1`}, {&c.Replays, `replays WHERE tenant = $1`},
		{&c.AuditEntries, `audit WHERE tenant = (SELECT name FROM peal.tenants WHERE num = $1)`},
	} {
		if err == nil {
			_, err = s.one(ctx, s.pool, `SELECT count(*) FROM (SELECT FROM peal.`+of.from+` LIMIT $2) x`, []any{num, peal.MaxTenantCount}, of.count)
		}
	}
	if err == nil {
		_, err = s.one(ctx, s.pool, `SELECT count(*), least(coalesce(sum(attempts), 0), $2)::bigint FROM (
			SELECT d.attempts FROM peal.webhooks w JOIN peal.held d ON d.webhook = w.num WHERE w.tenant = $1
			UNION ALL SELECT d.attempts FROM peal.webhooks w JOIN peal.waiting d ON d.webhook = w.num WHERE w.tenant = $1
			UNION ALL SELECT d.attempts FROM peal.webhooks w JOIN peal.settled d ON d.webhook = w.num WHERE w.tenant = $1
			LIMIT $2::bigint) x`, []any{num, peal.MaxTenantCount}, &c.Deliveries, &c.Attempts)
	}
	return c, translate("count what a tenant has", err)
}

// PurgeTenant implements [storetest.TenantDeletionStore].
func (s *Store) PurgeTenant(ctx context.Context) (peal.TenantPurgeResult, error) {
	var done peal.TenantPurgeResult
	var num int32
	waits := false
	// Deliveries of a large insert that are not rows yet are waited for.
	found, err := s.one(ctx, s.pool, `SELECT t.num, t.name, EXISTS (SELECT FROM peal.spreads s JOIN peal.events e ON e.tenant = t.num AND e.key BETWEEN s.first AND s.last)
		FROM peal.tenants t WHERE t.deleting > 0 ORDER BY t.deleting LIMIT 1`, nil, &num, &done.Tenant, &waits)
	if err != nil || !found || waits {
		return done, translate("delete a tenant", err)
	}
	begun := time.Now()
	for _, step := range tenantSteps {
		n, err := step(ctx, s, num, done.Tenant)
		if err != nil {
			return done, translate("delete a tenant", err)
		}
		if done.Deleted = n; n > 0 {
			done.Held = time.Since(begun)
			return done, nil
		}
	}
	err = s.changeRoutes(ctx, func(t *tx, _ int64) error {
		_, err := t.exec(`DELETE FROM peal.tenants WHERE num = $1`, num)
		return err
	})
	done.Gone, done.Held = err == nil, time.Since(begun)
	return done, translate("delete a tenant", err)
}

// tenantStep deletes a bounded number of rows, in one transaction, and returns how many; 0
// when none of its kind are left.
type tenantStep func(ctx context.Context, s *Store, num int32, name string) (int, error)

var tenantSteps = []tenantStep{
	retireWebhooks,
	deletesOf(`replays`, `id`), deletesOf(`sources`, `id`), deletesOf(`keys`, `id`), deletesOf(`sessions`, `id`), deletesOf(`users`, `id`), deletesOf(`portal_links`, `id`),
	deleteDeliveries, deleteEvents,
	deletesOf(`themes`, `tenant`),
	func(ctx context.Context, s *Store, _ int32, name string) (int, error) {
		n, err := s.exec(ctx, `DELETE FROM peal.audit WHERE id IN (SELECT id FROM peal.audit WHERE tenant = $1 LIMIT $2)`, name, deleteRows)
		return int(n), err
	},
}

// deletesOf returns the step that deletes rows of a table by their key.
func deletesOf(table, key string) tenantStep {
	text := `DELETE FROM peal.` + table + ` WHERE ` + key + ` IN (SELECT ` + key + ` FROM peal.` + table + ` WHERE tenant = $1 LIMIT $2)`
	return func(ctx context.Context, s *Store, num int32, _ string) (int, error) {
		n, err := s.exec(ctx, text, num, deleteRows)
		return int(n), err
	}
}

// retireWebhooks deletes the settings of webhooks. A row without settings stays for nodes
// that have not read the routes since.
func retireWebhooks(ctx context.Context, s *Store, num int32, _ string) (int, error) {
	var found bool
	if _, err := s.one(ctx, s.pool, `SELECT EXISTS (SELECT FROM peal.webhooks WHERE tenant = $1 AND NOT deleted)`, []any{num}, &found); err != nil || !found {
		return 0, err
	}
	var n int64
	err := s.changeRoutes(ctx, func(t *tx, revision int64) (err error) {
		n, err = t.exec(`UPDATE peal.webhooks SET deleted = true, revision = $2, name = '', status = '', settings = NULL, confidential = NULL, sealed = false, updated = $3
			WHERE num IN (SELECT num FROM peal.webhooks WHERE tenant = $1 AND NOT deleted LIMIT $4)`, num, revision, micros(time.Now()), deleteRows)
		return err
	})
	return int(n), err
}

// deleteDeliveries deletes deliveries of one webhook with their attempts and, with the last
// of them, what was counted of the webhook. Its row, which has no settings, then belongs to
// the default tenant until retention deletes it.
func deleteDeliveries(ctx context.Context, s *Store, num int32, _ string) (deleted int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		deleted = 0
		var webhook int32
		if found, err := t.one(`SELECT num FROM peal.webhooks WHERE tenant = $1 LIMIT 1`, []any{num}, &webhook); err != nil || !found {
			return err
		}
		for _, table := range []string{"held", "waiting", "settled"} {
			ids, err := t.ids(`SELECT id FROM peal.`+table+` WHERE webhook = $1 LIMIT $2`, webhook, deleteRows-deleted)
			if err != nil {
				return err
			}
			for _, text := range []string{
				`DELETE FROM peal.` + table + ` WHERE id = ANY ($1)`, `DELETE FROM peal.attempts WHERE delivery = ANY ($1)`, `DELETE FROM peal.suspects WHERE delivery = ANY ($1)`,
			} {
				if _, err := t.exec(text, ids); err != nil {
					return err
				}
			}
			if deleted += len(ids); deleted >= deleteRows {
				crashpoint.Reach(crashpoint.PurgeWritten)
				return nil
			}
		}
		for _, text := range []string{
			`DELETE FROM peal.buckets WHERE webhook = $1`, `DELETE FROM peal.problems WHERE webhook = $1`,
			`UPDATE peal.webhooks SET tenant = (SELECT num FROM peal.tenants WHERE name = 'default') WHERE num = $1`,
		} {
			n, err := t.exec(text, webhook)
			if err != nil {
				return err
			}
			deleted += int(n)
		}
		crashpoint.Reach(crashpoint.PurgeWritten)
		return nil
	})
	return deleted, err
}

// deleteEvents deletes events with what the search index and the publishers' ids have of them.
func deleteEvents(ctx context.Context, s *Store, num int32, _ string) (deleted int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		keys, err := t.ids(`SELECT key FROM (SELECT key, sum(octet_length(data)) OVER (ORDER BY key) - octet_length(data) AS before
			FROM (SELECT key, data FROM peal.events WHERE tenant = $1 LIMIT $2) e) x WHERE before < $3`, num, deleteRows, deleteBytes)
		if deleted = len(keys); err != nil || deleted == 0 {
			return err
		}
		for _, text := range []string{
			`DELETE FROM peal.event_ids WHERE tenant = $2 AND event = ANY ($1)`, `DELETE FROM peal.search WHERE event = ANY ($1) AND $2::integer IS NOT NULL`,
			`DELETE FROM peal.events WHERE key = ANY ($1) AND tenant = $2`,
		} {
			if _, err := t.exec(text, keys, num); err != nil {
				return err
			}
		}
		crashpoint.Reach(crashpoint.PurgeWritten)
		return nil
	})
	return deleted, err
}

// ids returns the IDs that a statement selects.
func (t *tx) ids(text string, args ...any) (ids [][16]byte, err error) {
	rows, err := t.Query(t.ctx, t.s.sql(text), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[16]byte])
}
