-- +goose Up

-- Single numbers that change: the version of the routes.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('routes', 0);

-- Times are microseconds since 1970 in UTC, IDs are 16 bytes, in order of time.
CREATE TABLE tenants (
    num          INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL DEFAULT '',
    format       TEXT NOT NULL DEFAULT '',
    retry_policy TEXT,
    created      INTEGER NOT NULL
);
INSERT INTO tenants (name, created) VALUES ('default', CAST(unixepoch('subsec') * 1000000 AS INTEGER));

-- settings is what routing and sending need, confidential the part that is sealed.
-- A deleted webhook stays, without its settings, for its history and for RoutesSince.
CREATE TABLE webhooks (
    num           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    tenant        INTEGER NOT NULL REFERENCES tenants (num),
    deleted       INTEGER NOT NULL DEFAULT 0,
    revision      INTEGER NOT NULL,
    settings      TEXT,
    confidential  BLOB,
    sealed        INTEGER NOT NULL DEFAULT 0,
    exhausted     INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    updated       INTEGER
);
CREATE INDEX webhooks_tenant ON webhooks (tenant, id);
CREATE INDEX webhooks_revision ON webhooks (revision);

CREATE TABLE keys (
    id      BLOB PRIMARY KEY,
    tenant  INTEGER REFERENCES tenants (num), -- NULL for an operator's key
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,
    hint    TEXT NOT NULL,
    revoked INTEGER
) WITHOUT ROWID;
CREATE INDEX keys_tenant ON keys (tenant, id);

CREATE TABLE event_types (
    name        TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    schema      TEXT,
    example     TEXT,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE nodes (
    num INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE
);

-- Every type that an event ever had, so that events carry a number instead.
CREATE TABLE types (
    num  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Events and deliveries have the same key: seq holds the time inside the ID (see
-- the package's seq.go); tail is the second half of the ID, head the first half
-- where seq does not tell it.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    head       INTEGER,
    tail       INTEGER NOT NULL,
    tenant     INTEGER NOT NULL,
    type       INTEGER NOT NULL,
    ext_id     TEXT,          -- the publisher's own id; NULL when there is none
    subject    TEXT,
    time       TEXT,          -- NULL when it is the moment in the ID
    deliveries BLOB,          -- seq of each delivery that it was committed with, 8 bytes each
    data       BLOB NOT NULL
);
CREATE INDEX events_type ON events (tenant, type);
CREATE UNIQUE INDEX events_ext_id ON events (tenant, ext_id) WHERE ext_id IS NOT NULL;

-- Pending deliveries that a node has in its memory: few, however long the backlog.
CREATE TABLE held (
    seq      INTEGER PRIMARY KEY,
    head     INTEGER,
    tail     INTEGER NOT NULL,
    webhook  INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    owner    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    test     INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    code     INTEGER NOT NULL DEFAULT 0,
    duration INTEGER NOT NULL DEFAULT 0,
    reason   TEXT
);

-- Pending deliveries that nobody has.
CREATE TABLE waiting (
    seq      INTEGER PRIMARY KEY,
    head     INTEGER,
    tail     INTEGER NOT NULL,
    webhook  INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    test     INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    code     INTEGER NOT NULL DEFAULT 0,
    duration INTEGER NOT NULL DEFAULT 0,
    reason   TEXT
);
CREATE INDEX waiting_due ON waiting (webhook, due);
CREATE INDEX waiting_webhook ON waiting (webhook);

-- Final deliveries; last is the attempt that settled it (see the package's record.go).
CREATE TABLE settled (
    seq      INTEGER PRIMARY KEY,
    head     INTEGER,
    tail     INTEGER NOT NULL,
    webhook  INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    status   INTEGER NOT NULL, -- 1 success, 2 failed, 3 canceled
    test     INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    code     INTEGER NOT NULL DEFAULT 0,
    duration INTEGER NOT NULL DEFAULT 0,
    reason   TEXT,
    at       INTEGER NOT NULL,
    last     BLOB
);
CREATE INDEX settled_webhook ON settled (webhook, status);

-- The attempts that did not settle their delivery.
CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    id       BLOB NOT NULL,
    record   BLOB NOT NULL,
    PRIMARY KEY (delivery, id)
) WITHOUT ROWID;

CREATE VIEW deliveries AS
    SELECT seq, head, tail, webhook, event, 0 AS status, due, test, attempts, tries, code, duration, reason, NULL AS at FROM held
    UNION ALL
    SELECT seq, head, tail, webhook, event, 0, due, test, attempts, tries, code, duration, reason, NULL FROM waiting
    UNION ALL
    SELECT seq, head, tail, webhook, event, status, NULL, test, attempts, tries, code, duration, reason, at FROM settled;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
