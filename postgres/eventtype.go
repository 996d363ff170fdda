package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

const (
	selectEventType      = `SELECT key, description, schema, example, created, updated FROM peal.catalogue_types`
	selectBriefEventType = `SELECT key, description, NULL::bytea, NULL::bytea, created, updated FROM peal.catalogue_types`
)

func noEventType(name string) error {
	return peal.Errorf(peal.NotFound, "there is no event type %q in the catalogue", name)
}

// PutEventType implements [peal.ConfigStore].
func (s *Store) PutEventType(ctx context.Context, t peal.EventType) (created bool, err error) {
	// xmax is 0 in a row that was inserted, not updated.
	err = s.transact(ctx, func(tx *tx) error {
		_, err := tx.one(`INSERT INTO peal.catalogue_types (key, description, schema, example, created, updated) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (key) DO UPDATE SET description = excluded.description, schema = excluded.schema, example = excluded.example, updated = greatest(excluded.updated, catalogue_types.created)
			RETURNING xmax = 0`, []any{clean(t.Key()), clean(t.Description), []byte(t.Schema), []byte(t.Example), micros(t.CreatedAt), micros(t.UpdatedAt)}, &created)
		if limit := s.options.Quotas[peal.QuotaEventTypes]; err == nil && created && limit > 0 {
			err = tx.roomForEventType(t.Catalogue, limit)
		}
		return err
	})
	if err != nil {
		return false, translate("write an event type", err)
	}
	return created, nil
}

// DeleteEventType implements [peal.ConfigStore].
func (s *Store) DeleteEventType(ctx context.Context, catalogue, name string) error {
	n, err := s.exec(ctx, `DELETE FROM peal.catalogue_types WHERE key = $1`, clean(peal.EventTypeKey(catalogue, name)))
	if err == nil && n == 0 {
		err = noEventType(name)
	}
	return translate("delete an event type", err)
}

// EventType implements [peal.ConfigStore].
func (s *Store) EventType(ctx context.Context, catalogue, name string) (peal.EventType, error) {
	types, err := s.eventTypes(ctx, selectEventType+` WHERE key = $1`, clean(peal.EventTypeKey(catalogue, name)))
	if err == nil && len(types) == 0 {
		err = noEventType(name)
	}
	if err != nil {
		return peal.EventType{}, translate("read an event type", err)
	}
	return types[0], nil
}

// EventTypes implements [peal.ConfigStore].
func (s *Store) EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error) {
	types, err := s.eventTypes(ctx, selectEventType+` WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3`, clean(peal.EventTypeKey(catalogue, after)), clean(peal.EventTypesEnd(catalogue)), limit)
	return types, translate("list event types", err)
}

func (s *Store) eventTypes(ctx context.Context, text string, args ...any) ([]peal.EventType, error) {
	var types []peal.EventType
	err := s.query(ctx, text, func(rows pgx.Rows) error {
		var t peal.EventType
		var key string
		var created, updated int64
		err := rows.Scan(&key, &t.Description, (*[]byte)(&t.Schema), (*[]byte)(&t.Example), &created, &updated)
		t.SetKey(key)
		t.CreatedAt, t.UpdatedAt = timeOf(created), timeOf(updated)
		types = append(types, t)
		return err
	}, args...)
	return types, err
}

// FindEventTypes implements [peal.ConfigStore].
func (s *Store) FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error) {
	after, before := query.Span()
	columns := selectEventType
	if query.Brief {
		columns = selectBriefEventType
	}
	types, err := s.eventTypes(ctx, columns+` WHERE key > $1 AND key < $2 AND ($3 = '' OR position($3 IN lower(split_part(key, '/', 2))) > 0) ORDER BY key LIMIT $4`,
		clean(after), clean(before), clean(strings.ToLower(query.Text)), query.Limit)
	return types, translate("find event types", err)
}

// Catalogues implements [peal.ConfigStore]. Each name is found by one step of the index.
func (s *Store) Catalogues(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	from := ""
	if after != "" {
		from = peal.EventTypesEnd(after)
	}
	err := s.query(ctx, `WITH RECURSIVE found (name) AS (
			SELECT (SELECT split_part(key, '/', 1) FROM peal.catalogue_types WHERE key >= $1 ORDER BY key LIMIT 1)
			UNION ALL
			SELECT (SELECT split_part(key, '/', 1) FROM peal.catalogue_types WHERE key >= found.name || '0' ORDER BY key LIMIT 1) FROM found WHERE name IS NOT NULL
		) SELECT name FROM found WHERE name IS NOT NULL LIMIT $2`, func(rows pgx.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, clean(from), limit)
	return names, translate("list catalogues", err)
}
