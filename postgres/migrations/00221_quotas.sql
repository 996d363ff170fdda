-- +goose Up

-- A tenant's own limits, as JSON; NULL for none.
ALTER TABLE peal.tenants ADD COLUMN quotas text;

-- What counts for a quota is counted without what has ended.
CREATE INDEX webhooks_live ON peal.webhooks (tenant) WHERE NOT deleted;
CREATE INDEX keys_live ON peal.keys (tenant) WHERE revoked = 0;
CREATE INDEX portal_links_live ON peal.portal_links (tenant, expires) WHERE used = 0 AND revoked = 0;
CREATE INDEX sessions_live ON peal.sessions (tenant, expires) WHERE revoked = 0;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
