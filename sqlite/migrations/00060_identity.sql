-- +goose Up

-- People who sign in. A user without a tenant sees every tenant.
CREATE TABLE users (
    id       BLOB PRIMARY KEY,
    tenant   INTEGER REFERENCES tenants (num),
    name     TEXT NOT NULL,
    password TEXT NOT NULL,
    subject  TEXT,
    role     TEXT NOT NULL,
    updated  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX users_name ON users (name);
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject IS NOT NULL;
CREATE INDEX users_tenant ON users (tenant, id);

-- Browsers that are signed in. They outlive their users and links, for the record.
CREATE TABLE sessions (
    id      BLOB PRIMARY KEY,
    kind    TEXT NOT NULL,
    hash    BLOB NOT NULL,
    user    BLOB, -- its id
    link    BLOB, -- its id
    name    TEXT NOT NULL,
    tenant  INTEGER REFERENCES tenants (num),
    role    TEXT NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER,
    address TEXT NOT NULL,
    agent   TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_hash ON sessions (hash);
CREATE INDEX sessions_user ON sessions (user, id) WHERE user IS NOT NULL;
CREATE INDEX sessions_link ON sessions (link) WHERE link IS NOT NULL;
CREATE INDEX sessions_tenant ON sessions (tenant, id);
CREATE INDEX sessions_expires ON sessions (expires);
CREATE INDEX sessions_revoked ON sessions (revoked) WHERE revoked IS NOT NULL;

CREATE TABLE portal_links (
    id        BLOB PRIMARY KEY,
    tenant    INTEGER NOT NULL REFERENCES tenants (num),
    name      TEXT NOT NULL,
    hash      BLOB NOT NULL,
    read_only INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    life      INTEGER NOT NULL, -- of the session, in seconds
    used      INTEGER,
    revoked   INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX portal_links_hash ON portal_links (hash);
CREATE INDEX portal_links_tenant ON portal_links (tenant, id);
CREATE INDEX portal_links_expires ON portal_links (expires);

-- Who did what. Names stand here as they were then.
CREATE TABLE audit (
    id         BLOB PRIMARY KEY,
    tenant     TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    address    TEXT NOT NULL,
    request_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_actor_id ON audit (actor_id, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_target ON audit (target, id);
-- +goose StatementBegin
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
