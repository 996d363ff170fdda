-- +goose Up

-- How often the settings have changed: a change names the revision that it was made from.
ALTER TABLE peal.tenants ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE peal.users ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE peal.themes ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
