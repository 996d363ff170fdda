package peal

import (
	"context"
	"errors"
	"time"
)

// Store persists webhooks, events and deliveries: what publishing and delivering need. Package
// sqlite implements it in one file, package postgres in a PostgreSQL database. Whatever else
// they store, they store for one package or another, which declares the methods that it calls;
// storetest.Store is the whole contract, and both pass storetest.Run.
//
// Every method is safe for concurrent use. A method is one transaction unless its comment
// states otherwise: all of its changes happen, or none. They are durable when it returns nil.
//
// Errors are *[Error]: [Unavailable] when the store cannot do it now (with RetryAfter),
// [NotFound] and [Conflict] where the method's comment names them, and [Internal] for
// anything else. When ctx is canceled, a method returns the context's error, and the change
// may or may not have happened.
type Store interface {
	// Tenant returns one tenant. NotFound.
	Tenant(ctx context.Context, name string) (Tenant, error)
	// CreateWebhook adds a webhook, creates its tenant if there is none, and returns the
	// webhook with its Revision. Conflict when the id is taken; Invalid when the webhook is
	// not [Webhook.Storable].
	CreateWebhook(ctx context.Context, webhook Webhook) (Webhook, error)
	// UpdateWebhook replaces a webhook's settings (not its Health) and returns it with its
	// new Revision. Conflict when its Revision is not the stored one; NotFound; Invalid when
	// it is not [Webhook.Storable].
	UpdateWebhook(ctx context.Context, webhook Webhook) (Webhook, error)
	// DeleteWebhook deletes a webhook and cancels its pending deliveries; its history stays. NotFound.
	DeleteWebhook(ctx context.Context, tenant string, id WebhookID) error
	// Webhook returns one webhook of a tenant. NotFound, also for a deleted one.
	Webhook(ctx context.Context, tenant string, id WebhookID) (Webhook, error)
	// Webhooks lists a tenant's webhooks, newest first: those older than before, or all
	// when before is zero.
	Webhooks(ctx context.Context, tenant string, before WebhookID, limit int) ([]Webhook, error)
	// WebhooksOf returns the tenant's webhooks with the given ids, in no particular order.
	// Ids without a webhook are ignored.
	WebhooksOf(ctx context.Context, tenant string, ids []WebhookID) ([]Webhook, error)
	// SetHealth replaces a webhook's Health; its Revision stays. A deleted webhook is not an error.
	SetHealth(ctx context.Context, id WebhookID, health WebhookHealth) error
	// RoutesSince returns the webhooks of all tenants that were created, changed or deleted
	// (Status Deleted, only ID and Tenant set) after a version of the routes, and the version
	// that includes these changes. For version 0 it returns all that are not deleted.
	RoutesSince(ctx context.Context, version int64) (webhooks []Webhook, now int64, err error)

	// Insert commits events with their deliveries, and creates the tenant if there is
	// none: all of them, or none.
	//
	// version is the version of the routes that the deliveries were routed by; when the
	// store's is newer, Insert writes nothing and returns ErrStaleRoutes. An event with an
	// id that the tenant already has, and the same content, is a duplicate and is not
	// written; with other content, Insert writes nothing at all and returns Conflict with
	// Field "events[N].id" (N counts insertions from 0). When a delivery is held and node
	// is not registered, Insert writes nothing and returns ErrFenced.
	//
	// Very many deliveries are written in several transactions, so that other changes can
	// run between them. The first transaction makes all of them durable: they may then be
	// listed and claimed one after the other, and a crash does not prevent that.
	Insert(ctx context.Context, node NodeID, version int64, insertions []Insertion) ([]InsertResult, error)

	// Settle records attempts and updates their deliveries, in one transaction. It records
	// every attempt of a known delivery exactly once, however often it is settled. When
	// another node holds the delivery, or no node does and node is not registered, only a
	// Success changes the delivery (it becomes final); its holder decides about the rest.
	Settle(ctx context.Context, node NodeID, settlements []Settlement) error

	// Due lists webhooks with pending deliveries that no node holds, and the earliest and
	// latest due time of each, which may lie in the future. It lists them by id, starting
	// after the given webhook.
	Due(ctx context.Context, after WebhookID, limit int) ([]DueWebhook, error)
	// AdvanceDue advances due times as params say, and returns the number of deliveries.
	AdvanceDue(ctx context.Context, params AdvanceParams) (int, error)
	// Claim makes node the holder of up to limit pending deliveries of a webhook that no
	// node holds and that are due at now: the earliest due first, then the oldest. next is
	// the earliest due time of the deliveries that still have no holder, zero when there are
	// none. ErrFenced when node is not registered.
	Claim(
		ctx context.Context, node NodeID, webhook WebhookID, now time.Time, limit int,
	) (work []ClaimedDelivery, next time.Time, err error)
	// MarkSuspect sets the mark of a delivery that node holds and that Claim returned with
	// a Suspicion; MarkCleared ends the suspicion. It does nothing to a delivery without
	// one. ErrFenced when node is not registered.
	MarkSuspect(ctx context.Context, node NodeID, id DeliveryID, mark SuspectMark) error
	// Release releases deliveries that node holds, or all of them when ids is nil. Their
	// due times stay.
	Release(ctx context.Context, node NodeID, ids []DeliveryID) error

	// Cancel cancels a pending delivery. NotFound; Conflict when it is final.
	Cancel(ctx context.Context, tenant string, id DeliveryID, at time.Time) error
	// Reopen makes a delivery pending for a new round, due at the given time and held by
	// node, and returns the work. A pending delivery that no node holds becomes due and
	// held. NotFound; Conflict when a node already holds it; ErrFenced when node is not
	// registered.
	Reopen(ctx context.Context, node NodeID, tenant string, id DeliveryID, due time.Time) (ClaimedDelivery, error)

	// AddProblem counts failures outside of attempts, such as those of filters, in the same
	// way as Settle counts attempts. It ignores webhooks that do not exist.
	AddProblem(ctx context.Context, problem WebhookProblem) error

	// Ping returns nil when the store can be read and written now.
	Ping(ctx context.Context) error
	// Close closes the store; waiting calls return Unavailable. A second Close does nothing.
	Close() error
}

// Insertion is one event with the deliveries that its routing produced.
type Insertion struct {
	Event *Event
	// TimeGiven reports whether the publisher set the event's time, see [Event.SameContent].
	TimeGiven bool
	// IDGiven reports whether the publisher set the event's id, so that it can be a repeat.
	IDGiven bool
	// Deliveries are those to the webhooks that matched, each with a new id.
	Deliveries []NewDelivery
	// FilterErrors are the webhooks with filters that failed on the event, which counts
	// as no match: at most MaxFilterErrors. It is nil for nearly every event.
	FilterErrors []FilterError
}

// NewDelivery is a delivery to insert.
type NewDelivery struct {
	ID        DeliveryID
	WebhookID WebhookID
	// Held reports whether the inserting node keeps the delivery in its memory and will
	// attempt it; otherwise any node can claim it. An Insert of very many deliveries sets
	// it to false for those that no node holds when it returns.
	Held bool
	Test bool
}

// InsertResult is the result of an Insertion.
type InsertResult struct {
	// Duplicate reports whether the tenant already had an event with this id and the same
	// content; then nothing was written.
	Duplicate bool
	// Event is the first event with this id when Duplicate, the inserted one otherwise.
	Event *Event
	// Webhooks are the webhooks that the first event went to when Duplicate; nil otherwise.
	Webhooks []WebhookID
}

// Settlement is the result of an attempt and its effect on the delivery.
type Settlement struct {
	// Attempt is recorded; its DeliveryID identifies the delivery.
	Attempt   Attempt
	WebhookID WebhookID
	// Status is the delivery's new status. A delivery that was canceled in the meantime
	// stays canceled; the attempt is recorded in any case.
	Status DeliveryStatus
	// Tries replaces the delivery's Tries.
	Tries int
	// Due is the earliest start of the next attempt; set only when Status is Pending.
	Due time.Time
	// Held reports whether the node keeps the delivery in memory for the next attempt;
	// set only when Status is Pending.
	Held bool
	// Test marks a test delivery, which statistics exclude.
	Test bool
	// SettledAt is when the delivery became final; set only when Status is not Pending.
	SettledAt time.Time
}

// AdvanceParams selects pending deliveries of a webhook that no node holds, and their due times.
type AdvanceParams struct {
	WebhookID WebhookID
	Latest    time.Time // only deliveries that are due after this time
	Now       time.Time // the due time of deliveries that were never attempted
	Retry     time.Time // the due time of the others
	Limit     int       // the most deliveries that one call advances
}

// DueWebhook is a webhook with pending deliveries that no node holds.
type DueWebhook struct {
	WebhookID WebhookID
	Due       time.Time // the earliest due time
	Latest    time.Time // the latest due time
}

// EventQuery selects events of a tenant, newest first.
type EventQuery struct {
	Tenant string
	Type   string    // only this type; "" for all
	Since  time.Time // accepted at or after this time; zero for no bound
	Until  time.Time // accepted before this time; zero for no bound
	Before EventKey  // older than this one; zero to start with the newest
	Limit  int
}

// DeliveryQuery selects deliveries of a tenant, newest first.
type DeliveryQuery struct {
	Tenant    string
	WebhookID WebhookID      // only this webhook's; zero for all
	EventKey  EventKey       // only this event's; zero for all
	Status    DeliveryStatus // only this status; "" for all
	Since     time.Time      // created at or after this time; zero for no bound
	Until     time.Time      // created before this time; zero for no bound
	Before    DeliveryID     // older than this one; zero to start with the newest
	Limit     int
}

// MaxNodeName is the longest name of a node, in bytes.
const MaxNodeName = 256

// Node is one running Peal process on a store.
type Node struct {
	// ID is new each time the process registers: a node that was taken over returns under
	// another ID.
	ID NodeID
	// Name identifies the process for people: the name of its machine, up to [MaxNodeName] bytes.
	Name string
	// Version is the version of the program.
	Version string
	// StartedAt is when the node registered and SeenAt when it last renewed its
	// registration, in UTC by the store's clock.
	StartedAt time.Time
	SeenAt    time.Time
	Load      NodeLoad
}

// NodeLoad is the load of a node when it was last seen.
type NodeLoad struct {
	InFlight  int   `json:"in_flight"` // requests in flight
	Lanes     int   `json:"lanes"`     // webhooks that it has sent to
	Queued    int   `json:"queued"`    // deliveries waiting in its memory, including retries
	Spilled   int   `json:"spilled"`   // lanes with more due deliveries waiting in the store
	Open      int   `json:"open"`      // lanes with a breaker that is not closed
	Unwritten int   `json:"unwritten"` // results of attempts that are not yet in the store
	Memory    int64 `json:"memory"`    // bytes used by the deliveries in its memory
	Fences    int   `json:"fences"`    // times it has fenced itself since it started
}

// NodeView is the state of the store that a node receives when it registers or renews.
type NodeView struct {
	// Nodes are the ids of all registered nodes, including the caller, in order.
	Nodes []NodeID
	// Routes is the version of the routes: a node with an older version calls RoutesSince.
	Routes int64
	// Canceled are the deliveries that were canceled within the last minute while this
	// node held them: it must not start attempts of them. They may be repeated.
	Canceled []DeliveryID
}

// TakeoverResult is the result of a takeover.
type TakeoverResult struct {
	Nodes      []NodeID // nodes that are no longer registered
	Deliveries int      // number of released deliveries
}

// NodeSignal is a hint from another node.
type NodeSignal struct {
	Kind SignalKind
	// WebhookID is the webhook that the signal is about; zero for none in particular.
	WebhookID WebhookID
}

// SignalKind is the kind of a [NodeSignal].
type SignalKind string

// The kinds of signals.
const (
	SignalRoutes   SignalKind = "routes"   // webhooks have changed: renew, and call RoutesSince
	SignalCanceled SignalKind = "canceled" // held deliveries were canceled: renew
	SignalWork     SignalKind = "work"     // the webhook, or any, has deliveries that no node holds
	SignalUp       SignalKind = "up"       // the webhook's endpoint, which was down, has answered
)

// ErrFenced is the error for a node that is not registered: it has left, or another node has
// taken over its deliveries. Nothing was written.
var ErrFenced = errors.New("the node is not registered")

// DatabaseSchema compares the migrations applied to a database with those known to this program.
type DatabaseSchema struct {
	// Migrations are all that this program knows, in order.
	Migrations []Migration
	// Later are the versions of applied migrations that this program does not know: a later
	// release has applied them.
	Later []int64
	// Usable reports whether this program can use the database once the pending migrations
	// are applied. It can be true even when Later is not empty: see the store.
	Usable bool
}

// Migration is one step of a schema.
type Migration struct {
	Version int64
	Name    string
	// AppliedAt is the zero time while the migration is pending.
	AppliedAt time.Time
}

// Pending returns the number of migrations that are not applied yet.
func (s *DatabaseSchema) Pending() int {
	n := 0
	for i := range s.Migrations {
		if s.Migrations[i].AppliedAt.IsZero() {
			n++
		}
	}
	return n
}

// PurgeParams states what Purge may delete.
type PurgeParams struct {
	// History is a time: an event that was accepted before it is deleted, unless one of its
	// deliveries became final later. Pending deliveries that were created before it, have a
	// paused or disabled webhook and no holder, are canceled at the time Canceled. Webhooks
	// deleted before it that have no deliveries left, keys revoked before it and replays
	// ended before it are deleted too. Zero for none of this.
	History time.Time
	// Canceled is the time at which deliveries are canceled (normally now).
	Canceled time.Time
	// Attempts is a time: attempts before it lose their record of request and response,
	// which are both heads and the response's body. The rest stays. An attempt skipped by
	// an earlier call may be kept for up to one more day. Zero for never.
	Attempts time.Time
	// Ended is a time: sessions and portal links that ended before it are deleted, at most 100
	// in a batch for each way to end. Zero for never.
	Ended time.Time
	// Stats is the reference time for expiring buckets and problems (normally now): see
	// [BucketWidth.Retention] and [ProblemRetention]. Zero for never.
	Stats time.Time
	// MaxBytes is the size that the store may use: while it uses more, events are deleted
	// regardless of age. A store that keeps history by the day deletes whole days, and
	// never the current one. 0 for no bound.
	MaxBytes int64
}

// PurgeResult is the result of a batch of purging, and the size of the store after it.
type PurgeResult struct {
	// More reports whether there may be more to do.
	More bool
	// Events, Deliveries and Attempts are the numbers of deleted ones.
	Events, Deliveries, Attempts int
	// Records is the number of attempts that lost their record of request and response.
	Records int
	// Canceled is the number of canceled deliveries of paused and disabled webhooks.
	Canceled int
	// Buckets is the number of deleted buckets of counts and problems.
	Buckets int
	// Webhooks and Keys are the numbers of deleted webhooks and revoked keys removed.
	Webhooks, Keys int
	// Replays is the number of ended replays removed.
	Replays int
	// Sessions and PortalLinks are the numbers of deleted ones that had ended.
	Sessions, PortalLinks int
	// Held is the time for which the batch blocked other changes.
	Held time.Duration
	// Bytes is the size of the store on disk, Used the part of it that contains data.
	Bytes, Used int64
}
