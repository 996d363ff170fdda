-- +goose Up

-- settle_deliveries looks each delivery up in held by its key, whatever the statistics
-- say. A plain equality lets the planner go the other way round, through all of held for
-- each group and through the group for each row, which it takes for cheap when held was
-- last vacuumed while it was empty. An array of one is no such equality.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION peal.settle_deliveries(
    call_node uuid[], s_call integer[], s_quick boolean[], s_id uuid[], s_attempt uuid[], s_status integer[], s_tries integer[],
    s_code integer[], s_duration bigint[], s_reason text[], s_at bigint[], s_held boolean[], s_facts bytea[], s_exchange bytea[]
) RETURNS integer[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    owners  integer[] := peal.node_numbers(call_node);
    handled uuid[];
    left_out integer[] := '{}';
    v       record;
BEGIN
    WITH moved AS (
        DELETE FROM peal.held h
        USING unnest(s_call, s_quick, s_id, s_attempt, s_status, s_tries, s_code, s_duration, s_reason, s_at, s_facts, s_exchange)
            u(call, quick, id, attempt, status, tries, code, duration, reason, at, facts, exchange)
        WHERE u.quick AND h.id = ANY (ARRAY[u.id]) AND h.owner = owners[u.call]
            AND (h.attempts = 0 OR NOT EXISTS (SELECT FROM peal.attempts a WHERE a.delivery = u.id AND a.id = u.attempt))
        RETURNING h.id, h.webhook, h.event, h.test, h.attempts, u.status, u.tries, u.code, u.duration, u.reason, u.at, u.facts, u.exchange
    ), written AS (
        INSERT INTO peal.settled (id, webhook, event, status, test, attempts, tries, code, duration, reason, at, facts, exchange)
            SELECT m.id, m.webhook, m.event, m.status, m.test, m.attempts + 1, m.tries, m.code, m.duration, m.reason, m.at, m.facts, m.exchange FROM moved m
            RETURNING id
    )
    SELECT array_agg(w.id) INTO handled FROM written w;
    handled := coalesce(handled, '{}');
    IF cardinality(handled) = cardinality(s_id) THEN
        RETURN left_out;
    END IF;
    FOR v IN
        SELECT u.* FROM unnest(s_call, s_id, s_attempt, s_status, s_tries, s_code, s_duration, s_reason, s_at, s_held, s_facts, s_exchange)
            WITH ORDINALITY u(call, id, attempt, status, tries, code, duration, reason, at, held, facts, exchange, place)
        WHERE u.id <> ALL (handled) ORDER BY u.place
    LOOP
        IF NOT peal.settle_delivery(owners[v.call], v.id, v.attempt, v.status, v.tries, v.code, v.duration, v.reason, v.at, v.held, v.facts, v.exchange) THEN
            left_out := left_out || v.place::integer;
        END IF;
    END LOOP;
    RETURN left_out;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
