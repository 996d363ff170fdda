-- +goose Up

-- When the deletion of a tenant with all its data started; NULL for one that stays.
ALTER TABLE tenants ADD COLUMN deleting INTEGER;
CREATE INDEX tenants_deleting ON tenants (deleting) WHERE deleting IS NOT NULL;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
