package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// AppendAudit implements [peal.IdentityStore].
func (s *Store) AppendAudit(ctx context.Context, e peal.AuditEntry, keep time.Duration) error {
	err := s.transact(ctx, func(t *tx) error {
		if keep > 0 {
			oldest := peal.FloorID[peal.AuditID](e.At().Add(-keep))
			if _, err := t.exec(`DELETE FROM peal.audit WHERE id IN (SELECT id FROM peal.audit WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`, uuid(oldest), endedBatch); err != nil {
				return err
			}
		}
		_, err := t.exec(`INSERT INTO peal.audit (id, tenant, actor_kind, actor_id, actor, action, target, detail, address, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			uuid(e.ID), clean(e.Tenant), e.ActorKind, clean(e.ActorID), clean(e.Actor), e.Action, clean(e.Target), clean(e.Detail), clean(e.Address), clean(e.RequestID))
		return err
	})
	return translate("append to the audit log", err)
}

// Audit implements [peal.IdentityStore].
func (s *Store) Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error) {
	var c conditions
	if query.Tenant != "" {
		c.add(`tenant = `, clean(query.Tenant), ``)
	}
	if query.Actor != "" {
		c.add(``, clean(query.Actor), `::text IN (actor_id, actor)`)
	}
	if query.Action != "" {
		c.add(`action = `, clean(query.Action), ``)
	}
	if query.Target != "" {
		c.add(`target = `, clean(query.Target), ``)
	}
	if !query.Since.IsZero() {
		c.add(`id >= `, uuid(peal.FloorID[peal.AuditID](query.Since)), ``)
	}
	if !query.Until.IsZero() {
		c.add(`id < `, uuid(peal.FloorID[peal.AuditID](query.Until)), ``)
	}
	where, args := page(&c, "id", query.Before, query.Limit)
	var entries []peal.AuditEntry
	err := s.query(ctx, `SELECT id, tenant, actor_kind, actor_id, actor, action, target, detail, address, request_id FROM peal.audit`+where, func(rows pgx.Rows) error {
		var e peal.AuditEntry
		err := rows.Scan((*[16]byte)(&e.ID), &e.Tenant, &e.ActorKind, &e.ActorID, &e.Actor, &e.Action, &e.Target, &e.Detail, &e.Address, &e.RequestID)
		entries = append(entries, e)
		return err
	}, args...)
	return entries, translate("list the audit log", err)
}
