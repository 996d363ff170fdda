-- +goose Up

-- '' is a webhook without a name.
ALTER TABLE webhooks ADD COLUMN name TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
