-- +goose Up

-- When the deletion of a tenant with all its data started; NULL for one that stays.
ALTER TABLE peal.tenants ADD COLUMN deleting bigint;
CREATE INDEX tenants_deleting ON peal.tenants (deleting) WHERE deleting IS NOT NULL;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
