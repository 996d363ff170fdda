-- +goose Up

-- When the certificate of a webhook's endpoint expires, where that is soon.
ALTER TABLE webhooks ADD COLUMN certificate_expires INTEGER;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
