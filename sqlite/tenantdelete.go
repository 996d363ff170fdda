package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
)

// The bounds of one step of deleting a tenant.
const (
	deleteRows  = 250
	deleteBytes = 1 << 20 // of events' data
)

// StartTenantDeletion implements [storetest.TenantDeletionStore].
func (s *Store) StartTenantDeletion(ctx context.Context, name string, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`UPDATE tenants SET deleting = ?, revision = revision + 1 WHERE name = ? AND coalesce(deleting, 0) = 0`, micros(at), name)
		if err != nil {
			return err
		}
		delete(w.names.tenants, name)
		if n > 0 {
			_, err = w.bumpRoutes()
			return err
		}
		if _, found, err := w.conn.number(`SELECT 1 FROM tenants WHERE name = ?`, name); err != nil || found {
			return err
		}
		return refuse(configstore.NoTenant(name))
	}})
	return translate("start the deletion of a tenant", err)
}

// countTexts count what tenant ?1, named ?2, has, up to ?3.
var countTexts = []struct {
	of   func(*peal.TenantCounts) *int64
	from string
}{
	{func(c *peal.TenantCounts) *int64 { return &c.Webhooks }, `webhooks WHERE tenant = ?1 AND NOT deleted`},
	{func(c *peal.TenantCounts) *int64 { return &c.Sources }, `sources WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Keys }, `keys WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Users }, `users WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Sessions }, `sessions WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.PortalLinks }, `portal_links WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Themes }, `themes WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Events }, `events WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.Replays }, `replays WHERE tenant = ?1`},
	{func(c *peal.TenantCounts) *int64 { return &c.AuditEntries }, `audit WHERE tenant = ?2`},
}

// TenantCounts implements [storetest.TenantDeletionStore].
func (s *Store) TenantCounts(ctx context.Context, name string) (counts peal.TenantCounts, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		num := int64(0)
		if err := q.query(ctx, `SELECT num FROM tenants WHERE name = ?`, func(r row) error {
			num = r.int(0)
			return nil
		}, name); err != nil {
			return err
		}
		if num == 0 {
			return configstore.NoTenant(name)
		}
		for _, c := range countTexts {
			if err := q.query(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+c.from+` LIMIT +?3), (SELECT ?1, ?2)`, func(r row) error {
				*c.of(&counts) = r.int(0)
				return nil
			}, num, name, int64(peal.MaxTenantCount)); err != nil {
				return err
			}
		}
		return q.query(ctx, `SELECT count(*), ifnull(sum(attempts), 0) FROM (
			SELECT attempts FROM held WHERE webhook IN (SELECT num FROM webhooks WHERE tenant = ?1)
			UNION ALL SELECT d.attempts FROM webhooks w CROSS JOIN waiting d INDEXED BY waiting_webhook ON d.webhook = w.num WHERE w.tenant = ?1
			UNION ALL SELECT d.attempts FROM webhooks w CROSS JOIN settled d INDEXED BY settled_webhook ON d.webhook = w.num WHERE w.tenant = ?1
			LIMIT +?2)`, func(r row) error {
			counts.Deliveries, counts.Attempts = r.int(0), min(r.int(1), peal.MaxTenantCount)
			return nil
		}, num, int64(peal.MaxTenantCount))
	})
	return counts, translate("count what a tenant has", err)
}

// PurgeTenant implements [storetest.TenantDeletionStore].
func (s *Store) PurgeTenant(ctx context.Context) (peal.TenantPurgeResult, error) {
	var num int64
	var done peal.TenantPurgeResult
	waits := false
	err := s.snapshot(ctx, func(q querier) error {
		if err := q.query(ctx, `SELECT num, name FROM tenants WHERE deleting > 0 ORDER BY deleting LIMIT 1`, func(r row) error {
			num, done.Tenant = r.int(0), r.text(1)
			return nil
		}); err != nil || num == 0 {
			return err
		}
		// Deliveries of a large insert that are not rows yet: the sweeper is at work on them.
		spans, err := spreading(ctx, q)
		if err != nil {
			return err
		}
		for _, span := range spans {
			if err := q.query(ctx, `SELECT 1 FROM events WHERE seq >= ? AND seq < ? AND tenant = ? LIMIT 1`, func(row) error {
				waits = true
				return nil
			}, span.from, span.until, num); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || num == 0 {
		return done, translate("delete a tenant", err)
	}
	if waits {
		s.sweeper.signal()
		return done, nil
	}
	err = s.queue.submit(&change{ctx: ctx, tenant: done.Tenant, rows: deleteRows, run: func(w *writer) error {
		begun := time.Now()
		done.Deleted, done.Gone = 0, false
		for _, step := range tenantSteps {
			n, err := step(w, num, done.Tenant)
			if err != nil {
				return err
			}
			if done.Deleted = n; n > 0 {
				done.Held = time.Since(begun)
				crashpoint.Reach(crashpoint.PurgeWritten)
				return nil
			}
		}
		done.Gone = true
		delete(w.names.tenants, done.Tenant)
		if _, err := w.bumpRoutes(); err != nil {
			return err
		}
		_, err := w.conn.exec(`DELETE FROM tenants WHERE num = ?`, num)
		done.Held = time.Since(begun)
		return err
	}})
	return done, translate("delete a tenant", err)
}

// tenantSteps are the steps of a deletion. Each deletes a bounded number of rows, and 0
// when none of its kind are left.
var tenantSteps = []func(w *writer, num int64, name string) (int, error){
	(*writer).retireWebhooks,
	deletesOf(`replays`, `id`), deletesOf(`sources`, `id`), deletesOf(`keys`, `id`), deletesOf(`sessions`, `id`), deletesOf(`users`, `id`), deletesOf(`portal_links`, `id`),
	(*writer).deleteDeliveries, (*writer).deleteEvents,
	deletesOf(`themes`, `tenant`),
	func(w *writer, _ int64, name string) (int, error) {
		n, err := w.conn.exec(`DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE tenant = ? LIMIT +?)`, name, int64(deleteRows))
		return int(n), err
	},
}

// deletesOf returns the step that deletes rows of a table by their key.
func deletesOf(table, key string) func(*writer, int64, string) (int, error) {
	text := `DELETE FROM ` + table + ` WHERE ` + key + ` IN (SELECT ` + key + ` FROM ` + table + ` WHERE tenant = ? LIMIT +?)`
	return func(w *writer, num int64, _ string) (int, error) {
		n, err := w.conn.exec(text, num, int64(deleteRows))
		return int(n), err
	}
}

// retireWebhooks deletes the settings of webhooks. A row without settings stays for
// nodes that have not read the routes since.
func (w *writer) retireWebhooks(num int64, _ string) (int, error) {
	var ids []peal.WebhookID
	if err := w.conn.query(`SELECT id FROM webhooks WHERE tenant = ? AND NOT deleted LIMIT +?`, func(r row) error {
		ids = append(ids, peal.WebhookID(r.blob(0)))
		return nil
	}, num, int64(deleteRows)); err != nil || len(ids) == 0 {
		return 0, err
	}
	revision, err := w.bumpRoutes()
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := w.conn.exec(`UPDATE webhooks SET deleted = 1, revision = ?, name = '', settings = NULL, confidential = NULL, sealed = 0, updated = ? WHERE id = ?`,
			revision, micros(time.Now()), id[:]); err != nil {
			return 0, err
		}
		delete(w.names.webhooks, id)
	}
	return len(ids), nil
}

// deleteDeliveries deletes deliveries of one webhook with their attempts and, with the
// last of them, what was counted of the webhook. Its row, which has no settings, then
// belongs to the default tenant until retention deletes it.
func (w *writer) deleteDeliveries(num int64, _ string) (int, error) {
	webhook, found, err := w.conn.number(`SELECT num FROM webhooks WHERE tenant = ? LIMIT 1`, num)
	if err != nil || !found {
		return 0, err
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	deleted := 0
	for _, table := range []string{"held", "waiting", "settled"} {
		var seqs []int64
		if err := w.conn.query(`SELECT seq FROM `+table+` WHERE webhook = ? LIMIT +?`, func(r row) error {
			seqs = append(seqs, r.int(0))
			return nil
		}, webhook, int64(deleteRows-deleted)); err != nil {
			return 0, err
		}
		for _, text := range []string{
			`DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(?))`, `DELETE FROM suspects WHERE seq IN (SELECT value FROM json_each(?))`,
			`DELETE FROM ` + table + ` WHERE seq IN (SELECT value FROM json_each(?))`,
		} {
			if _, err := w.conn.exec(text, listOf(seqs)); err != nil {
				return 0, err
			}
		}
		if deleted += len(seqs); deleted >= deleteRows {
			return deleted, nil
		}
	}
	for _, text := range []string{
		`DELETE FROM buckets WHERE webhook = ?`, `DELETE FROM problems WHERE webhook = ?`,
		`UPDATE webhooks SET tenant = (SELECT num FROM tenants WHERE name = 'default') WHERE num = ?`,
	} {
		n, err := w.conn.exec(text, webhook)
		if err != nil {
			return 0, err
		}
		deleted += int(n)
	}
	return deleted, nil
}

// deleteEvents deletes events.
func (w *writer) deleteEvents(num int64, _ string) (int, error) {
	var seqs []int64
	size := int64(0)
	if err := w.conn.query(`SELECT seq, length(data) FROM events WHERE tenant = ? LIMIT +?`, func(r row) error {
		if size < deleteBytes {
			seqs, size = append(seqs, r.int(0)), size+r.int(1)
		}
		return nil
	}, num, int64(deleteRows)); err != nil || len(seqs) == 0 {
		return 0, err
	}
	slices.Sort(seqs)
	_, err := w.conn.exec(`DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))`, listOf(seqs))
	return len(seqs), err
}
