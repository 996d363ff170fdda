-- +goose Up

-- The webhooks whose filters failed on the event, as JSON; NULL for nearly all.
ALTER TABLE events ADD COLUMN filter_errors TEXT;

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
