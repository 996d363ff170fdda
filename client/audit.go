package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// AuditEntry says who did what, when and from where.
type AuditEntry struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Tenant    string    `json:"tenant"`     // "" for the whole server
	ActorKind string    `json:"actor_kind"` // key, user, portal, first_run or anonymous
	ActorID   string    `json:"actor_id"`
	Actor     string    `json:"actor"`
	Action    string    `json:"action"` // such as webhook.update
	Target    string    `json:"target"`
	Detail    string    `json:"detail"`
	Address   string    `json:"address"`
	RequestID string    `json:"request_id"`
}

// AuditQuery chooses entries of the audit log, newest first.
type AuditQuery struct {
	PageQuery
	Actor  string    // the id or name of a key, user or portal link; "" for all
	Action string    // only this action; "" for all
	Target string    // only about this; "" for all
	Since  time.Time // zero for no bound
	Until  time.Time // zero for no bound
}

func (q AuditQuery) values() url.Values {
	v := q.PageQuery.values()
	setText(v, "actor", q.Actor)
	setText(v, "action", q.Action)
	setText(v, "target", q.Target)
	setTime(v, "since", q.Since)
	setTime(v, "until", q.Until)
	return v
}

// Audit gets a page of the audit log.
func (c *Client) Audit(ctx context.Context, query AuditQuery) (Page[AuditEntry], error) {
	return list[AuditEntry](ctx, c, "/v1/audit-log", query.values())
}

// AllAudit walks over all entries that the query chooses.
func (c *Client) AllAudit(ctx context.Context, query AuditQuery) iter.Seq2[AuditEntry, error] {
	return all[AuditEntry](ctx, c, "/v1/audit-log", query.values())
}
