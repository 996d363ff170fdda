package configstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// eventTypes returns the entries of catalogues, with or without their schemas and examples.
func eventTypes(brief bool) table[peal.EventType] {
	return table[peal.EventType]{` FROM peal.catalogue_types`, func(t *peal.EventType) []Column {
		columns := []Column{
			decoded("key", func(text string) error {
				t.SetKey(text)
				return nil
			}),
			Text("description", &t.Description), Time("created", &t.CreatedAt), Time("updated", &t.UpdatedAt),
		}
		if !brief {
			columns = append(columns, Blob("schema", &t.Schema), Blob("example", &t.Example))
		}
		return columns
	}}
}

func noEventType(name string) error {
	return peal.Fail(peal.NotFound, message.NoEventType, strconv.Quote(name))
}

// PutEventType implements [storetest.EventTypeStore].
func (s *Store) PutEventType(ctx context.Context, t peal.EventType) (created bool, err error) {
	err = s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		_, there, err := number(tx, `SELECT 1 FROM peal.catalogue_types WHERE key = ?1`, t.Key())
		if err == nil && !there {
			err = s.roomForEventType(tx, t.Catalogue)
		}
		if err != nil {
			return err
		}
		const insert = `INSERT INTO peal.catalogue_types AS t (key, description, schema, example, created, updated)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO `
		values := []any{t.Key(), t.Description, t.Schema, t.Example, t.CreatedAt, t.UpdatedAt}
		n, err := tx.Exec(insert+`NOTHING`, values...)
		if created = n > 0; err != nil || created {
			return err
		}
		_, err = tx.Exec(insert+`UPDATE SET description = excluded.description, schema = excluded.schema,
			example = excluded.example, updated = greatest(excluded.updated, t.created)`, values...)
		return err
	})
	if err != nil {
		return false, s.db.Translate("write an event type", err)
	}
	return created, nil
}

// roomForEventType refuses another entry of a catalogue that has as many as it may have.
func (s *Store) roomForEventType(tx Tx, catalogue string) error {
	limit := s.Quotas[peal.QuotaEventTypes]
	if limit <= 0 {
		return nil
	}
	// One after the other.
	if _, _, err := number(tx, `SELECT value FROM peal.meta WHERE name = 'routes' [FOR NO KEY UPDATE]`); err != nil {
		return err
	}
	used, _, err := number(tx, `SELECT count(*) FROM peal.catalogue_types WHERE key > ?1 AND key < ?2`,
		peal.EventTypeKey(catalogue, ""), peal.EventTypesEnd(catalogue))
	if err == nil && used >= limit {
		err = s.exceeded(peal.QuotaEventTypes, used, limit)
	}
	return err
}

// DeleteEventType implements [storetest.EventTypeStore].
func (s *Store) DeleteEventType(ctx context.Context, catalogue, name string) error {
	n, err := s.db.Exec(ctx, Cost{Rows: 1},
		`DELETE FROM peal.catalogue_types WHERE key = ?1`, peal.EventTypeKey(catalogue, name))
	if err == nil && n == 0 {
		err = noEventType(name)
	}
	return s.db.Translate("delete an event type", err)
}

// EventType implements [storetest.EventTypeStore].
func (s *Store) EventType(ctx context.Context, catalogue, name string) (peal.EventType, error) {
	eventType, err := eventTypes(false).one(s.db.Reader(ctx), noEventType(name),
		` WHERE key = ?1`, peal.EventTypeKey(catalogue, name))
	return eventType, s.db.Translate("read an event type", err)
}

// EventTypes implements [storetest.EventTypeStore].
func (s *Store) EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error) {
	list, err := eventTypes(false).list(s.db.Reader(ctx), ` WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT +?3`,
		peal.EventTypeKey(catalogue, after), peal.EventTypesEnd(catalogue), limit)
	return list, s.db.Translate("list event types", err)
}

// FindEventTypes implements [storetest.EventTypeStore].
func (s *Store) FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error) {
	after, before := query.Span()
	list, err := eventTypes(query.Brief).list(s.db.Reader(ctx), ` WHERE key > ?1 AND key < ?2
		AND (?3 = '' OR instr(lower(substr(key, instr(key, '/') + 1)), ?3) > 0) ORDER BY key LIMIT +?4`,
		after, before, strings.ToLower(query.Text), query.Limit)
	return list, s.db.Translate("find event types", err)
}

// Catalogues implements [storetest.EventTypeStore]. Each name is found by one step of the index.
func (s *Store) Catalogues(ctx context.Context, after string, limit int) ([]string, error) {
	from := ""
	if after != "" {
		from = peal.EventTypesEnd(after)
	}
	var list []string
	err := s.db.Reader(ctx).Query(`WITH RECURSIVE found (name) AS (
			SELECT (SELECT substr(key, 1, instr(key, '/') - 1) FROM peal.catalogue_types WHERE key >= ?1 ORDER BY key LIMIT 1)
			UNION ALL
			SELECT (SELECT substr(key, 1, instr(key, '/') - 1) FROM peal.catalogue_types
				WHERE key >= found.name || '0' ORDER BY key LIMIT 1) FROM found WHERE name IS NOT NULL
		) SELECT name FROM found WHERE name IS NOT NULL LIMIT +?2`, func(r Row) error {
		name, _ := r[0].(string)
		list = append(list, name)
		return nil
	}, from, limit)
	return list, s.db.Translate("list catalogues", err)
}
