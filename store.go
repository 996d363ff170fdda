package peal

import (
	"context"
	"errors"
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

// MaxNodeName is the longest name of a node, in bytes.
const MaxNodeName = 256

// Node is one running Peal process on a store.
type Node struct {
	// ID is new each time that the process registers: a node that was taken over
	// comes back as another one.
	ID NodeID
	// Name tells people which process it is: its machine's name, up to [MaxNodeName] bytes.
	Name string
	// Version is that of the program.
	Version string
	// StartedAt is when it registered and SeenAt when it last renewed that, in UTC by
	// the store's clock.
	StartedAt time.Time
	SeenAt    time.Time
	Load      NodeLoad
}

// NodeLoad is what a node had to do when it was last seen.
type NodeLoad struct {
	InFlight  int   `json:"in_flight"` // requests under way
	Lanes     int   `json:"lanes"`     // webhooks that it has sent to
	Queued    int   `json:"queued"`    // deliveries that wait in its memory, retries included
	Spilled   int   `json:"spilled"`   // lanes for which more that is due waits in the store
	Open      int   `json:"open"`      // lanes whose breaker does not let everything through
	Unwritten int   `json:"unwritten"` // results of attempts that are not yet in the store
	Memory    int64 `json:"memory"`    // what the deliveries in its memory cost, in bytes
	Fences    int   `json:"fences"`    // how often it has fenced itself since it started
}

// NodeStore keeps which nodes there are. Only the store's clock judges how long ago
// one was seen, so that the nodes' clocks may differ.
//
// A node is registered from RegisterNode until it leaves or is taken over, and then
// never again: its process registers under a new id. What an id that is not
// registered may still do: [WorkStore.Insert] without held deliveries,
// [WorkStore.Settle] as said there, and Release, which finds nothing. Claim, Reopen
// and an Insert with a held delivery write nothing and return [ErrFenced].
type NodeStore interface {
	// RegisterNode adds a node, seen now. ID, Name and Version are the caller's, the
	// times are the store's. Conflict when the id is registered.
	RegisterNode(ctx context.Context, node Node) (NodeView, error)
	// RenewNode makes the node seen now, with its load. NotFound when it is not registered.
	RenewNode(ctx context.Context, id NodeID, load NodeLoad) (NodeView, error)
	// LeaveNode lets go of all that the node holds and ends its registration, which is no
	// evidence against any delivery. A node that is not registered is no error.
	LeaveNode(ctx context.Context, id NodeID) error
	// Takeover ends the registration of every node but the given one that was not seen
	// for at least stale, and lets go of all deliveries whose holder is not registered. Those
	// of them that were due become suspects, or get another strike by their mark.
	// It is judged in the statement that does it: a node that renews at that moment is
	// either seen or gone, never both.
	Takeover(ctx context.Context, node NodeID, stale time.Duration) (Taken, error)
	// Nodes lists the registered nodes by id, so the oldest first.
	Nodes(ctx context.Context) ([]Node, error)

	// Signal tells those that watch, in this process and others. It is a hint: it may
	// be lost, and comes at most once to each.
	Signal(ctx context.Context, signals ...Signal) error
	// Watch calls heard for each signal until ctx ends, one at a time. The store
	// itself signals when webhooks change, when held deliveries are canceled, and when a
	// node leaves or is taken over. It returns nil when ctx ends, and nil at once when
	// the store closes or can never hear; it mends its own connection.
	Watch(ctx context.Context, heard func(Signal)) error
}

// NodeView is what a node learns when it registers or renews.
type NodeView struct {
	// Nodes are all registered nodes, the asking one included, by id.
	Nodes []NodeID
	// Routes is the version of the routes: when it is newer than the node's, it reads
	// RoutesSince.
	Routes int64
	// Canceled are the deliveries that were canceled within the last minute while this
	// node held them: it must not begin attempts of them. The same ones may come again.
	Canceled []DeliveryID
}

// Taken is what a takeover did.
type Taken struct {
	Nodes      []NodeID // whose registration it ended
	Deliveries int      // that it let go of
}

// Signal is a hint that another node gives.
type Signal struct {
	Kind SignalKind
	// WebhookID is what it is about; zero for no webhook in particular.
	WebhookID WebhookID
}

// SignalKind says what a signal hints at.
type SignalKind string

// The kinds of signals.
const (
	SignalRoutes   SignalKind = "routes"   // webhooks have changed: renew and read RoutesSince
	SignalCanceled SignalKind = "canceled" // held deliveries were canceled: renew
	SignalWork     SignalKind = "work"     // deliveries wait that nobody holds: of the webhook, or of any
	SignalUp       SignalKind = "up"       // the webhook's endpoint, which was down, has answered
)

// ErrFenced is what a store returns to a node that is not registered: it has left, or
// others have taken it over. Nothing was written.
var ErrFenced = errors.New("the node is not registered")

// Schema is how far a database's tables are, beside what this program knows.
type Schema struct {
	// Migrations are all that this program knows, in their order.
	Migrations []Migration
	// Later are the versions of migrations that a later release has applied, which this
	// program does not know.
	Later []int64
	// Usable is whether this program works on the database, once what is pending is
	// applied. It need not be false where Later is not empty: see the store.
	Usable bool
}

// Migration is one step of a schema.
type Migration struct {
	Version int64
	Name    string
	// AppliedAt is the zero time while the migration is pending.
	AppliedAt time.Time
}

// Pending is how many of the migrations are yet to be applied.
func (s *Schema) Pending() int {
	n := 0
	for i := range s.Migrations {
		if s.Migrations[i].AppliedAt.IsZero() {
			n++
		}
	}
	return n
}

// SealStore brings secrets at rest from one key to another, while everything goes on.
type SealStore interface {
	// Reseal seals at most limit values anew, in one short transaction: those that were
	// sealed with another key than the [Sealer] of the store seals with now, and those in
	// the clear. Nothing else of their rows changes, neither the revision of a webhook or
	// a source nor the version of the routes.
	//
	// It gives how many it looked after; 0 means that none is left, also of those whose
	// writing had begun before the Sealer changed its key. A store without a Sealer has
	// none to look after. Internal when a value does not open with any key.
	Reseal(ctx context.Context, limit int) (int, error)
}
