-- +goose Up

-- The way of an event is two calls: insert_events and settle_deliveries, each with
-- a whole group of what nodes wait for. They are functions so that a group is one
-- round trip whose statements the server plans once a connection, also behind a
-- pooler that keeps no prepared statements. The planner's settings hold them to the
-- indexes: the statistics of tables that fill and empty all day tell it nothing.

-- now_micros is the time by the server's clock.
CREATE FUNCTION peal.now_micros() RETURNS bigint LANGUAGE sql AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

-- node_numbers gives the number of each node, NULL for one that is not registered.
CREATE FUNCTION peal.node_numbers(ids uuid[]) RETURNS integer[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT (SELECT n.num FROM peal.nodes n WHERE n.id = u.id) FROM unnest(ids) u(id))
$$;

-- insert_events writes the events (e_) and deliveries (d_) of calls. It gives no
-- row when all is written. Otherwise nothing is, and each row names a call to be
-- looked at by itself, counted from 1: its routes are stale, some of the publishers'
-- ids are given already, or it holds and its node is fenced. Nodes are registered for
-- as long as the lock of the routes is held. e_call, e_tenant, e_type, d_call and
-- d_webhook count from 1 in the lists that they are about.
-- +goose StatementBegin
CREATE FUNCTION peal.insert_events(
    lock_key integer, call_node uuid[], call_version bigint[],
    tenant_name text[], tenant_created bigint[], type_name text[], webhook_id uuid[],
    e_call integer[], e_key uuid[], e_tenant integer[], e_type integer[], e_ext_id text[], e_subject text[], e_time text[],
    e_deliveries bytea[], e_filter_errors text[], e_data bytea[],
    d_call integer[], d_id uuid[], d_webhook integer[], d_event uuid[], d_due bigint[], d_held boolean[], d_test boolean[]
) RETURNS TABLE (call integer, why text) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    routes   bigint;
    tenants  integer[];
    types    integer[];
    webhooks integer[];
    owners   integer[];
    given    boolean := EXISTS (SELECT FROM unnest(e_ext_id) u(ext_id) WHERE u.ext_id IS NOT NULL);
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1348821356, lock_key);
    SELECT m.value INTO routes FROM peal.meta m WHERE m.name = 'routes';
    RETURN QUERY SELECT u.call::integer, 'stale' FROM unnest(call_version) WITH ORDINALITY u(version, call) WHERE u.version < routes;
    IF FOUND THEN
        RETURN;
    END IF;
    tenants := ARRAY(SELECT (SELECT t.num FROM peal.tenants t WHERE t.name = u.name) FROM unnest(tenant_name) u(name));
    IF given THEN
        RETURN QUERY SELECT DISTINCT u.call, 'given' FROM unnest(e_call, e_tenant, e_ext_id) u(call, tenant, ext_id)
            WHERE u.ext_id IS NOT NULL AND EXISTS (SELECT FROM peal.event_ids i WHERE i.tenant = tenants[u.tenant] AND i.ext_id = u.ext_id);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    IF true = ANY (d_held) THEN
        owners := peal.node_numbers(call_node);
        IF array_position(owners, NULL) IS NOT NULL THEN
            RETURN QUERY SELECT DISTINCT u.call, 'fenced' FROM unnest(d_call, d_held) u(call, held) WHERE u.held AND owners[u.call] IS NULL;
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
    END IF;
    IF array_position(tenants, NULL) IS NOT NULL THEN
        INSERT INTO peal.tenants (name, created)
            SELECT u.name, u.created FROM unnest(tenant_name, tenant_created) u(name, created) ORDER BY u.name ON CONFLICT DO NOTHING;
        tenants := ARRAY(SELECT (SELECT t.num FROM peal.tenants t WHERE t.name = u.name) FROM unnest(tenant_name) u(name));
    END IF;
    types := ARRAY(SELECT (SELECT t.num FROM peal.types t WHERE t.name = u.name) FROM unnest(type_name) u(name));
    IF array_position(types, NULL) IS NOT NULL THEN
        INSERT INTO peal.types (name) SELECT u.name FROM unnest(type_name) u(name) ORDER BY u.name ON CONFLICT DO NOTHING;
        types := ARRAY(SELECT (SELECT t.num FROM peal.types t WHERE t.name = u.name) FROM unnest(type_name) u(name));
    END IF;
    webhooks := ARRAY(SELECT (SELECT w.num FROM peal.webhooks w WHERE w.id = u.id) FROM unnest(webhook_id) u(id));
    IF array_position(webhooks, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'a delivery is for webhook %, which does not exist', webhook_id[array_position(webhooks, NULL)];
    END IF;
    IF given THEN
        INSERT INTO peal.event_ids (tenant, ext_id, event)
            SELECT tenants[u.tenant], u.ext_id, u.key FROM unnest(e_tenant, e_ext_id, e_key) u(tenant, ext_id, key)
            WHERE u.ext_id IS NOT NULL ORDER BY 1, 2;
    END IF;
    INSERT INTO peal.events (key, tenant, type, ext_id, subject, time, deliveries, filter_errors, data)
        SELECT u.key, tenants[u.tenant], types[u.type], u.ext_id, u.subject, u.time, u.deliveries, u.filter_errors, u.data
        FROM unnest(e_key, e_tenant, e_type, e_ext_id, e_subject, e_time, e_deliveries, e_filter_errors, e_data)
            u(key, tenant, type, ext_id, subject, time, deliveries, filter_errors, data);
    IF true = ANY (d_held) THEN
        INSERT INTO peal.held (id, webhook, event, owner, due, test)
            SELECT u.id, webhooks[u.webhook], u.event, owners[u.call], u.due, u.test
            FROM unnest(d_call, d_id, d_webhook, d_event, d_due, d_held, d_test) u(call, id, webhook, event, due, held, test) WHERE u.held;
    END IF;
    IF false = ANY (d_held) THEN
        INSERT INTO peal.waiting (id, webhook, event, due, test)
            SELECT u.id, webhooks[u.webhook], u.event, u.due, u.test
            FROM unnest(d_id, d_webhook, d_event, d_due, d_held, d_test) u(id, webhook, event, due, held, test) WHERE NOT u.held;
    END IF;
END $$;
-- +goose StatementEnd

-- settle_deliveries records attempts and moves their deliveries on. s_call counts
-- from 1 in call_node; s_at is when it became final, or is due. The usual ones, of
-- s_quick, are final and stand in the list once: those go many at a time. The others
-- go one by one, wherever the delivery is. It gives the places, counted from 1, of
-- those that were not put on record: their attempt is there already, or nobody knows
-- the delivery.
-- +goose StatementBegin
CREATE FUNCTION peal.settle_deliveries(
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
        WHERE u.quick AND h.id = u.id AND h.owner = owners[u.call]
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

-- find_delivery locks a delivery's row and says which table it is in; NULL for none.
-- It looks twice: a row may go back from one table to another between two looks.
-- +goose StatementBegin
CREATE FUNCTION peal.find_delivery(delivery uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR look IN 1..2 LOOP
        PERFORM FROM peal.held h WHERE h.id = delivery FOR UPDATE;
        IF FOUND THEN RETURN 'held'; END IF;
        PERFORM FROM peal.waiting w WHERE w.id = delivery FOR UPDATE;
        IF FOUND THEN RETURN 'waiting'; END IF;
        PERFORM FROM peal.settled s WHERE s.id = delivery FOR UPDATE;
        IF FOUND THEN RETURN 'settled'; END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION peal.settle_delivery(
    owner_ integer, id_ uuid, attempt_ uuid, status_ integer, tries_ integer, code_ integer, duration_ bigint, reason_ text, at_ bigint,
    held_ boolean, facts_ bytea, exchange_ bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    place text := peal.find_delivery(id_);
BEGIN
    IF place IS NULL OR EXISTS (SELECT FROM peal.attempts a WHERE a.delivery = id_ AND a.id = attempt_)
        OR place = 'settled' AND EXISTS (SELECT FROM peal.settled s WHERE s.id = id_ AND substring(s.facts FROM 2 FOR 16) = uuid_send(attempt_)) THEN
        RETURN false;
    END IF;
    -- Final already, or in the hands of others, who go on with it.
    IF place = 'settled' THEN
        INSERT INTO peal.attempts (delivery, id, facts, exchange) VALUES (id_, attempt_, facts_, exchange_);
        UPDATE peal.settled s SET attempts = s.attempts + 1, code = code_, duration = duration_, reason = reason_ WHERE s.id = id_;
        RETURN true;
    END IF;
    IF place = 'held' AND status_ <> 1 AND EXISTS (SELECT FROM peal.held h WHERE h.id = id_ AND h.owner IS DISTINCT FROM owner_) THEN
        INSERT INTO peal.attempts (delivery, id, facts, exchange) VALUES (id_, attempt_, facts_, exchange_);
        UPDATE peal.held h SET attempts = h.attempts + 1, code = code_, duration = duration_, reason = reason_ WHERE h.id = id_;
        RETURN true;
    END IF;
    IF place = 'waiting' AND status_ <> 1 AND owner_ IS NULL THEN
        INSERT INTO peal.attempts (delivery, id, facts, exchange) VALUES (id_, attempt_, facts_, exchange_);
        UPDATE peal.waiting w SET attempts = w.attempts + 1, code = code_, duration = duration_, reason = reason_ WHERE w.id = id_;
        RETURN true;
    END IF;
    IF status_ > 0 THEN
        WITH moved AS (DELETE FROM peal.held h WHERE h.id = id_ RETURNING h.id, h.webhook, h.event, h.test, h.attempts),
            others AS (DELETE FROM peal.waiting w WHERE w.id = id_ RETURNING w.id, w.webhook, w.event, w.test, w.attempts)
        INSERT INTO peal.settled (id, webhook, event, status, test, attempts, tries, code, duration, reason, at, facts, exchange)
            SELECT m.id, m.webhook, m.event, status_, m.test, m.attempts + 1, tries_, code_, duration_, reason_, at_, facts_, exchange_
            FROM (SELECT * FROM moved UNION ALL SELECT * FROM others) m;
        RETURN true;
    END IF;
    INSERT INTO peal.attempts (delivery, id, facts, exchange) VALUES (id_, attempt_, facts_, exchange_);
    IF place = 'held' AND held_ THEN
        UPDATE peal.held h SET owner = owner_, due = at_, attempts = h.attempts + 1, tries = tries_, code = code_, duration = duration_, reason = reason_ WHERE h.id = id_;
    ELSIF place = 'waiting' AND NOT held_ THEN
        UPDATE peal.waiting w SET due = at_, attempts = w.attempts + 1, tries = tries_, code = code_, duration = duration_, reason = reason_ WHERE w.id = id_;
    ELSIF place = 'held' THEN
        WITH moved AS (DELETE FROM peal.held h WHERE h.id = id_ RETURNING h.*)
        INSERT INTO peal.waiting (id, webhook, event, due, test, attempts, tries, code, duration, reason)
            SELECT m.id, m.webhook, m.event, at_, m.test, m.attempts + 1, tries_, code_, duration_, reason_ FROM moved m;
    ELSE
        WITH moved AS (DELETE FROM peal.waiting w WHERE w.id = id_ RETURNING w.*)
        INSERT INTO peal.held (id, webhook, event, owner, due, test, attempts, tries, code, duration, reason)
            SELECT m.id, m.webhook, m.event, owner_, at_, m.test, m.attempts + 1, tries_, code_, duration_, reason_ FROM moved m;
    END IF;
    RETURN true;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'this database cannot be taken back to an older version';
