-- +goose Up

-- Jobs that send webhooks again what they had, or what they missed. since and until
-- are times; next_delivery and next_event are the seq from which the job goes on.
CREATE TABLE replays (
    id            BLOB PRIMARY KEY,
    tenant        INTEGER NOT NULL REFERENCES tenants (num),
    webhook       BLOB NOT NULL, -- its id: the job outlives it
    since         INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    choice        TEXT NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    total         INTEGER NOT NULL,
    done          INTEGER NOT NULL DEFAULT 0,
    replayed      INTEGER NOT NULL DEFAULT 0,
    next_delivery INTEGER NOT NULL,
    next_event    INTEGER NOT NULL,
    ended         INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX replays_webhook ON replays (webhook, id);
CREATE INDEX replays_running ON replays (id) WHERE status = 'running';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
