-- +goose Up

-- Replays that have ended, by when, for retention.
CREATE INDEX replays_ended ON peal.replays (ended) WHERE status <> 'running';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
