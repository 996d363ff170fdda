-- +goose Up

-- That this database is being filled from another one, or has just been: one row, or
-- none. run is who fills it.
CREATE TABLE peal.moves (
    state text NOT NULL,
    other text NOT NULL,
    at    bigint NOT NULL,
    run   uuid NOT NULL
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
