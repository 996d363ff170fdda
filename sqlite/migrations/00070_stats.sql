-- +goose Up

-- What was counted of a webhook in the minute (width 0), hour (1) or day (2) that began
-- at a moment; counts is peal.Counts in binary.
CREATE TABLE buckets (
    webhook INTEGER NOT NULL,
    width   INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    counts  BLOB NOT NULL,
    PRIMARY KEY (webhook, width, start)
) WITHOUT ROWID;
CREATE INDEX buckets_age ON buckets (width, start);

-- Runs of failed attempts of one kind.
CREATE TABLE problems (
    webhook  INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    code     INTEGER NOT NULL,
    error    TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (webhook, reason, code)
) WITHOUT ROWID;
CREATE INDEX problems_last ON problems (last);

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
