-- +goose Up

-- How the portal looks to a tenant's customers.
CREATE TABLE themes (
    tenant   INTEGER PRIMARY KEY REFERENCES tenants (num),
    settings TEXT NOT NULL,
    logo     BLOB
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
