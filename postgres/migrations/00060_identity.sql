-- +goose Up

-- People who sign in. A user without a tenant sees every tenant.
CREATE TABLE peal.users (
    id       uuid PRIMARY KEY,
    tenant   integer REFERENCES peal.tenants (num),
    name     text NOT NULL UNIQUE,
    password text NOT NULL,
    subject  text UNIQUE,
    role     text NOT NULL,
    updated  bigint NOT NULL
);
CREATE INDEX users_tenant ON peal.users (tenant, id);

-- Browsers that are signed in. They outlive their users and links, for the record.
CREATE TABLE peal.sessions (
    id      uuid PRIMARY KEY,
    kind    text NOT NULL,
    hash    bytea NOT NULL UNIQUE,
    "user"  uuid, -- its id
    link    uuid, -- its id
    name    text NOT NULL,
    tenant  integer REFERENCES peal.tenants (num),
    role    text NOT NULL,
    expires bigint NOT NULL,
    revoked bigint NOT NULL DEFAULT 0,
    address text NOT NULL,
    agent   text NOT NULL
);
CREATE INDEX sessions_user ON peal.sessions ("user", id) WHERE "user" IS NOT NULL;
CREATE INDEX sessions_link ON peal.sessions (link) WHERE link IS NOT NULL;
CREATE INDEX sessions_tenant ON peal.sessions (tenant, id);
CREATE INDEX sessions_expires ON peal.sessions (expires);
CREATE INDEX sessions_revoked ON peal.sessions (revoked) WHERE revoked > 0;

CREATE TABLE peal.portal_links (
    id        uuid PRIMARY KEY,
    tenant    integer NOT NULL REFERENCES peal.tenants (num),
    name      text NOT NULL,
    hash      bytea NOT NULL UNIQUE,
    read_only boolean NOT NULL,
    expires   bigint NOT NULL,
    life      bigint NOT NULL, -- of the session, in seconds
    used      bigint NOT NULL DEFAULT 0,
    revoked   bigint NOT NULL DEFAULT 0
);
CREATE INDEX portal_links_tenant ON peal.portal_links (tenant, id);
CREATE INDEX portal_links_expires ON peal.portal_links (expires);

-- Who did what. Names stand here as they were then.
CREATE TABLE peal.audit (
    id         uuid PRIMARY KEY,
    tenant     text NOT NULL,
    actor_kind text NOT NULL,
    actor_id   text NOT NULL,
    actor      text NOT NULL,
    action     text NOT NULL,
    target     text NOT NULL,
    detail     text NOT NULL,
    address    text NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX audit_tenant ON peal.audit (tenant, id);
CREATE INDEX audit_actor_id ON peal.audit (actor_id, id);
CREATE INDEX audit_actor ON peal.audit (actor, id);
CREATE INDEX audit_action ON peal.audit (action, id);
CREATE INDEX audit_target ON peal.audit (target, id);
-- +goose StatementBegin
CREATE FUNCTION peal.audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON peal.audit FOR EACH ROW EXECUTE FUNCTION peal.audit_is_append_only();

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
