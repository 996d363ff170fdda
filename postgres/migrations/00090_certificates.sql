-- +goose Up

-- When the certificate of a webhook's endpoint expires, where that is soon.
ALTER TABLE peal.webhooks ADD COLUMN certificate_expires bigint NOT NULL DEFAULT 0;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
