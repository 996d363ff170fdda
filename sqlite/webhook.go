package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const selectWebhook = `SELECT w.id, n.name, w.deleted, w.revision, w.settings, w.confidential, w.sealed, w.exhausted, w.failing_since, w.updated, w.certificate_expires, w.name
	FROM webhooks w JOIN tenants n ON n.num = w.tenant`

func (s *Store) scanWebhook(r row) (peal.Webhook, error) {
	w := peal.Webhook{ID: peal.WebhookID(r.blob(0)), Tenant: r.text(1)}
	if r.int(2) != 0 {
		w.Status = peal.Deleted
		return w, nil
	}
	w.Revision, w.Name = r.int(3), r.text(11)
	w.Health = peal.WebhookHealth{ExhaustedInRow: int(r.int(7)), FailingSince: timeOf(r.int(8)), CertificateExpiresAt: timeOf(r.int(10))}
	w.UpdatedAt = timeOf(r.int(9))
	return w, record.DecodeWebhook(&w, record.Webhook{Settings: r.text(4), Confidential: r.blob(5), Sealed: r.int(6) != 0}, s.options.Sealer)
}

func noWebhook(id peal.WebhookID) error {
	return peal.Errorf(peal.NotFound, "there is no webhook %s", id)
}

// CreateWebhook implements [peal.ConfigStore].
func (s *Store) CreateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	var revision int64
	err := s.queue.submit(&change{ctx: ctx, rows: 3, run: func(w *writer) error {
		encoded, err := record.EncodeWebhook(&webhook, s.options.Sealer) // here, see Reseal
		if err != nil {
			return err
		}
		if _, taken, err := w.webhook(webhook.ID); err != nil {
			return err
		} else if taken {
			return refusef(peal.Conflict, "there is a webhook %s already", webhook.ID)
		}
		tenant, err := w.ensureTenant(webhook.Tenant, webhook.CreatedAt())
		if err != nil {
			return err
		}
		if err := s.room(w, peal.QuotaWebhooks, tenant, time.Now()); err != nil {
			return err
		}
		if revision, err = w.bumpRoutes(); err != nil {
			return err
		}
		_, err = w.conn.exec(`INSERT INTO webhooks (id, tenant, revision, settings, confidential, sealed, exhausted, failing_since, updated, certificate_expires, name)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, webhook.ID[:], tenant, revision, encoded.Settings, encoded.Confidential, flag(encoded.Sealed),
			int64(webhook.Health.ExhaustedInRow), orNoTime(webhook.Health.FailingSince), orNoTime(webhook.UpdatedAt), orNoTime(webhook.Health.CertificateExpiresAt), webhook.Name)
		return err
	}})
	if err != nil {
		return peal.Webhook{}, translate("create a webhook", err)
	}
	webhook.Revision = revision
	return webhook, nil
}

// UpdateWebhook implements [peal.ConfigStore].
func (s *Store) UpdateWebhook(ctx context.Context, webhook peal.Webhook) (peal.Webhook, error) {
	if err := webhook.Storable(); err != nil {
		return peal.Webhook{}, err
	}
	var revision int64
	var health peal.WebhookHealth
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		encoded, err := record.EncodeWebhook(&webhook, s.options.Sealer) // here, see Reseal
		if err != nil {
			return err
		}
		num, stored, h, err := w.liveWebhook(webhook.Tenant, webhook.ID)
		if err != nil {
			return err
		}
		if stored != webhook.Revision {
			return refusef(peal.Conflict, "the webhook was changed meanwhile; read it again and repeat the change")
		}
		if revision, err = w.bumpRoutes(); err != nil {
			return err
		}
		health = h
		_, err = w.conn.exec(`UPDATE webhooks SET revision = ?, settings = ?, confidential = ?, sealed = ?, updated = ?, name = ? WHERE num = ?`,
			revision, encoded.Settings, encoded.Confidential, flag(encoded.Sealed), orNoTime(webhook.UpdatedAt), webhook.Name, num)
		return err
	}})
	if err != nil {
		return peal.Webhook{}, translate("update a webhook", err)
	}
	webhook.Revision, webhook.Health = revision, health
	return webhook, nil
}

// liveWebhook finds a webhook for a change to it. It refuses with NotFound.
func (w *writer) liveWebhook(
	tenant string, id peal.WebhookID,
) (num, revision int64, health peal.WebhookHealth, err error) {
	found := false
	err = w.conn.query(`SELECT w.num, w.revision, w.exhausted, w.failing_since, w.certificate_expires FROM webhooks w JOIN tenants n ON n.num = w.tenant
		WHERE w.id = ? AND n.name = ? AND NOT w.deleted`, func(r row) error {
		num, revision, found = r.int(0), r.int(1), true
		health = peal.WebhookHealth{ExhaustedInRow: int(r.int(2)), FailingSince: timeOf(r.int(3)), CertificateExpiresAt: timeOf(r.int(4))}
		return nil
	}, id[:], tenant)
	if err == nil && !found {
		err = refuse(noWebhook(id))
	}
	return num, revision, health, err
}

// Webhook implements [peal.ConfigStore].
func (s *Store) Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error) {
	var webhook peal.Webhook
	found := false
	err := s.query(ctx, selectWebhook+` WHERE w.id = ? AND n.name = ? AND NOT w.deleted`, func(r row) (err error) {
		webhook, err = s.scanWebhook(r)
		found = true
		return err
	}, id[:], tenant)
	if err == nil && !found {
		err = noWebhook(id)
	}
	if err != nil {
		return peal.Webhook{}, translate("read a webhook", err)
	}
	return webhook, nil
}

// Webhooks implements [peal.ConfigStore].
func (s *Store) Webhooks(ctx context.Context, tenant string, before peal.WebhookID, limit int) ([]peal.Webhook, error) {
	var bound any
	if !before.IsZero() {
		bound = before[:]
	}
	var webhooks []peal.Webhook
	err := s.query(ctx, selectWebhook+` WHERE w.tenant = (SELECT num FROM tenants WHERE name = ?) AND NOT w.deleted AND (?2 IS NULL OR w.id < ?2)
		ORDER BY w.id DESC LIMIT +?3`, func(r row) error {
		webhook, err := s.scanWebhook(r)
		webhooks = append(webhooks, webhook)
		return err
	}, tenant, bound, int64(limit))
	return webhooks, translate("list webhooks", err)
}

// WebhooksOf implements [peal.ConfigStore].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	var webhooks []peal.Webhook
	err := s.snapshot(ctx, func(q querier) error {
		for _, id := range ids {
			if err := q.query(ctx, selectWebhook+` WHERE w.id = ? AND n.name = ? AND NOT w.deleted`, func(r row) error {
				webhook, err := s.scanWebhook(r)
				webhooks = append(webhooks, webhook)
				return err
			}, id[:], tenant); err != nil {
				return err
			}
		}
		return nil
	})
	return webhooks, translate("read webhooks", err)
}

// SetHealth implements [peal.ConfigStore].
func (s *Store) SetHealth(ctx context.Context, id peal.WebhookID, health peal.WebhookHealth) error {
	err := s.queue.submit(&change{ctx: ctx, patient: true, rows: 1, run: func(w *writer) error {
		_, err := w.conn.exec(`UPDATE webhooks SET exhausted = ?, failing_since = ?, certificate_expires = ? WHERE id = ? AND NOT deleted`,
			int64(health.ExhaustedInRow), orNoTime(health.FailingSince), orNoTime(health.CertificateExpiresAt), id[:])
		return err
	}})
	return translate("write a webhook's health", err)
}

// RoutesSince implements [peal.ConfigStore].
func (s *Store) RoutesSince(ctx context.Context, version int64) (webhooks []peal.Webhook, now int64, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		if err := q.query(ctx, `SELECT value FROM meta WHERE name = 'routes'`, func(r row) error {
			now = r.int(0)
			return nil
		}); err != nil {
			return err
		}
		return q.query(ctx, selectWebhook+` WHERE w.revision > ?1 AND (?1 > 0 OR NOT w.deleted) ORDER BY w.revision`, func(r row) error {
			webhook, err := s.scanWebhook(r)
			webhooks = append(webhooks, webhook)
			return err
		}, version)
	})
	if err != nil {
		return nil, 0, translate("read the routes", err)
	}
	return webhooks, now, nil
}
