-- +goose Up

-- What the search index has not looked at yet, while it is on: a row for each
-- transaction, with the keys of new events and of deliveries that have changed, 8 bytes
-- each. The index is in a file of its own (see the package's searchfile.go).
CREATE TABLE search_todo (
    num        INTEGER PRIMARY KEY,
    events     BLOB NOT NULL,
    deliveries BLOB NOT NULL
);
INSERT INTO meta (name, value) VALUES ('search', 0);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
