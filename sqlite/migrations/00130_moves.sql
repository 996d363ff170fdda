-- +goose Up

-- That this database was moved to another one, and is not to be used any more: one row, or none.
CREATE TABLE moves (
    state TEXT NOT NULL,
    other TEXT NOT NULL,
    at    INTEGER NOT NULL
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
