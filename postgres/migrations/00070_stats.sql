-- +goose Up

-- What was counted of a webhook in the minute (width 0), hour (1) or day (2) that began
-- at a moment; counts is peal.Counts in binary. Each writer of results counts in slots
-- of its own, so that none waits for another and none has to read: a bucket is the sum
-- of its slots.
CREATE TABLE peal.buckets (
    webhook integer NOT NULL,
    width   smallint NOT NULL,
    start   bigint NOT NULL,
    slot    bigint NOT NULL,
    counts  bytea NOT NULL,
    PRIMARY KEY (webhook, width, start, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX buckets_age ON peal.buckets (width, start);
CREATE SEQUENCE peal.slots;

-- Runs of failed attempts of one kind.
CREATE TABLE peal.problems (
    webhook  integer NOT NULL,
    reason   text NOT NULL,
    code     integer NOT NULL,
    error    text NOT NULL,
    first    bigint NOT NULL,
    last     bigint NOT NULL,
    attempts bigint NOT NULL,
    PRIMARY KEY (webhook, reason, code)
) WITH (fillfactor = 50);
CREATE INDEX problems_last ON peal.problems (last);

-- count_settled writes the buckets (b_) and adds the problems (p_) of a group of
-- results. Those of webhooks that are not there are left out.
-- +goose StatementBegin
CREATE FUNCTION peal.count_settled(
    slot_ bigint, b_webhook uuid[], b_width integer[], b_start bigint[], b_counts bytea[],
    p_webhook uuid[], p_reason text[], p_code integer[], p_error text[], p_first bigint[], p_last bigint[], p_attempts bigint[], pause bigint
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO peal.buckets AS b (webhook, width, start, slot, counts)
        SELECT w.num, u.width, u.start, slot_, u.counts FROM unnest(b_webhook, b_width, b_start, b_counts) u(webhook, width, start, counts)
        JOIN peal.webhooks w ON w.id = u.webhook
        ON CONFLICT ON CONSTRAINT buckets_pkey DO UPDATE SET counts = excluded.counts;
    IF cardinality(p_webhook) > 0 THEN
        INSERT INTO peal.problems AS p (webhook, reason, code, error, first, last, attempts)
            SELECT w.num, u.reason, u.code, u.error, u.first, u.last, u.attempts
            FROM unnest(p_webhook, p_reason, p_code, p_error, p_first, p_last, p_attempts) u(webhook, reason, code, error, first, last, attempts)
            JOIN peal.webhooks w ON w.id = u.webhook ORDER BY 1, 2, 3
            ON CONFLICT ON CONSTRAINT problems_pkey DO UPDATE SET
                error = CASE WHEN excluded.last >= p.last THEN excluded.error ELSE p.error END,
                first = CASE WHEN excluded.first > p.last + pause THEN excluded.first ELSE least(p.first, excluded.first) END,
                attempts = excluded.attempts + CASE WHEN excluded.first > p.last + pause THEN 0 ELSE p.attempts END,
                last = greatest(p.last, excluded.last);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
