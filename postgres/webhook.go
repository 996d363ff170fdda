package postgres

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// WebhooksOf implements [peal.ConfigStore].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	webhooks, err := configstore.Webhooks(s.db.Reader(ctx), s.options.Sealer, ` WHERE w.id = ANY (?1) AND n.name = ?2 AND NOT w.deleted`, uuids(ids...), tenant)
	return webhooks, translate("read webhooks", err)
}
