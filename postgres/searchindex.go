package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/record"
)

const (
	indexEvents = 256 // that a batch takes
	indexTodo   = 64  // statements with notes in one batch, so that they fit
)

// Index implements [storetest.SearchStore].
func (s *Store) Index(ctx context.Context) (peal.IndexResult, error) {
	begun := time.Now()
	done, err := s.index(ctx)
	done.Held = time.Since(begun)
	return done, translate("index what is searched", err)
}

func (s *Store) index(ctx context.Context) (done peal.IndexResult, err error) {
	var back [16]byte
	on, err := s.one(ctx, s.pool, `SELECT back FROM peal.search_state`, nil, &back)
	if err != nil || !on {
		return done, err
	}
	if done.More, err = s.indexNoted(ctx, back, &done); done.More || err != nil || back == least {
		return done, err
	}
	done.More = true
	return done, s.indexBack(ctx, back, &done)
}

// indexNoted takes what statements have noted.
func (s *Store) indexNoted(ctx context.Context, back [16]byte, done *peal.IndexResult) (bool, error) {
	var nums []int64
	var events, deliveries [][16]byte
	if err := s.query(ctx, `SELECT num, events, deliveries FROM peal.search_todo ORDER BY num LIMIT $1`, func(rows pgx.Rows) error {
		var num int64
		var new, changed [][16]byte
		if err := rows.Scan(&num, &new, &changed); err != nil || len(events)+len(deliveries) >= indexEvents {
			return err
		}
		nums, events, deliveries = append(nums, num), append(events, new...), append(deliveries, changed...)
		return nil
	}, indexTodo); err != nil || len(nums) == 0 {
		return false, err
	}
	if len(deliveries) > 0 {
		if err := s.query(ctx, `SELECT event FROM peal.held WHERE id = ANY ($1) UNION ALL SELECT event FROM peal.waiting WHERE id = ANY ($1)
			UNION ALL SELECT event FROM peal.settled WHERE id = ANY ($1)`, func(rows pgx.Rows) error {
			var event [16]byte
			err := rows.Scan(&event)
			events = append(events, event)
			return err
		}, uuids(deliveries...)); err != nil {
			return false, err
		}
	}
	slices.SortFunc(events, func(a, b [16]byte) int { return strings.Compare(string(a[:]), string(b[:])) })
	events = slices.Compact(events)
	for part := range slices.Chunk(events, indexEvents) {
		if err := s.indexEvents(ctx, part, back, done); err != nil {
			return false, err
		}
	}
	_, err := s.exec(ctx, `DELETE FROM peal.search_todo WHERE num = ANY ($1)`, nums)
	return true, err
}

// indexBack takes what was there before the index was turned on, the newest first.
func (s *Store) indexBack(ctx context.Context, back [16]byte, done *peal.IndexResult) error {
	var events [][16]byte
	if err := s.query(ctx, `SELECT key FROM peal.events WHERE key < $1 ORDER BY key DESC LIMIT $2`, func(rows pgx.Rows) error {
		var key [16]byte
		err := rows.Scan(&key)
		events = append(events, key)
		return err
	}, uuid(back), indexEvents); err != nil {
		return err
	}
	back = least
	if len(events) > 0 {
		back = events[len(events)-1]
	}
	slices.Reverse(events)
	return s.indexEvents(ctx, events, back, done)
}

// indexEvents puts events into the index, given in order, or what has changed of them.
func (s *Store) indexEvents(ctx context.Context, keys [][16]byte, back [16]byte, done *peal.IndexResult) error {
	documents, err := s.documents(ctx, keys)
	if err != nil {
		return err
	}
	made := map[int64]bool{}
	for _, key := range keys {
		if day := dayOfID(key); documents[key] != nil && !made[day] {
			made[day] = true
			if err := s.makePartition(ctx, "search", day); err != nil {
				return err
			}
		}
	}
	events, words := [][16]byte{}, pgtype.FlatArray[string]{}
	for _, key := range keys {
		if d := documents[key]; d != nil {
			events, words = append(events, key), append(words, strings.Join(d.Words(), " "))
		}
	}
	return s.transact(ctx, func(t *tx) error {
		if len(events) > 0 {
			n, err := t.exec(`INSERT INTO peal.search (event, words) SELECT u.event, array_to_tsvector(string_to_array(u.words, ' ')) FROM unnest($1::uuid[], $2::text[]) u(event, words)
				ON CONFLICT (event) DO UPDATE SET words = excluded.words WHERE search.words <> excluded.words`, uuids(events...), words)
			if err != nil {
				return err
			}
			done.Events += int(n)
		}
		_, err := t.exec(`UPDATE peal.search_state SET back = $1 WHERE back > $1`, uuid(back))
		return err
	})
}

// documents reads the words of events with those of their deliveries and of what was
// answered; events that are gone are left out.
func (s *Store) documents(ctx context.Context, keys [][16]byte) (map[[16]byte]*fulltext.Index, error) {
	documents := map[[16]byte]*fulltext.Index{}
	of := map[peal.DeliveryID]*fulltext.Index{}
	var ids []peal.DeliveryID
	if len(keys) == 0 {
		return documents, nil
	}
	if err := s.eventsByKey(ctx, s.pool, keys, func(e *peal.Event, list []byte) {
		index := fulltext.NewIndex()
		for _, text := range textsOf(e) {
			index.Text(text)
		}
		documents[e.Key] = index
		for _, id := range idsIn[peal.DeliveryID](list) {
			of[id] = index
			ids = append(ids, id)
		}
	}); err != nil {
		return nil, err
	}
	if err := s.query(ctx, `SELECT key, tenant, type FROM peal.events WHERE key = ANY ($1)`, func(rows pgx.Rows) error {
		var key [16]byte
		var tenant, eventType int32
		err := rows.Scan(&key, &tenant, &eventType)
		if index := documents[key]; index != nil {
			index.Fact(tenantFact(tenant))
			index.Fact(typeFact(eventType))
		}
		return err
	}, uuids(keys...)); err != nil || len(ids) == 0 {
		return documents, err
	}
	if err := s.query(ctx, `SELECT id, webhook, 0 FROM peal.held WHERE id = ANY ($1) UNION ALL SELECT id, webhook, 0 FROM peal.waiting WHERE id = ANY ($1)
		UNION ALL SELECT id, webhook, status FROM peal.settled WHERE id = ANY ($1)`, func(rows pgx.Rows) error {
		var id peal.DeliveryID
		var webhook, status int32
		err := rows.Scan((*[16]byte)(&id), &webhook, &status)
		of[id].Text([]byte(id.String()))
		of[id].Fact(webhookFact(webhook))
		of[id].Fact(statusFact(status))
		return err
	}, uuids(ids...)); err != nil {
		return nil, err
	}
	return documents, s.answersTo(ctx, ids, func(id peal.DeliveryID, body []byte) { of[id].Text(body) })
}

// searchTriggers note changes while search is on: those of all nodes, of any version.
var searchTriggers = [...]struct{ table, event, function string }{
	{"events", "INSERT", "note_events"},
	{"events", "UPDATE", "note_events"}, // a delivery came later
	{"settled", "INSERT", "note_settled"},
	{"attempts", "INSERT", "note_attempts"},
}

// SetSearch implements [storetest.SearchStore].
func (s *Store) SetSearch(ctx context.Context, on bool) error {
	if was, err := s.searchIsOn(ctx); err != nil || was == on {
		return translate("turn search on or off", err)
	}
	err := s.transact(ctx, func(t *tx) error {
		// Who waits for the triggers' lock holds up those who insert: not for long.
		if _, err := t.exec(`SET LOCAL lock_timeout = '1s'`); err != nil {
			return err
		}
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockSearch, s.lockKey); err != nil {
			return err
		}
		for _, trigger := range searchTriggers {
			text := fmt.Sprintf(`DROP TRIGGER IF EXISTS %[1]s_%[2]s ON peal.%[3]s`, trigger.function, trigger.event, trigger.table)
			if on {
				text = fmt.Sprintf(`CREATE OR REPLACE TRIGGER %[1]s_%[2]s AFTER %[2]s ON peal.%[3]s REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION peal.%[1]s()`,
					trigger.function, trigger.event, trigger.table)
			}
			if _, err := t.exec(text); err != nil {
				return err
			}
		}
		if on {
			_, err := t.exec(`INSERT INTO peal.search_state (is_on, back) VALUES (true, $1) ON CONFLICT DO NOTHING`, uuid(greatest))
			return err
		}
		return t.dropSearch()
	})
	if stateOf(err) == pgerrcode.LockNotAvailable {
		err = &peal.Error{Code: peal.Unavailable, Message: "the tables are in use: it is tried again", RetryAfter: retryAfter}
	}
	return translate("turn search on or off", err)
}

// dropSearch takes the index away.
func (t *tx) dropSearch() error {
	days, err := t.s.listDays(t.ctx, "search")
	if err != nil {
		return err
	}
	for _, day := range days {
		if _, err := t.exec(`DROP TABLE IF EXISTS peal.` + partition("search", day)); err != nil {
			return err
		}
	}
	for _, text := range [...]string{`DELETE FROM peal.search_state`, `TRUNCATE peal.search_todo`} {
		if _, err := t.exec(text); err != nil {
			return err
		}
	}
	return nil
}

// dropSearchDay drops the words of a day when its events are dropped; events that stay are indexed
// again.
func (t *tx) dropSearchDay(number int64, kept [][16]byte) error {
	name := partition("search", number)
	if found, err := t.s.hasTable(t, name); err != nil || !found {
		return err
	}
	if _, err := t.exec(`DROP TABLE peal.` + name); err != nil || len(kept) == 0 {
		return err
	}
	_, err := t.exec(`INSERT INTO peal.search_todo (events) VALUES ($1)`, uuids(kept...))
	return err
}

func (s *Store) searchIsOn(ctx context.Context) (on bool, err error) {
	_, err = s.one(ctx, s.pool, `SELECT EXISTS (SELECT FROM peal.search_state)`, nil, &on)
	return on, err
}

// SearchState implements [storetest.SearchStore].
func (s *Store) SearchState(ctx context.Context) (peal.SearchState, error) {
	var state peal.SearchState
	var back [16]byte
	err := s.query(ctx, `SELECT CASE WHEN back = $1 THEN coalesce((SELECT key FROM peal.events ORDER BY key DESC LIMIT 1), $2) ELSE back END,
		(SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
			WHERE n.nspname = $3 AND p.relname = 'search')::bigint
		FROM peal.search_state`, func(rows pgx.Rows) error {
		state.On = true
		return rows.Scan(&back, &state.Bytes)
	}, uuid(greatest), uuid(least), s.options.Schema)
	if back != least {
		state.Since = peal.EventKey(back).Time()
	}
	return state, translate("read the state of search", err)
}

// The facts of an event that are in the index beside its words.
func tenantFact(num int32) string  { return "_t" + strconv.Itoa(int(num)) }
func typeFact(num int32) string    { return "_e" + strconv.Itoa(int(num)) }
func webhookFact(num int32) string { return "_w" + strconv.Itoa(int(num)) }
func statusFact(num int32) string  { return "_s" + strconv.Itoa(int(num)) }

// textsOf returns the searchable texts of an event.
func textsOf(e *peal.Event) [][]byte {
	return [][]byte{[]byte(e.ID), []byte(e.Key.String()), []byte(e.Type), []byte(e.Subject), e.Data}
}

// termsOf returns the terms of a query that an event contains.
func termsOf(q *fulltext.Query, e *peal.Event) (found fulltext.Terms) {
	for _, text := range textsOf(e) {
		found |= q.In(text)
	}
	return found
}

// answersTo reads the bodies that were answered to deliveries.
func (s *Store) answersTo(ctx context.Context, ids []peal.DeliveryID, each func(peal.DeliveryID, []byte)) error {
	if len(ids) == 0 {
		return nil
	}
	return s.query(ctx, `SELECT delivery, facts, exchange FROM peal.attempts WHERE delivery = ANY ($1) AND exchange IS NOT NULL
		UNION ALL SELECT id, facts, exchange FROM peal.settled WHERE id = ANY ($1) AND exchange IS NOT NULL`, func(rows pgx.Rows) error {
		var id peal.DeliveryID
		var facts, exchange []byte
		if err := rows.Scan((*[16]byte)(&id), &facts, &exchange); err != nil {
			return err
		}
		if attempt := record.ReadJoined(facts, exchange); len(attempt.ResponseBody) > 0 {
			each(id, attempt.ResponseBody)
		}
		return nil
	}, uuids(ids...))
}
