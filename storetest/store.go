package storetest

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// Store is the whole contract of a store: what all packages of Peal together need of it. Each
// package declares the part that it calls; this type, for the tests alone, documents all of it.
// The general rules of [peal.Store] hold for every method.
type Store interface {
	peal.Store
	TenantStore
	KeyStore
	EventTypeStore
	SourceStore
	QuotaStore
	NodeStore
	HistoryStore
	ReplayStore
	StatsStore
	SearchStore
	PurgeStore
	TenantDeletionStore
	SealStore
	IdentityStore
	ThemeStore
}

// TenantStore stores the settings of tenants.
type TenantStore interface {
	// CreateTenant adds a tenant, of Revision 1. Conflict when the name is taken.
	CreateTenant(ctx context.Context, tenant peal.Tenant) error
	// UpdateTenant replaces a tenant's settings and adds 1 to its Revision. It counts as a
	// change of each of its webhooks, which inherit the policy. [peal.ErrRevision] when
	// Revision is not the stored one; NotFound.
	UpdateTenant(ctx context.Context, tenant peal.Tenant) error
	// Tenants lists tenants by name, starting after the given name.
	Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error)
}

// KeyStore stores API keys.
type KeyStore interface {
	// CreateKey adds a key, and its tenant if there is none. Conflict when its hash is taken.
	CreateKey(ctx context.Context, key peal.APIKey) error
	// RevokeKey revokes a key of the tenant, or of any tenant when tenant is "". NotFound.
	RevokeKey(ctx context.Context, tenant string, id peal.KeyID, at time.Time) error
	// KeyByHash returns the key with a hash, unless it is revoked. NotFound.
	KeyByHash(ctx context.Context, hash [32]byte) (peal.APIKey, error)
	// Keys lists the keys of a tenant (operator keys for ""), newest first, including
	// revoked ones: those older than before, or all when before is zero.
	Keys(ctx context.Context, tenant string, before peal.KeyID, limit int) ([]peal.APIKey, error)
}

// EventTypeStore stores the catalogues of event types.
type EventTypeStore interface {
	// PutEventType adds or replaces an entry of a catalogue. A replaced entry's CreatedAt
	// stays; created reports whether there was no entry.
	PutEventType(ctx context.Context, eventType peal.EventType) (created bool, err error)
	// DeleteEventType removes an entry from a catalogue. NotFound.
	DeleteEventType(ctx context.Context, catalogue, name string) error
	// EventType returns one entry of a catalogue. NotFound.
	EventType(ctx context.Context, catalogue, name string) (peal.EventType, error)
	// EventTypes lists the entries of a catalogue by name, starting after the given name.
	EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error)
	// FindEventTypes lists the entries of a catalogue that match a query, by name. It reads
	// at most the names of the whole catalogue, or of the query's group.
	FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error)
	// Catalogues lists the names of the catalogues that have entries, starting after the
	// given name, in the byte order of each name followed by a slash.
	Catalogues(ctx context.Context, after string, limit int) ([]string, error)
}

// SourceStore stores sources and their counts.
type SourceStore interface {
	// CreateSource adds a source, creates its tenant if there is none, and returns the source
	// with its Revision. Conflict when the id or, within the tenant, the name is taken;
	// Invalid when it is not [peal.Source.Storable].
	CreateSource(ctx context.Context, source peal.Source) (peal.Source, error)
	// UpdateSource replaces a source's settings (not its Name and Counts) and returns it with
	// its new Revision. Conflict when its Revision is not the stored one; NotFound.
	UpdateSource(ctx context.Context, source peal.Source) (peal.Source, error)
	// DeleteSource deletes a source; its events stay. NotFound.
	DeleteSource(ctx context.Context, tenant string, id peal.SourceID) error
	// Source returns one source of the tenant, or of any tenant when tenant is "". NotFound.
	Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error)
	// SourceByName returns the source with a name. NotFound.
	SourceByName(ctx context.Context, tenant, name string) (peal.Source, error)
	// Sources lists a tenant's sources, newest first: those older than before, or all when
	// before is zero.
	Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error)
	// AddSourceCounts adds to the counts of sources, as [peal.SourceCounts.Add] does, in one
	// transaction. It ignores sources that do not exist.
	AddSourceCounts(ctx context.Context, counts map[peal.SourceID]peal.SourceCounts) error
}

// QuotaStore counts what tenants have. The methods that create rows enforce the row quotas in
// their transaction, by the tenant's own limit or the store's default, and return
// [peal.Quota.Exceeded].
type QuotaStore interface {
	// Usage returns a tenant's use of the row quotas at the time now.
	Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error)
	// Count returns a tenant's use of one row quota at the time now, up to most.
	Count(ctx context.Context, tenant string, quota peal.Quota, now time.Time, most int64) (int64, error)
	// Uses returns the use of one row quota at the time now by each tenant that uses it, in no
	// particular order.
	Uses(ctx context.Context, quota peal.Quota, now time.Time) ([]peal.TenantUse, error)
	// CountEventTypes returns the number of entries of a catalogue, up to most.
	CountEventTypes(ctx context.Context, catalogue string, most int64) (int64, error)
	// PendingUsage counts a tenant's pending deliveries and the bytes of their events'
	// data. It reads at most most deliveries.
	PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error)
}

// NodeStore registers nodes. Only the store's clock measures the time since a node was
// last seen, so the clocks of nodes may differ.
//
// A node is registered from RegisterNode until it leaves or is taken over. After that its
// id is never registered again: its process registers under a new one. With an id that is
// not registered, Insert without held deliveries, Settle within the limits stated there, and
// Release, which finds nothing, still work. Claim, Reopen and an Insert with a held delivery
// write nothing and return [peal.ErrFenced].
type NodeStore interface {
	// RegisterNode adds a node, seen now. The caller sets ID, Name and Version, the store
	// sets the times. Conflict when the id is registered.
	RegisterNode(ctx context.Context, node peal.Node) (peal.NodeView, error)
	// RenewNode records that the node was seen now, and its load. NotFound when it is not registered.
	RenewNode(ctx context.Context, id peal.NodeID, load peal.NodeLoad) (peal.NodeView, error)
	// LeaveNode releases all deliveries that the node holds and ends its registration, which
	// is no evidence against any of them. A node that is not registered is not an error.
	LeaveNode(ctx context.Context, id peal.NodeID) error
	// Takeover ends the registration of every other node that was not seen for at least
	// stale, and releases all deliveries with a holder that is not registered. Those that
	// were due become suspects, or get another strike by their mark.
	// The check and the update are one statement, so a node that renews at the same time is
	// either seen or gone, never both.
	Takeover(ctx context.Context, node peal.NodeID, stale time.Duration) (peal.TakeoverResult, error)
	// Nodes lists the registered nodes by id, which is oldest first.
	Nodes(ctx context.Context) ([]peal.Node, error)
	// Signal notifies the watchers in this process and in others. A signal is a hint: it
	// reaches each watcher at most once, and can be lost.
	Signal(ctx context.Context, signals ...peal.NodeSignal) error
	// Watch calls heard for each signal until ctx ends, one call at a time. The store itself
	// signals when webhooks change, when held deliveries are canceled, and when a node leaves
	// or is taken over. It returns nil when ctx ends, and nil at once when the store closes
	// or cannot receive signals; it restores a lost connection by itself.
	Watch(ctx context.Context, heard func(peal.NodeSignal)) error
}

// HistoryStore reads events, deliveries and attempts.
type HistoryStore interface {
	// Event returns one event of a tenant by its id, or by the text of its key. NotFound.
	Event(ctx context.Context, tenant, id string) (peal.Event, error)
	// Events lists the events that a query selects.
	Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error)
	// FilterErrors returns the FilterErrors that an event was inserted with, in their
	// order; none for an unknown event.
	FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error)
	// Delivery returns one delivery of a tenant. NotFound.
	Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	// Deliveries lists the deliveries that a query selects.
	Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error)
	// Attempts returns all attempts of a delivery, the first one first; none for an unknown delivery.
	Attempts(ctx context.Context, tenant string, id peal.DeliveryID) ([]peal.Attempt, error)
}

// ReplayStore stores replays and executes them in steps. A step is one short transaction
// that also records the replay's progress. After a restart the replay resumes there, so that
// nothing is replayed twice and nothing is left out. Replays ignore test deliveries and
// their events.
type ReplayStore interface {
	// CreateReplay adds a replay. NotFound when the tenant has no such webhook;
	// Conflict when the id is taken.
	CreateReplay(ctx context.Context, replay peal.Replay) error
	// Replay returns one replay of a tenant. NotFound.
	Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error)
	// Replays lists the replays that a query selects.
	Replays(ctx context.Context, query peal.ReplayQuery) ([]peal.Replay, error)
	// OpenReplays returns the running replays of all tenants, oldest first.
	OpenReplays(ctx context.Context, limit int) ([]peal.Replay, error)
	// EndReplay ends a running replay with a final status and a reason. NotFound;
	// Conflict when it has ended.
	EndReplay(
		ctx context.Context, tenant string, id peal.JobID, status peal.ReplayStatus, reason string, at time.Time,
	) error
	// CountReplay returns the size of a replay, which need not be stored. wants reports
	// whether the webhook's patterns match a type of missed events.
	CountReplay(ctx context.Context, replay peal.Replay, wants func(eventType string) bool) (peal.ReplayCount, error)
	// ReplayDeliveries reads at most limit deliveries of a running replay, in the order of
	// their creation, and makes those that the replay includes pending for a new round, due
	// at the given time and held by no node. more is false when no deliveries are left.
	// NotFound; Conflict when the replay has ended or the webhook is deleted.
	ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (replayed int, more bool, err error)
	// MissedEvents reads at most limit events of a running replay, in the order of their
	// acceptance (fewer when they are large), and returns those that the webhook has no
	// delivery of and that have a type chosen by the replay and wants. NotFound; Conflict
	// when the replay has ended.
	MissedEvents(
		ctx context.Context, id peal.JobID, wants func(eventType string) bool, limit int,
	) (peal.MissedEvents, error)
	// ReplayMissed creates deliveries of events that MissedEvents returned, except where
	// there is one by now, due at once and held by no node, and advances the replay to
	// missed.Through. NotFound; Conflict when the replay has ended or has already advanced
	// further, or the webhook is deleted.
	ReplayMissed(
		ctx context.Context, id peal.JobID, missed peal.MissedEvents, deliveries []peal.MissedDelivery,
	) (replayed int, err error)
}

// StatsStore reads statistics that are counted while attempts are settled. None of its methods
// reads history, so its size does not matter.
//
// Settle counts in the transaction that records the attempts: in the webhook's bucket of each
// width, by the end of the attempt, and for a failed attempt also in the webhook's
// [peal.WebhookProblem]. It does not count tests, nor attempts that were already recorded. Purge
// deletes buckets.
type StatsStore interface {
	// Stats returns the buckets that a query selects, by webhook and then by time. It omits
	// empty buckets.
	Stats(ctx context.Context, query peal.StatsQuery) ([]peal.StatsBucket, error)
	// Totals returns the sums of the buckets that a query selects. It needs memory for one bucket
	// of each period, regardless of the number of webhooks.
	Totals(ctx context.Context, query peal.StatsQuery) (peal.StatsTotals, error)
	// Activity returns the activity of the given webhooks of a tenant, in their order. It is
	// zero for a webhook that the tenant does not have.
	Activity(ctx context.Context, tenant string, webhooks []peal.WebhookID) ([]peal.WebhookActivity, error)
	// Backlog returns the backlog of a tenant, or of all tenants when tenant is "".
	Backlog(ctx context.Context, tenant string) (peal.DeliveryBacklog, error)
	// Problems returns the problems that a query selects.
	Problems(ctx context.Context, query peal.ProblemQuery) ([]peal.WebhookProblem, error)
	// AttentionReport returns what needs attention among all tenants: problems seen at or after
	// since, and at most limit rows of each kind. It reads a bounded number of rows.
	AttentionReport(ctx context.Context, since time.Time, limit int) (peal.AttentionReport, error)
}

// SearchStore finds events and deliveries by event type, and by the words in events and in
// responses of endpoints.
//
// Word search uses an index, which is off by default. Insert and Settle only note the
// changes; [SearchStore.Index] adds them to the index later. Events from before the index
// was turned on are added too, newest first.
//
// The words of an event are those of its id, type, subject and data, both member names and
// values. A delivery has the words of its event, of its own id, and of the response bodies
// on record. The index does not cover headers, addresses, secrets and settings of webhooks,
// data after its first 64 KiB, and words after their first 64 bytes.
type SearchStore interface {
	// SetSearch turns the index on or off. Turning it off deletes it; turning it on again
	// rebuilds it. Setting the present state changes nothing and is not an error.
	SetSearch(ctx context.Context, on bool) error
	// SearchState returns the state of the index.
	SearchState(ctx context.Context) (peal.SearchState, error)
	// Index adds one batch of waiting changes to the index, or removes deleted events from
	// it, and reports what it did. Other changes do not wait for it. While More is true, a
	// further call continues.
	Index(ctx context.Context) (peal.IndexResult, error)
	// FindDeliveries finds deliveries by the time of their events, newest first, and the
	// deliveries of one event by their own time. It reads at most [peal.MaxSearchedEvents] events and
	// takes at most [peal.MaxSearchTime], so a result can have few deliveries or none although there
	// are more. Invalid with Field "text" when the text has no words or is malformed, or the
	// index is off; Unavailable when the time was too short to read anything.
	FindDeliveries(ctx context.Context, query peal.DeliverySearch) (peal.FoundDeliveries, error)
	// FindEvents finds events, newest first, in the same way as FindDeliveries.
	FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error)
}

// PurgeStore deletes data that was kept long enough.
type PurgeStore interface {
	// Purge deletes one batch of what params allow, small enough that other changes hardly
	// wait for it, and reports what it did. While More is true, another call with the same
	// params continues; after that, a call starts over.
	//
	// An event is deleted together with its deliveries and their attempts, oldest first.
	// Pending deliveries and their events stay. The publisher's id of a deleted event can be
	// used again.
	Purge(ctx context.Context, params peal.PurgeParams) (peal.PurgeResult, error)
}

// TenantDeletionStore deletes tenants with all that is theirs. Catalogues are the
// operator's, and stay.
type TenantDeletionStore interface {
	// StartTenantDeletion marks a tenant as being deleted and changes the version of the
	// routes. From then on keys and sessions of the tenant let nobody in, and nothing can
	// be added to it; engines refuse its events as soon as they have read the routes, and
	// an Insert by older ones returns [peal.ErrStaleRoutes]. NotFound. For a tenant that is
	// marked already it does nothing.
	StartTenantDeletion(ctx context.Context, name string, at time.Time) error
	// TenantCounts counts what a tenant has, of each kind up to [peal.MaxTenantCount]. NotFound.
	TenantCounts(ctx context.Context, name string) (peal.TenantCounts, error)
	// PurgeTenant does one bounded step of deleting a marked tenant. Each step is one
	// transaction, so a deletion that is broken off resumes where it was.
	PurgeTenant(ctx context.Context) (peal.TenantPurgeResult, error)
}

// SealStore encrypts stored secrets with a new key, without interrupting other work.
type SealStore interface {
	// Reseal seals again at most limit values, in one short transaction: values that were
	// sealed with a key other than the current key of the store's [peal.Sealer], and values in
	// clear text. Nothing else in their rows changes, neither the revision of a webhook or
	// a source nor the version of the routes.
	//
	// It returns the number of values that it handled; 0 means that none is left, including
	// values with a write that started before the Sealer changed its key. A store without a
	// Sealer always returns 0. Internal when a value cannot be opened with any key.
	Reseal(ctx context.Context, limit int) (int, error)
}

// IdentityStore stores users, sessions, portal links and the audit log.
type IdentityStore interface {
	// CreateUser adds a user, of Revision 1, and its tenant if there is none. Conflict
	// when the id, the name or the subject (unless "") is taken.
	CreateUser(ctx context.Context, user peal.User) error
	// UpdateUser replaces everything of a user except its name, adds 1 to its Revision and
	// revokes all of its sessions at UpdatedAt. It creates the user's new tenant if there is
	// none. [peal.ErrRevision] when Revision is not the stored one; Conflict when the subject
	// belongs to another user; NotFound.
	UpdateUser(ctx context.Context, user peal.User) error
	// DeleteUser deletes a user of the tenant, or of any tenant when tenant is "", and
	// revokes all of its sessions. NotFound.
	DeleteUser(ctx context.Context, tenant string, id peal.UserID, at time.Time) error
	// User returns one user of the tenant, or of any tenant when tenant is "". NotFound.
	User(ctx context.Context, tenant string, id peal.UserID) (peal.User, error)
	// UserByName returns the user with a name. NotFound.
	UserByName(ctx context.Context, name string) (peal.User, error)
	// UserBySubject returns the user with a subject. NotFound, also for "".
	UserBySubject(ctx context.Context, subject string) (peal.User, error)
	// Users lists the users of the tenant, or of all tenants when tenant is "", newest
	// first: those older than before, or all when before is zero.
	Users(ctx context.Context, tenant string, before peal.UserID, limit int) ([]peal.User, error)
	// CreateSession adds a session, and its tenant if there is none. NotFound when it has a
	// user that does not exist.
	CreateSession(ctx context.Context, session peal.Session) error
	// SessionByHash returns the session with a hash, unless it is revoked or expired at now.
	// NotFound.
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (peal.Session, error)
	// Sessions lists the sessions that a query selects.
	Sessions(ctx context.Context, query peal.SessionQuery) ([]peal.Session, error)
	// RevokeSession revokes a session of the tenant, or of any tenant when tenant is "". A
	// session that is already revoked keeps its time. NotFound.
	RevokeSession(ctx context.Context, tenant string, id peal.SessionID, at time.Time) error
	// RevokeSessions revokes all sessions of a user that have not ended at the given time,
	// and returns their number.
	RevokeSessions(ctx context.Context, user peal.UserID, at time.Time) (int, error)
	// CreatePortalLink adds a portal link, and its tenant if there is none. Conflict when
	// the id or the hash is taken.
	CreatePortalLink(ctx context.Context, link peal.PortalLink) error
	// RedeemPortalLink marks the link with a hash as used, and adds the session with its
	// PortalLinkID, Name, Tenant and Role set from the link, and an ExpiresAt that is
	// SessionLife later than at. NotFound for a link that is used, revoked or expired at
	// that time.
	RedeemPortalLink(ctx context.Context, hash [32]byte, session peal.Session, at time.Time) (peal.Session, error)
	// PortalLinks lists the links of the tenant, or of all tenants when tenant is "", newest
	// first: those older than before, or all when before is zero.
	PortalLinks(ctx context.Context, tenant string, before peal.PortalLinkID, limit int) ([]peal.PortalLink, error)
	// RevokePortalLink revokes a link of the tenant, or of any tenant when tenant is "", and
	// the session that it started. A link that is already revoked keeps its time. NotFound.
	RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID, at time.Time) error
	// AppendAudit adds an entry to the audit log. It also deletes up to 100 entries that are
	// older than keep, unless keep is zero.
	AppendAudit(ctx context.Context, entry peal.AuditEntry, keep time.Duration) error
	// Audit lists the entries of the audit log that a query selects.
	Audit(ctx context.Context, query peal.AuditQuery) ([]peal.AuditEntry, error)
}

// ThemeStore stores the themes of tenants.
type ThemeStore interface {
	// PutTheme replaces a tenant's theme and adds 1 to its Revision, which is 0 if there is
	// no theme yet. It creates the tenant if there is none. [peal.ErrRevision] when Revision is
	// not the stored one.
	PutTheme(ctx context.Context, tenant string, theme peal.Theme) error
	// Theme returns a tenant's theme. NotFound when it has none.
	Theme(ctx context.Context, tenant string) (peal.Theme, error)
	// DeleteTheme deletes a tenant's theme. NotFound when it has none.
	DeleteTheme(ctx context.Context, tenant string) error
}
