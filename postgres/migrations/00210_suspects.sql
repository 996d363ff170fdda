-- +goose Up

-- Pending deliveries whose attempt may be what ended a process: they were due in its
-- memory. ends counts the processes, strikes weighs them by mark (see peal.Mark).
CREATE TABLE peal.suspects (
    delivery uuid PRIMARY KEY,
    ends     integer NOT NULL DEFAULT 1,
    strikes  integer NOT NULL DEFAULT 0,
    mark     integer NOT NULL DEFAULT 0
);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
