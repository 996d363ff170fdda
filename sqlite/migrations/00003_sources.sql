-- +goose Up

-- Inbound sources. secrets is the part that is sealed, settings the rest.
CREATE TABLE sources (
    id          BLOB PRIMARY KEY,
    tenant      INTEGER NOT NULL REFERENCES tenants (num),
    name        TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    settings    TEXT NOT NULL,
    secrets     BLOB NOT NULL,
    sealed      INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL,
    accepted    INTEGER NOT NULL DEFAULT 0,
    duplicate   INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL DEFAULT 0,
    refused_at  INTEGER NOT NULL DEFAULT 0,
    refusal     TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE UNIQUE INDEX sources_name ON sources (tenant, name);
CREATE INDEX sources_tenant ON sources (tenant, id);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
