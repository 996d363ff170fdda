-- +goose Up

-- Pending deliveries whose attempt may be what ended a process: they were due in its
-- memory. ends counts the processes, strikes weighs them by mark (see peal.Mark).
CREATE TABLE suspects (
    seq     INTEGER PRIMARY KEY,
    ends    INTEGER NOT NULL DEFAULT 1,
    strikes INTEGER NOT NULL DEFAULT 0,
    mark    INTEGER NOT NULL DEFAULT 0
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
