-- +goose Up

-- Event types belong to a catalogue, and tenants use one each. A key is the name of the
-- catalogue, a slash, and the name of the type.
CREATE TABLE catalogue_types (
    key         TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    schema      TEXT,
    example     TEXT,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO catalogue_types (key, description, schema, example, created, updated)
SELECT 'default/' || name, description, schema, example, created, updated FROM event_types;
DROP TABLE event_types;

-- '' is the catalogue named default.
ALTER TABLE tenants ADD COLUMN catalogue TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
