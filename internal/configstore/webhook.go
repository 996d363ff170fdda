package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// webhookRow is a row of a webhook: its settings are decoded once all columns are read.
type webhookRow struct {
	peal.Webhook
	deleted bool
	encoded record.Webhook
}

var webhooks = table[webhookRow]{
	` FROM peal.webhooks w JOIN peal.tenants n ON n.num = w.tenant`,
	func(w *webhookRow) []Column {
		return append([]Column{
			Fixed("w.id", w.ID[:]), Text("n.name", &w.Tenant), Flag("w.deleted", &w.deleted), Int("w.revision", &w.Revision),
			Text("w.settings", &w.encoded.Settings), Blob("w.confidential", &w.encoded.Confidential),
			Flag("w.sealed", &w.encoded.Sealed),
			Time("w.updated", &w.UpdatedAt), Text("w.name", &w.Name),
		}, healthColumns(&w.Health)...)
	},
}

func healthColumns(h *peal.WebhookHealth) []Column {
	return []Column{
		Int("w.exhausted", &h.ExhaustedInRow), Time("w.failing_since", &h.FailingSince),
		Time("w.certificate_expires", &h.CertificateExpiresAt),
	}
}

// webhook decodes a row.
func (w *webhookRow) webhook(sealer peal.Sealer) (peal.Webhook, error) {
	if w.deleted {
		return peal.Webhook{ID: w.ID, Tenant: w.Tenant, Status: peal.Deleted}, nil
	}
	webhook := w.Webhook
	return webhook, record.DecodeWebhook(&webhook, w.encoded, sealer)
}

// Webhooks returns the webhooks of a query; the rest of its text follows the tables, which are
// named w and n.
func Webhooks(q Querier, sealer peal.Sealer, rest string, values ...any) (list []peal.Webhook, err error) {
	err = webhooks.each(q, rest, values, func(row webhookRow) error {
		webhook, err := row.webhook(sealer)
		list = append(list, webhook)
		return err
	})
	return list, err
}

func noWebhook(id peal.WebhookID) error {
	return peal.Fail(peal.NotFound, message.NoWebhook, id)
}

// encodeWebhook seals inside the transaction, so that Reseal sees all of it.
func (s *Store) encodeWebhook(tx Tx, webhook *peal.Webhook) (record.Webhook, error) {
	if err := tx.Sealing(); err != nil {
		return record.Webhook{}, err
	}
	return record.EncodeWebhook(webhook, s.Sealer)
}

// CreateWebhook implements [peal.Store].
func (s *Store) CreateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	conflict := peal.Fail(peal.Conflict, message.WebhookExists, webhook.ID)
	var revision int64
	err := s.db.Change(ctx, Cost{Rows: 3, Routes: true}, func(tx Tx) error {
		encoded, err := s.encodeWebhook(tx, &webhook)
		if err != nil {
			return err
		}
		_, taken, err := number(tx, `SELECT 1 FROM peal.webhooks WHERE id = ?1`, ID(webhook.ID))
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		tenant, err := tx.EnsureTenant(webhook.Tenant, webhook.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(tx, peal.QuotaWebhooks, tenant, time.Now()); err != nil {
			return err
		}
		if revision, err = tx.NewRoutes(); err != nil {
			return err
		}
		h := webhook.Health
		n, err := tx.Exec(`INSERT INTO peal.webhooks
			(id, tenant, revision, settings, confidential, sealed, exhausted, failing_since, updated,
				certificate_expires, name [, status])
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 [, ?12]) ON CONFLICT DO NOTHING`,
			ID(webhook.ID), tenant, revision, encoded.Settings, encoded.Confidential, encoded.Sealed,
			h.ExhaustedInRow, OptionalTime(h.FailingSince), OptionalTime(webhook.UpdatedAt),
			OptionalTime(h.CertificateExpiresAt), webhook.Name, string(webhook.Status))
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	if err != nil {
		return peal.Webhook{}, s.db.Translate("create a webhook", err)
	}
	webhook.Revision = revision
	return webhook, nil
}

// UpdateWebhook implements [peal.Store].
func (s *Store) UpdateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	saved := webhook
	err := s.db.Change(ctx, Cost{Rows: 2, Routes: true}, func(tx Tx) error {
		encoded, err := s.encodeWebhook(tx, &webhook)
		if err != nil {
			return err
		}
		live, err := FindLive(tx, webhook.Tenant, webhook.ID)
		if err != nil {
			return err
		}
		if live.Revision != webhook.Revision {
			return peal.Fail(peal.Conflict, message.WebhookChanged)
		}
		saved.Health = live.Health
		if saved.Revision, err = tx.NewRoutes(); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE peal.webhooks
			SET revision = ?2, settings = ?3, confidential = ?4, sealed = ?5, updated = ?6, name = ?7 [, status = ?8]
			WHERE num = ?1`,
			live.Num, saved.Revision, encoded.Settings, encoded.Confidential, encoded.Sealed,
			OptionalTime(webhook.UpdatedAt), webhook.Name, string(webhook.Status))
		return err
	})
	if err != nil {
		return peal.Webhook{}, s.db.Translate("update a webhook", err)
	}
	return saved, nil
}

// Live is a webhook that is not deleted, as a change to it needs it.
type Live struct {
	Num, Revision int64
	Health        peal.WebhookHealth
}

// FindLive finds a webhook and locks it for a change. NotFound.
func FindLive(tx Tx, tenant string, id peal.WebhookID) (Live, error) {
	rows := table[Live]{webhooks.from, func(l *Live) []Column {
		return append([]Column{Int("w.num", &l.Num), Int("w.revision", &l.Revision)}, healthColumns(&l.Health)...)
	}}
	return rows.one(tx, noWebhook(id), ` WHERE w.id = ?1 AND n.name = ?2 AND NOT w.deleted [FOR UPDATE OF w]`,
		ID(id), tenant)
}

// Webhook implements [peal.Store].
func (s *Store) Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error) {
	row, err := webhooks.one(s.db.Reader(ctx), noWebhook(id),
		` WHERE w.id = ?1 AND n.name = ?2 AND NOT w.deleted`, ID(id), tenant)
	webhook := peal.Webhook{}
	if err == nil {
		webhook, err = row.webhook(s.Sealer)
	}
	if err != nil {
		return peal.Webhook{}, s.db.Translate("read a webhook", err)
	}
	return webhook, nil
}

// Webhooks implements [peal.Store].
func (s *Store) Webhooks(ctx context.Context, tenant string, before peal.WebhookID, limit int) ([]peal.Webhook, error) {
	var w where
	w.add(`w.tenant = (SELECT num FROM peal.tenants WHERE name = ?) AND NOT w.deleted`, tenant)
	rest, values := newest(&w, "w.id", before, limit)
	list, err := Webhooks(s.db.Reader(ctx), s.Sealer, rest, values...)
	return list, s.db.Translate("list webhooks", err)
}

// SetHealth implements [peal.Store].
func (s *Store) SetHealth(ctx context.Context, id peal.WebhookID, health peal.WebhookHealth) error {
	_, err := s.db.Exec(ctx, Cost{Rows: 1, Patient: true},
		`UPDATE peal.webhooks SET exhausted = ?2, failing_since = ?3, certificate_expires = ?4 WHERE id = ?1 AND NOT deleted`,
		ID(id), health.ExhaustedInRow, OptionalTime(health.FailingSince), OptionalTime(health.CertificateExpiresAt))
	return s.db.Translate("write a webhook's health", err)
}

// RoutesSince implements [peal.Store].
func (s *Store) RoutesSince(ctx context.Context, version int64) (list []peal.Webhook, now int64, err error) {
	// When nothing has changed, which is nearly always, one look is enough.
	const read = `SELECT value FROM peal.meta WHERE name = 'routes'`
	if now, _, err = number(s.db.Reader(ctx), read); err != nil || version > 0 && now <= version {
		return nil, now, s.db.Translate("read the routes", err)
	}
	err = s.db.Snapshot(ctx, func(q Querier) (err error) {
		if now, _, err = number(q, read); err == nil {
			list, err = Webhooks(q, s.Sealer,
				` WHERE w.revision > ?1 AND (?1 > 0 OR NOT w.deleted) ORDER BY w.revision`, version)
		}
		return err
	})
	if err != nil {
		return nil, 0, s.db.Translate("read the routes", err)
	}
	return list, now, nil
}
