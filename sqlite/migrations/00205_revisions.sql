-- +goose Up

-- How often the settings have changed: a change names the revision that it was made from.
ALTER TABLE tenants ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE themes ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
