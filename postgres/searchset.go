package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// searchTriggers note what changes while search is on: in all nodes, whatever their
// version.
var searchTriggers = [...]struct{ table, event, function string }{
	{"events", "INSERT", "note_events"},
	{"events", "UPDATE", "note_events"}, // a delivery came later
	{"settled", "INSERT", "note_settled"},
	{"attempts", "INSERT", "note_attempts"},
}

// SetSearch implements [peal.SearchStore].
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

// dropSearchDay drops the words of a day whose events are dropped; those that stay are
// put into the index anew.
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

// SearchState implements [peal.SearchStore].
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
	return state, translate("tell how search stands", err)
}
