-- +goose Up

-- Event types belong to a catalogue, and tenants use one each. A key is the name of the
-- catalogue, a slash, and the name of the type.
CREATE TABLE peal.catalogue_types (
    key         text COLLATE "C" PRIMARY KEY,
    description text NOT NULL,
    schema      bytea, -- the bytes as they came
    example     bytea,
    created     bigint NOT NULL,
    updated     bigint NOT NULL
);
INSERT INTO peal.catalogue_types (key, description, schema, example, created, updated)
SELECT 'default/' || name, description, schema, example, created, updated FROM peal.event_types;

-- '' is the catalogue named default.
ALTER TABLE peal.tenants ADD COLUMN catalogue text NOT NULL DEFAULT '';

-- Nodes of the version before know event_types alone: while they are upgraded, it and the
-- default catalogue are kept the same. The next generation drops it, with these triggers.
-- +goose StatementBegin
CREATE FUNCTION peal.event_type_to_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM peal.catalogue_types WHERE key = 'default/' || OLD.name;
    ELSE
        INSERT INTO peal.catalogue_types (key, description, schema, example, created, updated)
        VALUES ('default/' || NEW.name, NEW.description, NEW.schema, NEW.example, NEW.created, NEW.updated)
        ON CONFLICT (key) DO UPDATE SET description = excluded.description, schema = excluded.schema,
            example = excluded.example, created = excluded.created, updated = excluded.updated;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER event_type_to_catalogue AFTER INSERT OR UPDATE OR DELETE ON peal.event_types
    FOR EACH ROW EXECUTE FUNCTION peal.event_type_to_catalogue();

-- +goose StatementBegin
CREATE FUNCTION peal.catalogue_to_event_type() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type_name text := substr(CASE WHEN TG_OP = 'DELETE' THEN OLD.key ELSE NEW.key END, length('default/') + 1);
BEGIN
    IF pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.key LIKE 'default/%' THEN
            DELETE FROM peal.event_types WHERE name = type_name;
        END IF;
    ELSIF NEW.key LIKE 'default/%' THEN
        INSERT INTO peal.event_types (name, description, schema, example, created, updated)
        VALUES (type_name, NEW.description, NEW.schema, NEW.example, NEW.created, NEW.updated)
        ON CONFLICT (name) DO UPDATE SET description = excluded.description, schema = excluded.schema,
            example = excluded.example, created = excluded.created, updated = excluded.updated;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER catalogue_to_event_type AFTER INSERT OR UPDATE OR DELETE ON peal.catalogue_types
    FOR EACH ROW EXECUTE FUNCTION peal.catalogue_to_event_type();

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
