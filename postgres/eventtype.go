package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/pealhq/peal"
)

const selectEventType = `SELECT name, description, schema, example, created, updated FROM peal.event_types`

func noEventType(name string) error {
	return peal.Errorf(peal.NotFound, "there is no event type %q in the catalogue", name)
}

// PutEventType implements [peal.ConfigStore].
func (s *Store) PutEventType(ctx context.Context, t peal.EventType) (created bool, err error) {
	// xmax is 0 in a row that was inserted, not updated.
	err = s.transact(ctx, func(tx *tx) error {
		_, err := tx.one(`INSERT INTO peal.event_types (name, description, schema, example, created, updated) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (name) DO UPDATE SET description = excluded.description, schema = excluded.schema, example = excluded.example, updated = excluded.updated
			RETURNING xmax = 0`, []any{t.Name, clean(t.Description), []byte(t.Schema), []byte(t.Example), micros(t.CreatedAt), micros(t.UpdatedAt)}, &created)
		return err
	})
	if err != nil {
		return false, translate("write an event type", err)
	}
	return created, nil
}

// DeleteEventType implements [peal.ConfigStore].
func (s *Store) DeleteEventType(ctx context.Context, name string) error {
	n, err := s.exec(ctx, `DELETE FROM peal.event_types WHERE name = $1`, clean(name))
	if err == nil && n == 0 {
		err = noEventType(name)
	}
	return translate("delete an event type", err)
}

// EventType implements [peal.ConfigStore].
func (s *Store) EventType(ctx context.Context, name string) (peal.EventType, error) {
	types, err := s.eventTypes(ctx, ` WHERE name = $1`, clean(name))
	if err == nil && len(types) == 0 {
		err = noEventType(name)
	}
	if err != nil {
		return peal.EventType{}, translate("read an event type", err)
	}
	return types[0], nil
}

// EventTypes implements [peal.ConfigStore].
func (s *Store) EventTypes(ctx context.Context, after string, limit int) ([]peal.EventType, error) {
	types, err := s.eventTypes(ctx, ` WHERE name > $1 ORDER BY name LIMIT $2`, clean(after), limit)
	return types, translate("list event types", err)
}

func (s *Store) eventTypes(ctx context.Context, where string, args ...any) ([]peal.EventType, error) {
	var types []peal.EventType
	err := s.query(ctx, selectEventType+where, func(rows pgx.Rows) error {
		var t peal.EventType
		var created, updated int64
		err := rows.Scan(&t.Name, &t.Description, (*[]byte)(&t.Schema), (*[]byte)(&t.Example), &created, &updated)
		t.CreatedAt, t.UpdatedAt = timeOf(created), timeOf(updated)
		types = append(types, t)
		return err
	}, args...)
	return types, err
}
