package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const selectWebhook = `SELECT w.id, n.name, w.deleted, w.revision, coalesce(w.settings, ''), w.confidential, w.sealed, w.exhausted, w.failing_since, w.updated, w.certificate_expires, w.name
	FROM peal.webhooks w JOIN peal.tenants n ON n.num = w.tenant`

func (s *Store) scanWebhook(rows pgx.Rows) (peal.Webhook, error) {
	var w peal.Webhook
	var encoded record.Webhook
	var deleted bool
	var revision, failing, updated, expires int64
	var exhausted int
	var name string
	if err := rows.Scan((*[16]byte)(&w.ID), &w.Tenant, &deleted, &revision, &encoded.Settings, &encoded.Confidential, &encoded.Sealed, &exhausted, &failing, &updated, &expires, &name); err != nil {
		return w, err
	}
	if deleted {
		w.Status = peal.Deleted
		return w, nil
	}
	w.Revision, w.UpdatedAt, w.Name = revision, timeOf(updated), name
	w.Health = peal.WebhookHealth{ExhaustedInRow: exhausted, FailingSince: timeOf(failing), CertificateExpiresAt: timeOf(expires)}
	return w, record.DecodeWebhook(&w, encoded, s.options.Sealer)
}

func (s *Store) webhooks(ctx context.Context, q querier, where string, args ...any) ([]peal.Webhook, error) {
	var webhooks []peal.Webhook
	err := s.each(ctx, q, selectWebhook+where, func(rows pgx.Rows) error {
		webhook, err := s.scanWebhook(rows)
		webhooks = append(webhooks, webhook)
		return err
	}, args...)
	return webhooks, err
}

func noWebhook(id peal.WebhookID) error {
	return peal.Errorf(peal.NotFound, "there is no webhook %s", id)
}

// encodeWebhook seals inside the transaction, for Reseal to see the whole of it.
func (t *tx) encodeWebhook(webhook *peal.Webhook) (record.Webhook, error) {
	if err := t.sealing(); err != nil {
		return record.Webhook{}, err
	}
	return record.EncodeWebhook(webhook, t.s.options.Sealer)
}

// CreateWebhook implements [peal.ConfigStore].
func (s *Store) CreateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	err := s.changeRoutes(ctx, func(t *tx, revision int64) error {
		encoded, err := t.encodeWebhook(&webhook)
		if err != nil {
			return err
		}
		tenant, err := t.ensureTenant(webhook.Tenant, micros(webhook.CreatedAt()))
		if err != nil {
			return err
		}
		if err := t.room(peal.QuotaWebhooks, tenant, time.Now()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO peal.webhooks (id, tenant, revision, status, settings, confidential, sealed, exhausted, failing_since, updated, certificate_expires, name)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`, uuid(webhook.ID), tenant, revision, string(webhook.Status),
			encoded.Settings, encoded.Confidential, encoded.Sealed, webhook.Health.ExhaustedInRow, micros(webhook.Health.FailingSince), micros(webhook.UpdatedAt), micros(webhook.Health.CertificateExpiresAt), clean(webhook.Name))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is a webhook %s already", webhook.ID)
		}
		webhook.Revision = revision
		return err
	})
	if err != nil {
		return peal.Webhook{}, translate("create a webhook", err)
	}
	return webhook, nil
}

// UpdateWebhook implements [peal.ConfigStore].
func (s *Store) UpdateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	saved := webhook
	err := s.changeRoutes(ctx, func(t *tx, revision int64) error {
		encoded, err := t.encodeWebhook(&webhook)
		if err != nil {
			return err
		}
		num, stored, health, err := t.liveWebhook(webhook.Tenant, webhook.ID)
		if err != nil {
			return err
		}
		if stored != webhook.Revision {
			return peal.Errorf(peal.Conflict, "the webhook was changed meanwhile; read it again and repeat the change")
		}
		saved.Revision, saved.Health = revision, health
		_, err = t.exec(`UPDATE peal.webhooks SET revision = $2, status = $3, settings = $4, confidential = $5, sealed = $6, updated = $7, name = $8 WHERE num = $1`,
			num, revision, string(webhook.Status), encoded.Settings, encoded.Confidential, encoded.Sealed, micros(webhook.UpdatedAt), clean(webhook.Name))
		return err
	})
	if err != nil {
		return peal.Webhook{}, translate("update a webhook", err)
	}
	return saved, nil
}

// liveWebhook finds a webhook for a change to it. The error is NotFound when there
// is none.
func (t *tx) liveWebhook(
	tenant string, id peal.WebhookID,
) (num int32, revision int64, health peal.WebhookHealth, err error) {
	var failing, expires int64
	found, err := t.one(`SELECT w.num, w.revision, w.exhausted, w.failing_since, w.certificate_expires FROM peal.webhooks w JOIN peal.tenants n ON n.num = w.tenant
		WHERE w.id = $1 AND n.name = $2 AND NOT w.deleted FOR UPDATE OF w`, []any{uuid(id), tenant}, &num, &revision, &health.ExhaustedInRow, &failing, &expires)
	health.FailingSince, health.CertificateExpiresAt = timeOf(failing), timeOf(expires)
	if err == nil && !found {
		err = noWebhook(id)
	}
	return num, revision, health, err
}

// Webhook implements [peal.ConfigStore].
func (s *Store) Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error) {
	webhooks, err := s.webhooks(ctx, s.pool, ` WHERE w.id = $1 AND n.name = $2 AND NOT w.deleted`, uuid(id), clean(tenant))
	if err == nil && len(webhooks) == 0 {
		err = noWebhook(id)
	}
	if err != nil {
		return peal.Webhook{}, translate("read a webhook", err)
	}
	return webhooks[0], nil
}

// Webhooks implements [peal.ConfigStore].
func (s *Store) Webhooks(ctx context.Context, tenant string, before peal.WebhookID, limit int) ([]peal.Webhook, error) {
	webhooks, err := s.webhooks(ctx, s.pool, ` WHERE w.tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND NOT w.deleted AND ($2::uuid IS NULL OR w.id < $2)
		ORDER BY w.id DESC LIMIT $3`, clean(tenant), orNoID(before), limit)
	return webhooks, translate("list webhooks", err)
}

// WebhooksOf implements [peal.ConfigStore].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	webhooks, err := s.webhooks(ctx, s.pool, ` WHERE w.id = ANY ($1) AND n.name = $2 AND NOT w.deleted`, uuids(ids...), clean(tenant))
	return webhooks, translate("read webhooks", err)
}

// SetHealth implements [peal.ConfigStore].
func (s *Store) SetHealth(ctx context.Context, id peal.WebhookID, health peal.WebhookHealth) error {
	_, err := s.exec(ctx, `UPDATE peal.webhooks SET exhausted = $2, failing_since = $3, certificate_expires = $4 WHERE id = $1 AND NOT deleted`,
		uuid(id), health.ExhaustedInRow, micros(health.FailingSince), micros(health.CertificateExpiresAt))
	return translate("write a webhook's health", err)
}

// RoutesSince implements [peal.ConfigStore].
func (s *Store) RoutesSince(ctx context.Context, version int64) (webhooks []peal.Webhook, now int64, err error) {
	// When nothing has changed, which is nearly always, one look is enough.
	const read = `SELECT value FROM peal.meta WHERE name = 'routes'`
	if _, err := s.one(ctx, s.pool, read, nil, &now); err != nil || version > 0 && now <= version {
		return nil, now, translate("read the routes", err)
	}
	err = s.transact(ctx, func(t *tx) (err error) {
		if _, err := t.exec(`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return err
		}
		if _, err := t.one(read, nil, &now); err != nil {
			return err
		}
		webhooks, err = s.webhooks(ctx, t.Tx, ` WHERE w.revision > $1 AND ($1 > 0 OR NOT w.deleted) ORDER BY w.revision`, version)
		return err
	})
	if err != nil {
		return nil, 0, translate("read the routes", err)
	}
	return webhooks, now, nil
}
