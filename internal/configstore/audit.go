package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

var auditEntries = table[peal.AuditEntry]{
	` FROM peal.audit`,
	func(e *peal.AuditEntry) []Column {
		return []Column{
			Fixed("id", e.ID[:]), Text("tenant", &e.Tenant), Text("actor_kind", &e.ActorKind), Text("actor_id", &e.ActorID),
			Text("actor", &e.Actor), Text("action", &e.Action), Text("target", &e.Target), Text("detail", &e.Detail),
			Text("address", &e.Address), Text("request_id", &e.RequestID),
		}
	},
}

// AppendAudit implements [storetest.IdentityStore].
func (s *Store) AppendAudit(ctx context.Context, e peal.AuditEntry, keep time.Duration) error {
	err := s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		if keep > 0 {
			oldest := peal.FloorID[peal.AuditID](e.At().Add(-keep))
			if _, err := tx.Exec(`DELETE FROM peal.audit WHERE id IN (
				SELECT id FROM peal.audit WHERE id < ?1 ORDER BY id LIMIT +?2 [FOR UPDATE SKIP LOCKED])`,
				ID(oldest), endedBatch); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO peal.audit
			(id, tenant, actor_kind, actor_id, actor, action, target, detail, address, request_id)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
			ID(e.ID), e.Tenant, e.ActorKind, e.ActorID, e.Actor, e.Action, e.Target, e.Detail, e.Address, e.RequestID)
		return err
	})
	return s.db.Translate("append to the audit log", err)
}

// Audit implements [storetest.IdentityStore].
func (s *Store) Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error) {
	var w where
	w.filter(`tenant = ?`, query.Tenant)
	w.filter(`(actor_id = ? OR actor = ?)`, query.Actor)
	w.filter(`action = ?`, query.Action)
	w.filter(`target = ?`, query.Target)
	if !query.Since.IsZero() {
		w.add(`id >= ?`, ID(peal.FloorID[peal.AuditID](query.Since)))
	}
	if !query.Until.IsZero() {
		w.add(`id < ?`, ID(peal.FloorID[peal.AuditID](query.Until)))
	}
	rest, values := newest(&w, "id", query.Before, query.Limit)
	entries, err := auditEntries.list(s.db.Reader(ctx), rest, values...)
	return entries, s.db.Translate("list the audit log", err)
}
