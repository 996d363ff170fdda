-- +goose Up

-- Nodes are there while they are registered; a number is never given twice. What was
-- held by those of before is nobody's: the first takeover lets go of it.
DROP TABLE nodes;
CREATE TABLE nodes (
    num     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    started INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    load    TEXT NOT NULL DEFAULT '{}'
);
UPDATE held SET owner = 0;

-- Deliveries that were canceled while a node held them, for it to learn of.
CREATE TABLE canceled (
    node     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    delivery BLOB NOT NULL,
    PRIMARY KEY (node, at, delivery)
) WITHOUT ROWID;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
