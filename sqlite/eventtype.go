package sqlite

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
)

const selectEventType = `SELECT name, description, schema, example, created, updated FROM event_types`

func scanEventType(r row) peal.EventType {
	t := peal.EventType{Name: r.text(0), Description: r.text(1), CreatedAt: timeOf(r.int(4)), UpdatedAt: timeOf(r.int(5))}
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
		_, there, err := w.conn.number(`SELECT 1 FROM event_types WHERE name = ?`, t.Name)
		if err != nil {
			return err
		}
		created = !there
		_, err = w.conn.exec(`INSERT INTO event_types (name, description, schema, example, created, updated) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET description = excluded.description, schema = excluded.schema, example = excluded.example, updated = excluded.updated`,
			t.Name, t.Description, orNoJSON(t.Schema), orNoJSON(t.Example), micros(t.CreatedAt), micros(t.UpdatedAt))
		return err
	}})
	if err != nil {
		return false, translate("write an event type", err)
	}
	return created, nil
}

// DeleteEventType implements [peal.ConfigStore].
func (s *Store) DeleteEventType(ctx context.Context, name string) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM event_types WHERE name = ?`, name)
		if err == nil && n == 0 {
			return refuse(noEventType(name))
		}
		return err
	}})
	return translate("delete an event type", err)
}

// EventType implements [peal.ConfigStore].
func (s *Store) EventType(ctx context.Context, name string) (peal.EventType, error) {
	var eventType peal.EventType
	found := false
	err := s.query(ctx, selectEventType+` WHERE name = ?`, func(r row) error {
		eventType, found = scanEventType(r), true
		return nil
	}, name)
	if err == nil && !found {
		err = noEventType(name)
	}
	return eventType, translate("read an event type", err)
}

// EventTypes implements [peal.ConfigStore].
func (s *Store) EventTypes(ctx context.Context, after string, limit int) ([]peal.EventType, error) {
	var eventTypes []peal.EventType
	err := s.query(ctx, selectEventType+` WHERE name > ? ORDER BY name LIMIT +?`, func(r row) error {
		eventTypes = append(eventTypes, scanEventType(r))
		return nil
	}, after, int64(limit))
	return eventTypes, translate("list event types", err)
}
