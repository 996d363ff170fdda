-- +goose Up

-- Single numbers that change: the version of the routes. Whoever inserts events
-- holds the routes' advisory lock shared, whoever changes it holds it alone.
CREATE TABLE peal.meta (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO peal.meta (name, value) VALUES ('routes', 0);

-- Times are microseconds since 1970 in UTC; IDs are UUIDv7, in order of time.
CREATE TABLE peal.tenants (
    num          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text COLLATE "C" NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT '',
    format       text NOT NULL DEFAULT '',
    retry_policy text,
    created      bigint NOT NULL
);
INSERT INTO peal.tenants (name, created) VALUES ('default', (extract(epoch FROM now()) * 1000000)::bigint);

-- settings is what routing and sending need, confidential the part that is sealed.
-- A deleted webhook stays, without its settings, for its history and for RoutesSince.
CREATE TABLE peal.webhooks (
    num           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            uuid NOT NULL UNIQUE,
    tenant        integer NOT NULL REFERENCES peal.tenants (num),
    deleted       boolean NOT NULL DEFAULT false,
    revision      bigint NOT NULL,
    status        text NOT NULL DEFAULT '',
    settings      text,
    confidential  bytea,
    sealed        boolean NOT NULL DEFAULT false,
    exhausted     integer NOT NULL DEFAULT 0,
    failing_since bigint NOT NULL DEFAULT 0,
    updated       bigint NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_tenant ON peal.webhooks (tenant, id);
CREATE INDEX webhooks_revision ON peal.webhooks (revision);

CREATE TABLE peal.keys (
    id      uuid PRIMARY KEY,
    tenant  integer REFERENCES peal.tenants (num), -- NULL for an operator's key
    name    text NOT NULL,
    scopes  text NOT NULL,
    hash    bytea NOT NULL UNIQUE,
    hint    text NOT NULL,
    revoked bigint NOT NULL DEFAULT 0
);
CREATE INDEX keys_tenant ON peal.keys (tenant, id);

CREATE TABLE peal.event_types (
    name        text COLLATE "C" PRIMARY KEY,
    description text NOT NULL,
    schema      bytea, -- the bytes as they came
    example     bytea,
    created     bigint NOT NULL,
    updated     bigint NOT NULL
);

-- Nodes are there while they are registered; a number is never given twice.
CREATE TABLE peal.nodes (
    num     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      uuid NOT NULL UNIQUE,
    name    text NOT NULL,
    version text NOT NULL,
    started bigint NOT NULL,
    seen    bigint NOT NULL,
    load    text NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- Deliveries that were canceled while a node held them, for it to learn of.
CREATE TABLE peal.canceled (
    node     integer NOT NULL,
    at       bigint NOT NULL,
    delivery uuid NOT NULL,
    PRIMARY KEY (node, at, delivery)
);

-- Every type that an event ever had, so that events carry a number instead.
CREATE TABLE peal.types (
    num  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- History is appended and goes by the day: each of its tables has a partition for
-- every day of UTC, by the time in the ID.
CREATE TABLE peal.events (
    key           uuid NOT NULL,
    tenant        integer NOT NULL,
    type          integer NOT NULL,
    ext_id        text COLLATE "C", -- the publisher's own id; NULL when there is none
    subject       text,
    time          text,             -- NULL when it is the moment in the key
    deliveries    bytea,            -- the IDs that it was committed with, 16 bytes each
    filter_errors text,
    data          bytea NOT NULL,
    PRIMARY KEY (key)
) PARTITION BY RANGE (key);
ALTER TABLE peal.events ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX events_type ON peal.events (tenant, type, key);

-- The publishers' own ids, which are unique in their tenant whatever the day.
CREATE TABLE peal.event_ids (
    tenant integer NOT NULL,
    ext_id text COLLATE "C" NOT NULL,
    event  uuid NOT NULL,
    PRIMARY KEY (tenant, ext_id)
);
CREATE INDEX event_ids_event ON peal.event_ids (event);

-- Pending deliveries that a node has in its memory: few, however long the backlog.
-- Only the key is indexed and pages keep some room, so that a retry rewrites its
-- row in place (a HOT update).
CREATE TABLE peal.held (
    id       uuid PRIMARY KEY,
    webhook  integer NOT NULL,
    event    uuid NOT NULL,
    owner    integer NOT NULL,
    due      bigint NOT NULL,
    test     boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    tries    integer NOT NULL DEFAULT 0,
    code     integer NOT NULL DEFAULT 0,
    duration bigint NOT NULL DEFAULT 0,
    reason   text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- Pending deliveries that nobody has.
CREATE TABLE peal.waiting (
    id       uuid PRIMARY KEY,
    webhook  integer NOT NULL,
    event    uuid NOT NULL,
    due      bigint NOT NULL,
    test     boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    tries    integer NOT NULL DEFAULT 0,
    code     integer NOT NULL DEFAULT 0,
    duration bigint NOT NULL DEFAULT 0,
    reason   text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX waiting_due ON peal.waiting (webhook, due, id);
CREATE INDEX waiting_webhook ON peal.waiting (webhook, id);

-- Final deliveries. facts and exchange are the attempt that settled it, where there
-- was one; exchange, which is what was sent and answered, may be dropped earlier.
CREATE TABLE peal.settled (
    id       uuid NOT NULL,
    webhook  integer NOT NULL,
    event    uuid NOT NULL,
    status   smallint NOT NULL, -- 1 success, 2 failed, 3 canceled
    test     boolean NOT NULL,
    attempts integer NOT NULL,
    tries    integer NOT NULL,
    code     integer NOT NULL,
    duration bigint NOT NULL,
    reason   text,
    at       bigint NOT NULL,
    facts    bytea,
    exchange bytea,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX settled_webhook ON peal.settled (webhook, status, id);
CREATE INDEX settled_at ON peal.settled USING brin (at);

-- The attempts that did not settle their delivery, by the day of the delivery.
CREATE TABLE peal.attempts (
    delivery uuid NOT NULL,
    id       uuid NOT NULL,
    facts    bytea NOT NULL,
    exchange bytea,
    PRIMARY KEY (delivery, id)
) PARTITION BY RANGE (delivery);

-- Inbound sources. secrets is the part that is sealed, settings the rest.
CREATE TABLE peal.sources (
    id          uuid PRIMARY KEY,
    tenant      integer NOT NULL REFERENCES peal.tenants (num),
    name        text NOT NULL,
    revision    bigint NOT NULL,
    settings    text NOT NULL,
    secrets     bytea NOT NULL,
    sealed      boolean NOT NULL DEFAULT false,
    updated     bigint NOT NULL,
    accepted    bigint NOT NULL DEFAULT 0,
    duplicate   bigint NOT NULL DEFAULT 0,
    refused     bigint NOT NULL DEFAULT 0,
    accepted_at bigint NOT NULL DEFAULT 0,
    refused_at  bigint NOT NULL DEFAULT 0,
    refusal     text NOT NULL DEFAULT '',
    UNIQUE (tenant, name)
);
CREATE INDEX sources_tenant ON peal.sources (tenant, id);

-- Jobs that send webhooks again what they had, or what they missed. since and until
-- are times; next_delivery and next_event are the IDs from which the job goes on.
CREATE TABLE peal.replays (
    id            uuid PRIMARY KEY,
    tenant        integer NOT NULL REFERENCES peal.tenants (num),
    webhook       uuid NOT NULL, -- its id: the job outlives it
    since         bigint NOT NULL,
    until         bigint NOT NULL,
    choice        text NOT NULL,
    status        text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    total         bigint NOT NULL,
    done          bigint NOT NULL DEFAULT 0,
    replayed      bigint NOT NULL DEFAULT 0,
    next_delivery uuid NOT NULL,
    next_event    uuid NOT NULL,
    ended         bigint NOT NULL DEFAULT 0
);
CREATE INDEX replays_webhook ON peal.replays (webhook, id);
CREATE INDEX replays_running ON peal.replays (id) WHERE status = 'running';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
