package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/pealhq/peal"
)

const (
	selectEventType      = `SELECT key, description, schema, example, created, updated FROM catalogue_types`
	selectBriefEventType = `SELECT key, description, NULL, NULL, created, updated FROM catalogue_types`
)

func scanEventType(r row) peal.EventType {
	t := peal.EventType{Description: r.text(1), CreatedAt: timeOf(r.int(4)), UpdatedAt: timeOf(r.int(5))}
	t.SetKey(r.text(0))
	if r[2] != nil {
		t.Schema = json.RawMessage(r.text(2))
	}
	if r[3] != nil {
		t.Example = json.RawMessage(r.text(3))
	}
	return t
}

func orNoJSON(text json.RawMessage) any {
	if text == nil {
		return nil
	}
	return string(text)
}

func noEventType(name string) error {
	return peal.Errorf(peal.NotFound, "there is no event type %q in the catalogue", name)
}

// PutEventType implements [peal.ConfigStore].
func (s *Store) PutEventType(ctx context.Context, t peal.EventType) (created bool, err error) {
	err = s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		_, there, err := w.conn.number(`SELECT 1 FROM catalogue_types WHERE key = ?`, t.Key())
		if err != nil {
			return err
		}
		created = !there
		if limit := s.options.Quotas[peal.QuotaEventTypes]; created && limit > 0 {
			used, _, err := w.conn.number(`SELECT count(*) FROM catalogue_types WHERE key > ? AND key < ?`, peal.EventTypeKey(t.Catalogue, ""), peal.EventTypesEnd(t.Catalogue))
			if err == nil && used >= limit {
				err = s.exceeded(peal.QuotaEventTypes, used, limit)
			}
			if err != nil {
				return err
			}
		}
		_, err = w.conn.exec(`INSERT INTO catalogue_types (key, description, schema, example, created, updated) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET description = excluded.description, schema = excluded.schema, example = excluded.example, updated = max(excluded.updated, created)`,
			t.Key(), t.Description, orNoJSON(t.Schema), orNoJSON(t.Example), micros(t.CreatedAt), micros(t.UpdatedAt))
		return err
	}})
	if err != nil {
		return false, translate("write an event type", err)
	}
	return created, nil
}

// DeleteEventType implements [peal.ConfigStore].
func (s *Store) DeleteEventType(ctx context.Context, catalogue, name string) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM catalogue_types WHERE key = ?`, peal.EventTypeKey(catalogue, name))
		if err == nil && n == 0 {
			return refuse(noEventType(name))
		}
		return err
	}})
	return translate("delete an event type", err)
}

// EventType implements [peal.ConfigStore].
func (s *Store) EventType(ctx context.Context, catalogue, name string) (peal.EventType, error) {
	var eventType peal.EventType
	found := false
	err := s.query(ctx, selectEventType+` WHERE key = ?`, func(r row) error {
		eventType, found = scanEventType(r), true
		return nil
	}, peal.EventTypeKey(catalogue, name))
	if err == nil && !found {
		err = noEventType(name)
	}
	return eventType, translate("read an event type", err)
}

// EventTypes implements [peal.ConfigStore].
func (s *Store) EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error) {
	var eventTypes []peal.EventType
	err := s.query(ctx, selectEventType+` WHERE key > ? AND key < ? ORDER BY key LIMIT +?`, func(r row) error {
		eventTypes = append(eventTypes, scanEventType(r))
		return nil
	}, peal.EventTypeKey(catalogue, after), peal.EventTypesEnd(catalogue), int64(limit))
	return eventTypes, translate("list event types", err)
}

// FindEventTypes implements [peal.ConfigStore].
func (s *Store) FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error) {
	text := selectEventType
	if query.Brief {
		text = selectBriefEventType
	}
	after, before := query.Span()
	var eventTypes []peal.EventType
	err := s.query(ctx, text+` WHERE key > ?1 AND key < ?2 AND (?3 = '' OR instr(lower(substr(key, instr(key, '/') + 1)), ?3) > 0) ORDER BY key LIMIT +?4`, func(r row) error {
		eventTypes = append(eventTypes, scanEventType(r))
		return nil
	}, after, before, strings.ToLower(query.Text), int64(query.Limit))
	return eventTypes, translate("find event types", err)
}

// Catalogues implements [peal.ConfigStore]. Each name is found by one step of the index.
func (s *Store) Catalogues(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	from := ""
	if after != "" {
		from = peal.EventTypesEnd(after)
	}
	err := s.query(ctx, `WITH RECURSIVE found (name) AS (
			SELECT (SELECT substr(key, 1, instr(key, '/') - 1) FROM catalogue_types WHERE key >= ?1 ORDER BY key LIMIT 1)
			UNION ALL
			SELECT (SELECT substr(key, 1, instr(key, '/') - 1) FROM catalogue_types WHERE key >= found.name || '0' ORDER BY key LIMIT 1) FROM found WHERE name IS NOT NULL
		) SELECT name FROM found WHERE name IS NOT NULL LIMIT +?2`, func(r row) error {
		names = append(names, r.text(0))
		return nil
	}, from, int64(limit))
	return names, translate("list catalogues", err)
}
