package manage

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// EventTypeStore is the part of the store that event types use.
type EventTypeStore interface {
	PutEventType(ctx context.Context, eventType peal.EventType) (created bool, err error)
	DeleteEventType(ctx context.Context, catalogue, name string) error
	EventType(ctx context.Context, catalogue, name string) (peal.EventType, error)
}

// EventTypes creates, replaces and deletes entries of catalogues.
type EventTypes struct {
	store  EventTypeStore
	engine interface{ Govern(context.Context) }
}

// NewEventTypes returns EventTypes that work on store and engine.
func NewEventTypes(store EventTypeStore, engine interface{ Govern(context.Context) }) *EventTypes {
	return &EventTypes{store, engine}
}

// Put creates or replaces an entry and returns it as stored; created reports whether it
// is new. The error has code [peal.Invalid] and names the field.
func (m *EventTypes) Put(ctx context.Context, actor Actor,
	t peal.EventType) (saved peal.EventType, created bool, err error) {
	t.CreatedAt = peal.Now()
	t.UpdatedAt = t.CreatedAt
	faults := []error{t.Validate()}
	if t.Schema != nil {
		_, err := match.CompileSchema(t.Schema)
		faults = append(faults, err)
	}
	if err := peal.JoinFaults(faults...); err != nil {
		return peal.EventType{}, false, err
	}
	if created, err = m.store.PutEventType(ctx, t); err != nil {
		return peal.EventType{}, false, err
	}
	m.engine.Govern(ctx)
	actor.record("", "event_type.put", t.Name, "")
	saved, err = m.store.EventType(ctx, t.Catalogue, t.Name)
	return saved, created, err
}

// Delete deletes an entry. The error has code [peal.NotFound].
func (m *EventTypes) Delete(ctx context.Context, actor Actor, catalogue, name string) error {
	if err := m.store.DeleteEventType(ctx, catalogue, name); err != nil {
		return err
	}
	m.engine.Govern(ctx)
	actor.record("", "event_type.delete", name, "")
	return nil
}
