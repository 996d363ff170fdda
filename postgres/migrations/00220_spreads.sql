-- +goose Up

-- Deliveries of large inserts, durable but not yet rows: each list becomes rows in a
-- transaction of its own (see the package's spread.go). node is the one that writes
-- them; first and last are the least and the greatest key of the list's events.
CREATE TABLE peal.spreads (
    id    uuid PRIMARY KEY,
    node  uuid,
    at    bigint NOT NULL DEFAULT peal.now_micros(),
    first uuid NOT NULL,
    last  uuid NOT NULL,
    list  bytea NOT NULL
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
