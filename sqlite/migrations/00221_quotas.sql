-- +goose Up

-- A tenant's own limits, as JSON; NULL for none.
ALTER TABLE tenants ADD COLUMN quotas TEXT;

-- What counts for a quota is counted without what has ended.
CREATE INDEX webhooks_live ON webhooks (tenant) WHERE NOT deleted;
CREATE INDEX keys_live ON keys (tenant) WHERE revoked IS NULL;
CREATE INDEX portal_links_live ON portal_links (tenant, expires) WHERE used IS NULL AND revoked IS NULL;
CREATE INDEX sessions_live ON sessions (tenant, expires) WHERE revoked IS NULL;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
