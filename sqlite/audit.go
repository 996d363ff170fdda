package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// AppendAudit implements [peal.IdentityStore].
func (s *Store) AppendAudit(ctx context.Context, e peal.AuditEntry, keep time.Duration) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		if keep > 0 {
			oldest := peal.FloorID[peal.AuditID](e.At().Add(-keep))
			if _, err := w.conn.exec(`DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < ? ORDER BY id LIMIT +?)`, oldest[:], int64(endedBatch)); err != nil {
				return err
			}
		}
		_, err := w.conn.exec(`INSERT INTO audit (id, tenant, actor_kind, actor_id, actor, action, target, detail, address, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.ID[:], e.Tenant, e.ActorKind, e.ActorID, e.Actor, e.Action, e.Target, e.Detail, e.Address, e.RequestID)
		return err
	}})
	return translate("append to the audit log", err)
}

// Audit implements [peal.IdentityStore].
func (s *Store) Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error) {
	var c conditions
	if query.Tenant != "" {
		c.add(`tenant = ?`, query.Tenant)
	}
	if query.Actor != "" {
		c.add(`(actor_id = ? OR actor = ?)`, query.Actor, query.Actor)
	}
	if query.Action != "" {
		c.add(`action = ?`, query.Action)
	}
	if query.Target != "" {
		c.add(`target = ?`, query.Target)
	}
	if !query.Since.IsZero() {
		since := peal.FloorID[peal.AuditID](query.Since)
		c.add(`id >= ?`, since[:])
	}
	if !query.Until.IsZero() {
		until := peal.FloorID[peal.AuditID](query.Until)
		c.add(`id < ?`, until[:])
	}
	c.before("id", query.Before.IsZero(), query.Before[:])
	var entries []peal.AuditEntry
	err := s.query(ctx, `SELECT id, tenant, actor_kind, actor_id, actor, action, target, detail, address, request_id FROM audit`+c.text+` ORDER BY id DESC LIMIT +?`, func(r row) error {
		entries = append(entries, peal.AuditEntry{
			ID: peal.AuditID(r.blob(0)), Tenant: r.text(1), ActorKind: r.text(2), ActorID: r.text(3), Actor: r.text(4),
			Action: r.text(5), Target: r.text(6), Detail: r.text(7), Address: r.text(8), RequestID: r.text(9),
		})
		return nil
	}, append(c.values, int64(query.Limit))...)
	return entries, translate("list the audit log", err)
}
