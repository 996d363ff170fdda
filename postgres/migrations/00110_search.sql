-- +goose Up

-- The words of events and of what was answered, by the day, made in the background.
-- There are partitions only while search is on. The facts among the words, such as the
-- tenant's number, begin with "_".
CREATE TABLE peal.search (
    event uuid NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (event)
) PARTITION BY RANGE (event);
CREATE INDEX search_words ON peal.search USING gin (words);

-- One row while search is on: events before back are not in the index yet.
CREATE TABLE peal.search_state (
    is_on boolean PRIMARY KEY CHECK (is_on),
    back  uuid NOT NULL
);

-- What the index has not looked at yet: a row for each statement that has changed something.
CREATE TABLE peal.search_todo (
    num        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    events     uuid[] NOT NULL DEFAULT '{}',
    deliveries uuid[] NOT NULL DEFAULT '{}'
);

-- The triggers that call these are there only while search is on.
-- +goose StatementBegin
CREATE FUNCTION peal.note_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO peal.search_todo (events) SELECT array_agg(key) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION peal.note_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO peal.search_todo (events) SELECT array_agg(event) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION peal.note_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO peal.search_todo (deliveries) SELECT array_agg(delivery) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
