package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
)

const (
	indexEvents = 256 // that a batch takes
	indexTodo   = 64  // statements whose notes a batch takes, so that they fit
)

// Index implements [peal.SearchStore].
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
