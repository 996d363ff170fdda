-- +goose Up

-- '' is a webhook without a name.
ALTER TABLE peal.webhooks ADD COLUMN name text NOT NULL DEFAULT '';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
