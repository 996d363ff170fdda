-- +goose Up

-- Webhooks that fail, those first that have failed for longest, whosever they are.
CREATE INDEX webhooks_failing ON webhooks (failing_since) WHERE failing_since > 0;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
