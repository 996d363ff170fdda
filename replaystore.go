package peal

import (
	"context"
	"time"
)

// ReplayStore keeps replays and does their work in steps. A step is one short
// transaction that also notes how far the replay has come: it goes on there after a
// restart, so that nothing is replayed twice and nothing left out. Deliveries made by
// a test, and the events of those, are no part of any replay.
type ReplayStore interface {
	// CreateReplay adds a replay. NotFound when the tenant has no such webhook;
	// Conflict when the id is taken.
	CreateReplay(ctx context.Context, replay Replay) error
	// Replay gives one replay of a tenant. NotFound.
	Replay(ctx context.Context, tenant string, id JobID) (Replay, error)
	// Replays lists a webhook's replays, newest first, those older than before (all
	// when zero).
	Replays(ctx context.Context, tenant string, webhook WebhookID, before JobID, limit int) ([]Replay, error)
	// OpenReplays gives the replays of all tenants that are running, oldest first.
	OpenReplays(ctx context.Context, limit int) ([]Replay, error)
	// EndReplay ends a running replay with a final status and a reason. NotFound;
	// Conflict when it has ended.
	EndReplay(ctx context.Context, tenant string, id JobID, status ReplayStatus, reason string, at time.Time) error

	// CountReplay counts what a replay, which need not exist, would go through. wants
	// says which types of missed events the webhook asks for.
	CountReplay(ctx context.Context, replay Replay, wants func(eventType string) bool) (ReplayCount, error)
	// ReplayDeliveries looks at the next deliveries of a running replay, in the order of
	// their creation and at most limit, and makes those that it is about pending for a
	// new round, due at a moment and held by nobody. more is false when there are no
	// others. NotFound; Conflict when it has ended or the webhook is deleted.
	ReplayDeliveries(ctx context.Context, id JobID, due time.Time, limit int) (replayed int, more bool, err error)
	// MissedEvents looks at the next events of a running replay, in the order of their
	// acceptance and at most limit, and gives those of which the webhook has no delivery
	// and whose type the replay and wants choose; fewer where they are large. NotFound;
	// Conflict when it has ended.
	MissedEvents(ctx context.Context, id JobID, wants func(eventType string) bool, limit int) (Missed, error)
	// ReplayMissed makes deliveries of events that MissedEvents gave, except where there
	// is one meanwhile, due at once and held by nobody, and goes on after
	// missed.Through. NotFound; Conflict when the replay has ended, has come further
	// already, or the webhook is deleted.
	ReplayMissed(ctx context.Context, id JobID, missed Missed, deliveries []MissedDelivery) (replayed int, err error)
}

// Missed is a batch of a replay's events.
type Missed struct {
	Events []Event
	// Through is the last event that was looked at; zero when there are no others.
	Through EventKey
}

// MissedDelivery is a delivery to be made of an event that its webhook missed.
type MissedDelivery struct {
	ID       DeliveryID
	EventKey EventKey
}
