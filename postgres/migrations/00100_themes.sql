-- +goose Up

-- How the portal looks to a tenant's customers.
CREATE TABLE peal.themes (
    tenant   integer PRIMARY KEY REFERENCES peal.tenants (num),
    settings text NOT NULL,
    logo     bytea
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
