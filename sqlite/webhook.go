package sqlite

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// WebhooksOf implements [peal.ConfigStore].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) (webhooks []peal.Webhook, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		for _, id := range ids {
			found, err := configstore.Webhooks(reader{q, ctx}, s.options.Sealer, ` WHERE w.id = ?1 AND n.name = ?2 AND NOT w.deleted`, configstore.ID(id), tenant)
			if err != nil {
				return err
			}
			webhooks = append(webhooks, found...)
		}
		return nil
	})
	return webhooks, translate("read webhooks", err)
}
