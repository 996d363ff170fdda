package peal

import (
	"context"
	"time"
)

// Store remembers everything. Package sqlite keeps it in one file, package
// postgres in a PostgreSQL database; storetest.Run is what both must pass.
//
// Every method is safe for concurrent use, and every change is durable when the
// method returns nil. Transactions never leave a method: it happens as a whole or
// not at all. Errors are *[Error]: [Unavailable] when the store cannot do it now
// (with RetryAfter), [NotFound] and [Conflict] where the method says so, and
// [Internal] for anything else. A canceled context gives its error and leaves
// open whether the change happened.
type Store interface {
	ConfigStore
	SourceStore
	QuotaStore
	WorkStore
	NodeStore
	HistoryStore
	PurgeStore
	ReplayStore
	IdentityStore
	StatsStore
	SealStore
	ThemeStore
	SearchStore

	// Ping reports whether the store can be read and written now.
	Ping(ctx context.Context) error
	// Close ends the store; calls that wait get Unavailable. A second Close does nothing.
	Close() error
}

// ConfigStore keeps tenants, webhooks, keys and the event catalogue.
type ConfigStore interface {
	// CreateTenant adds a tenant, of Revision 1. Conflict when the name is taken.
	CreateTenant(ctx context.Context, tenant Tenant) error
	// UpdateTenant replaces a tenant's settings and adds 1 to its Revision. It counts as a
	// change of each of its webhooks, which inherit the policy. [ErrRevision] when
	// Revision is not the stored one; NotFound.
	UpdateTenant(ctx context.Context, tenant Tenant) error
	// Tenant gives one tenant. NotFound.
	Tenant(ctx context.Context, name string) (Tenant, error)
	// Tenants lists tenants by name, those after a name.
	Tenants(ctx context.Context, after string, limit int) ([]Tenant, error)

	// CreateWebhook adds a webhook, and its tenant where there is none, and gives
	// it back with its Revision. Conflict when the id is taken; Invalid when it is not
	// [Webhook.Storable].
	CreateWebhook(ctx context.Context, webhook Webhook) (Webhook, error)
	// UpdateWebhook replaces a webhook's settings (not its Health) and gives it back
	// with its new Revision. Conflict when its Revision is not the stored one; NotFound;
	// Invalid when it is not [Webhook.Storable].
	UpdateWebhook(ctx context.Context, webhook Webhook) (Webhook, error)
	// DeleteWebhook deletes a webhook and cancels its pending deliveries; its history stays. NotFound.
	DeleteWebhook(ctx context.Context, tenant string, id WebhookID) error
	// Webhook gives one webhook of a tenant. NotFound, also for a deleted one.
	Webhook(ctx context.Context, tenant string, id WebhookID) (Webhook, error)
	// Webhooks lists a tenant's webhooks, newest first, those older than before
	// (all when zero).
	Webhooks(ctx context.Context, tenant string, before WebhookID, limit int) ([]Webhook, error)
	// WebhooksOf returns the webhooks of a tenant that have one of some ids, in no order; those
	// that do not exist are left out.
	WebhooksOf(ctx context.Context, tenant string, ids []WebhookID) ([]Webhook, error)
	// SetHealth replaces a webhook's Health and nothing else; its Revision stays. A deleted webhook is no error.
	SetHealth(ctx context.Context, id WebhookID, health Health) error
	// RoutesSince gives every webhook of every tenant that was created, changed or
	// deleted (Status Deleted, only ID and Tenant set) after a version, and the
	// version that they bring the caller to. Version 0 gives all that are not deleted.
	RoutesSince(ctx context.Context, version int64) (webhooks []Webhook, now int64, err error)

	// CreateKey adds a key, and its tenant where there is none. Conflict when its hash is taken.
	CreateKey(ctx context.Context, key Key) error
	// RevokeKey ends a key: one of the tenant, or any with tenant "". NotFound.
	RevokeKey(ctx context.Context, tenant string, id KeyID, at time.Time) error
	// KeyByHash gives a key that is not revoked. NotFound.
	KeyByHash(ctx context.Context, hash [32]byte) (Key, error)
	// Keys lists the keys of a tenant (operator keys with ""), newest first, revoked
	// ones included, those older than before (all when zero).
	Keys(ctx context.Context, tenant string, before KeyID, limit int) ([]Key, error)

	// PutEventType adds or replaces an entry of a catalogue, keeping the CreatedAt of
	// the one that was there; created reports whether there was none.
	PutEventType(ctx context.Context, eventType EventType) (created bool, err error)
	// DeleteEventType removes an entry from a catalogue. NotFound.
	DeleteEventType(ctx context.Context, catalogue, name string) error
	// EventType returns one entry of a catalogue. NotFound.
	EventType(ctx context.Context, catalogue, name string) (EventType, error)
	// EventTypes lists the entries of a catalogue by name, those after a name.
	EventTypes(ctx context.Context, catalogue, after string, limit int) ([]EventType, error)
	// FindEventTypes lists the entries of a catalogue that a query chooses, by name. It looks at
	// the names of the whole catalogue, or of the query's group, at most.
	FindEventTypes(ctx context.Context, query EventTypeQuery) ([]EventType, error)
	// Catalogues lists the names of the catalogues that have entries, those after a name,
	// in the order of the names with a slash behind each.
	Catalogues(ctx context.Context, after string, limit int) ([]string, error)
}

// Insertion is one event with the deliveries that its routing gave.
type Insertion struct {
	Event *Event
	// TimeGiven is whether the publisher gave the event's time, for [Event.SameContent].
	TimeGiven bool
	// IDGiven is whether the publisher gave the event's id, so that it may be a repeat.
	IDGiven bool
	// Deliveries are the webhooks that matched, each with a fresh id.
	Deliveries []NewDelivery
	// FilterErrors are the webhooks whose filters failed on the event, which counts
	// as no match: at most MaxFilterErrors. Nil for nearly every event.
	FilterErrors []FilterError
}

// NewDelivery is a delivery about to be committed.
type NewDelivery struct {
	ID        DeliveryID
	WebhookID WebhookID
	// Held is true when the inserting node keeps the delivery in its memory and
	// will attempt it; false leaves it to whoever claims it. An Insert of very many
	// deliveries sets it to false where nobody holds them in the end.
	Held bool
	Test bool
}

// Inserted is what became of an Insertion.
type Inserted struct {
	// Duplicate is true when the tenant already had an event of this id with the
	// same content; nothing was written then.
	Duplicate bool
	// Event is the first event of this id when Duplicate, the inserted one otherwise.
	Event *Event
	// Webhooks are those that the first event went to when Duplicate; nil otherwise.
	Webhooks []WebhookID
}

// Settlement is what an attempt came to.
type Settlement struct {
	// Attempt is put on record; its DeliveryID names the delivery.
	Attempt   Attempt
	WebhookID WebhookID
	// Status is the delivery's new status. A delivery that was canceled meanwhile
	// stays so; the attempt is put on record all the same.
	Status DeliveryStatus
	// Tries replaces the delivery's Tries.
	Tries int
	// Due is when the next attempt may start; only when Status is Pending.
	Due time.Time
	// Held is whether the node keeps the delivery in memory for the next attempt;
	// only when Status is Pending.
	Held bool
	// Test is whether the delivery is a test, which no counts tell of.
	Test bool
	// SettledAt is when the delivery became final; only when Status is not Pending.
	SettledAt time.Time
}

// DueWebhook is a webhook with deliveries that nobody holds.
type DueWebhook struct {
	WebhookID WebhookID
	Due       time.Time // the earliest
	Latest    time.Time // the latest
}

// WorkStore is what the engine needs: the way of an event.
type WorkStore interface {
	// Insert commits events with their deliveries, creating the tenant where there is
	// none: all of them, or none.
	//
	// version is the routes' version that the deliveries were routed by; when the
	// store's is newer, Insert writes nothing and returns ErrStaleRoutes. An event
	// whose id the tenant already has, with the same content, is a duplicate and
	// writes nothing; with other content, Insert writes nothing at all and returns
	// Conflict with Field "events[N].id" (N counts insertions from 0). When a delivery
	// is held and node is not registered, Insert writes nothing and returns ErrFenced.
	//
	// Very many deliveries are written in several transactions, so that others come between
	// them. The first one makes all of them durable; they may be listed and claimed one
	// after the other from then on, and a crash does not keep them from it.
	Insert(ctx context.Context, node NodeID, version int64, insertions []Insertion) ([]Inserted, error)

	// Settle records attempts and moves their deliveries on, in one transaction. Every
	// attempt of a known delivery is put on record, and once, however often it is said.
	// Where another node holds the delivery, or nobody does and node is not registered,
	// a Success makes it final, and anything else leaves it to whoever goes on with it.
	Settle(ctx context.Context, node NodeID, settlements []Settlement) error

	// Due lists webhooks that have pending deliveries which no node holds, with the
	// earliest and the latest due time of each, whatever that time is, those after a
	// webhook, by id.
	Due(ctx context.Context, after WebhookID, limit int) ([]DueWebhook, error)
	// AdvanceDue makes up to limit pending deliveries of a webhook that no node holds and
	// that are due after latest due earlier: at now those that were never attempted, at
	// retry the others. It returns how many they were.
	AdvanceDue(ctx context.Context, webhook WebhookID, latest, now, retry time.Time, limit int) (int, error)
	// Claim takes up to limit pending deliveries of a webhook that no node holds
	// and that are due at now, the earliest due first and the oldest first among
	// those, and makes node their holder. next is the earliest due time of those
	// that still nobody holds after that, zero when there are none. ErrFenced when node
	// is not registered.
	Claim(ctx context.Context, node NodeID, webhook WebhookID, now time.Time, limit int) (work []Work, next time.Time, err error)
	// MarkSuspect sets the mark of a delivery that node holds and that Claim returned with
	// a Suspicion, or ends the suspicion (MarkCleared). It does nothing about a delivery
	// without one. ErrFenced when node is not registered.
	MarkSuspect(ctx context.Context, node NodeID, id DeliveryID, mark Mark) error
	// Release lets go of deliveries that node holds, or of all it holds when ids is
	// nil; their due times stay.
	Release(ctx context.Context, node NodeID, ids []DeliveryID) error

	// Cancel makes a pending delivery canceled. NotFound; Conflict when it is final.
	Cancel(ctx context.Context, tenant string, id DeliveryID, at time.Time) error
	// Reopen makes a delivery pending for a new round, due at a moment, held by
	// node, and gives the work. A pending one that no node holds becomes due and
	// held. NotFound; Conflict when a node already holds it; ErrFenced when node is not
	// registered.
	Reopen(ctx context.Context, node NodeID, tenant string, id DeliveryID, due time.Time) (Work, error)
}

// EventQuery chooses events of a tenant, newest first.
type EventQuery struct {
	Tenant string
	Type   string    // only this type; "" for all
	Since  time.Time // accepted at or after; zero for no bound
	Until  time.Time // accepted before; zero for no bound
	Before EventKey  // older than this one; zero to begin with the newest
	Limit  int
}

// DeliveryQuery chooses deliveries of a tenant, newest first.
type DeliveryQuery struct {
	Tenant    string
	WebhookID WebhookID      // only this webhook's; zero for all
	EventKey  EventKey       // only this event's; zero for all
	Status    DeliveryStatus // only this status; "" for all
	Since     time.Time      // created at or after; zero for no bound
	Until     time.Time      // created before; zero for no bound
	Before    DeliveryID     // older than this one; zero to begin with the newest
	Limit     int
}

// HistoryStore reads what happened.
type HistoryStore interface {
	// Event gives one event of a tenant by its id, or by the text of its key. NotFound.
	Event(ctx context.Context, tenant, id string) (Event, error)
	// Events lists events.
	Events(ctx context.Context, query EventQuery) ([]Event, error)
	// FilterErrors gives the FilterErrors that an event was inserted with, in their
	// order; none for an unknown event.
	FilterErrors(ctx context.Context, tenant string, key EventKey) ([]FilterError, error)
	// Delivery gives one delivery of a tenant. NotFound.
	Delivery(ctx context.Context, tenant string, id DeliveryID) (Delivery, error)
	// Deliveries lists deliveries.
	Deliveries(ctx context.Context, query DeliveryQuery) ([]Delivery, error)
	// Attempts gives all attempts of a delivery, the first one first; none for an unknown delivery.
	Attempts(ctx context.Context, tenant string, id DeliveryID) ([]Attempt, error)
}
