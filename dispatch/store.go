package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/maintenance"
)

// Store is the part of a store that engines use. *sqlite.Store and *postgres.Store have all of it.
// Within the package, each part of an engine takes an interface of the methods that it calls.
type Store interface {
	peal.Store
	maintenance.Store
	nodeStore
	signalStore
	replayStore
	usageStore
	backlogStore
	historyStore

	// Nodes lists the registered nodes, oldest first.
	Nodes(ctx context.Context) ([]peal.Node, error)
	// Usage returns a tenant's use of the row quotas at the time now.
	Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error)
	// EventType returns one entry of a catalogue, EventTypes lists them by name.
	EventType(ctx context.Context, catalogue, name string) (peal.EventType, error)
	EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error)
}

// historyStore is the part of the store that reads events and deliveries, for tests of webhooks,
// previews and retries by hand.
type historyStore interface {
	Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error)
	FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error)
	Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error)
}
