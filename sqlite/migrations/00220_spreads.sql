-- +goose Up

-- Deliveries of large inserts, durable but not yet rows: each list becomes rows in a
-- transaction of its own (see the package's spread.go). node is the one that writes
-- them; first and last are the least and the greatest key of the list's events.
CREATE TABLE spreads (
    id    BLOB PRIMARY KEY,
    node  BLOB,
    first BLOB NOT NULL,
    last  BLOB NOT NULL,
    list  BLOB NOT NULL
) WITHOUT ROWID;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
