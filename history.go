package peal

import (
	"context"
	"slices"
	"time"
)

// ReplayStatus is the status of a replay: running, and then exactly one of the others.
type ReplayStatus string

// The statuses of a replay.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"     // it has processed its whole range
	ReplayCanceled ReplayStatus = "canceled" // it was canceled; deliveries that it made due stay due
	ReplayFailed   ReplayStatus = "failed"   // its webhook was disabled or deleted
)

// Replay is a job that sends deliveries of a webhook again, or sends the events that it
// missed. It makes deliveries pending, in batches; they are then attempted like any other.
type Replay struct {
	ID        JobID
	Tenant    string
	WebhookID WebhookID
	// Since and Until limit the replay to deliveries created, and missed events accepted,
	// from Since (inclusive) until Until (exclusive). Both are set.
	Since, Until time.Time
	// Statuses are the final statuses of the deliveries to send again; empty for none.
	Statuses []DeliveryStatus
	// EventTypes are patterns as in [Webhook.Events]; empty for every type.
	EventTypes []string
	// Missed reports whether events that match the webhook now, and have no delivery to it,
	// get one.
	Missed bool

	Status ReplayStatus
	// Reason is why the replay failed, as a sentence.
	Reason string
	// Total is the number of deliveries and missed events in the range when the replay
	// started, Done the number of those processed. Both show progress: as the range can
	// change meanwhile, they may differ in the end.
	Total, Done int
	// Replayed is the number of deliveries made pending, including new ones. It does not
	// count missed events that the webhook's filter rejects.
	Replayed int
	EndedAt  time.Time // UTC; zero while it runs
}

// ReplayCount is the size of a replay. Events counts missed events by their type alone,
// because the webhook's filter is applied only when the replay runs.
type ReplayCount struct{ Deliveries, Events int }

// CreatedAt is when the replay was created, in UTC.
func (r *Replay) CreatedAt() time.Time { return r.ID.Time() }

// DefaultReplayStatuses returns the statuses of deliveries that did not arrive.
func DefaultReplayStatuses() []DeliveryStatus { return []DeliveryStatus{Failed, Canceled} }

// WantsType reports whether the replay includes events of a type.
func (r *Replay) WantsType(eventType string) bool {
	return len(r.EventTypes) == 0 || slices.ContainsFunc(r.EventTypes, func(pattern string) bool { return MatchPattern(pattern, eventType) })
}

// Validate checks the fields that a caller sets. The error has code [Invalid] and names
// the field; see [Faults].
func (r *Replay) Validate() error {
	var faults []error
	switch {
	case r.Since.IsZero():
		faults = append(faults, Invalidf("since", "is missing; set the start of the time to replay"))
	case !r.Since.Before(r.Until):
		faults = append(faults, Invalidf("since", "must be before until, and in the past"))
	}
	for i, status := range r.Statuses {
		field := "statuses[" + itoa(i) + "]"
		if status != Success && status != Failed && status != Canceled {
			faults = append(faults, Invalidf(field, "must be success, failed or canceled; pending deliveries are sent anyway"))
		} else if slices.Contains(r.Statuses[:i], status) {
			faults = append(faults, Invalidf(field, "is a duplicate"))
		}
	}
	if len(r.Statuses) == 0 && !r.Missed {
		faults = append(faults, Invalidf("statuses", "is empty; choose at least one, or include missed events"))
	}
	if len(r.EventTypes) > 0 {
		for _, fault := range FaultsOf(ValidatePatterns(r.EventTypes)) {
			moved := *fault
			moved.Field = "event_types" + fault.Field[len("events"):]
			faults = append(faults, &moved)
		}
	}
	return Faults(faults...)
}

// ReplayStore stores replays and executes them in steps. A step is one short transaction
// that also records the replay's progress. After a restart the replay resumes there, so that
// nothing is replayed twice and nothing is left out. Replays ignore test deliveries and
// their events.
type ReplayStore interface {
	// CreateReplay adds a replay. NotFound when the tenant has no such webhook;
	// Conflict when the id is taken.
	CreateReplay(ctx context.Context, replay Replay) error
	// Replay returns one replay of a tenant. NotFound.
	Replay(ctx context.Context, tenant string, id JobID) (Replay, error)
	// Replays lists a webhook's replays, newest first: those older than before, or all when
	// before is zero.
	Replays(ctx context.Context, tenant string, webhook WebhookID, before JobID, limit int) ([]Replay, error)
	// OpenReplays returns the running replays of all tenants, oldest first.
	OpenReplays(ctx context.Context, limit int) ([]Replay, error)
	// EndReplay ends a running replay with a final status and a reason. NotFound;
	// Conflict when it has ended.
	EndReplay(ctx context.Context, tenant string, id JobID, status ReplayStatus, reason string, at time.Time) error

	// CountReplay returns the size of a replay, which need not be stored. wants reports
	// whether the webhook's patterns match a type of missed events.
	CountReplay(ctx context.Context, replay Replay, wants func(eventType string) bool) (ReplayCount, error)
	// ReplayDeliveries reads at most limit deliveries of a running replay, in the order of
	// their creation, and makes those that the replay includes pending for a new round, due
	// at the given time and held by no node. more is false when no deliveries are left.
	// NotFound; Conflict when the replay has ended or the webhook is deleted.
	ReplayDeliveries(ctx context.Context, id JobID, due time.Time, limit int) (replayed int, more bool, err error)
	// MissedEvents reads at most limit events of a running replay, in the order of their
	// acceptance (fewer when they are large), and returns those that the webhook has no
	// delivery of and that have a type chosen by the replay and wants. NotFound; Conflict
	// when the replay has ended.
	MissedEvents(ctx context.Context, id JobID, wants func(eventType string) bool, limit int) (Missed, error)
	// ReplayMissed creates deliveries of events that MissedEvents returned, except where
	// there is one by now, due at once and held by no node, and advances the replay to
	// missed.Through. NotFound; Conflict when the replay has ended or has already advanced
	// further, or the webhook is deleted.
	ReplayMissed(ctx context.Context, id JobID, missed Missed, deliveries []MissedDelivery) (replayed int, err error)
}

// Missed is a batch of a replay's events.
type Missed struct {
	Events []Event
	// Through is the last event that was read; zero when no events are left.
	Through EventKey
}

// MissedDelivery is a delivery to create of an event that its webhook missed.
type MissedDelivery struct {
	ID       DeliveryID
	EventKey EventKey
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
	SearchState(ctx context.Context) (SearchState, error)
	// Index adds one batch of waiting changes to the index, or removes deleted events from
	// it, and reports what it did. Other changes do not wait for it. While More is true, a
	// further call continues.
	Index(ctx context.Context) (Indexed, error)

	// FindDeliveries finds deliveries by the time of their events, newest first, and the
	// deliveries of one event by their own time. It reads at most [MaxLooked] events and
	// takes at most [SearchTime], so a result can have few deliveries or none although there
	// are more. Invalid with Field "text" when the text has no words or is malformed, or the
	// index is off; Unavailable when the time was too short to read anything.
	FindDeliveries(ctx context.Context, query DeliverySearch) (FoundDeliveries, error)
	// FindEvents finds events, newest first, in the same way as FindDeliveries.
	FindEvents(ctx context.Context, query EventSearch) (FoundEvents, error)
}

// Bounds of one search.
const (
	MaxLooked  = 1000            // events read
	SearchTime = 3 * time.Second // longest duration
)

// DeliverySearch selects deliveries of a tenant. One of EventType and Text is set.
type DeliverySearch struct {
	Tenant    string
	EventType string         // only deliveries of events of this type; "" for all
	Text      string         // only deliveries with these words, see [SearchStore]; "" for all
	WebhookID WebhookID      // only this webhook's; zero for all
	Status    DeliveryStatus // only this status; "" for all
	Since     time.Time      // of events accepted at or after this time; zero for no bound
	Until     time.Time      // of events accepted before this time; zero for no bound
	Before    Place          // after this place of an earlier search; zero to start with the newest
	Limit     int
}

// Place is a position in a search: it has covered all events from the newest to Event. When
// Delivery is set, it has covered only the deliveries of Event down to that one.
type Place struct {
	Event    EventKey
	Delivery DeliveryID
}

// FoundDeliveries is the result of a search for deliveries.
type FoundDeliveries struct {
	Deliveries []Delivery
	// Next is where to continue; zero when the search is complete.
	Next Place
}

// EventSearch selects events of a tenant.
type EventSearch struct {
	Tenant string
	Type   string    // only this type; "" for all
	Text   string    // only events with these words
	Since  time.Time // accepted at or after this time; zero for no bound
	Until  time.Time // accepted before this time; zero for no bound
	Before EventKey  // older than this one; zero to start with the newest
	Limit  int
}

// FoundEvents is the result of a search for events.
type FoundEvents struct {
	Events []Event
	// Next is where to continue (see Before); zero when the search is complete.
	Next EventKey
}

// SearchState is the state of the search index.
type SearchState struct {
	On bool
	// Since is the acceptance time back to which events are indexed; older ones follow.
	// Zero when all are.
	Since time.Time
	// Bytes is its approximate size on disk.
	Bytes int64
}

// Indexed is the result of a batch of indexing.
type Indexed struct {
	More    bool
	Events  int           // events added or updated
	Removed int           // events removed, approximately
	Held    time.Duration // duration of the batch
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
	Purge(ctx context.Context, params PurgeParams) (Purged, error)
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
	// Stats is the reference time for expiring buckets and problems (normally now): see
	// [BucketWidth.Kept] and [ProblemKept]. Zero for never.
	Stats time.Time
	// MaxBytes is the size that the store may use: while it uses more, events are deleted
	// whatever their age. A store that keeps history by the day deletes whole days, and
	// never the current one. 0 for no bound.
	MaxBytes int64
}

// Purged is the result of a batch of purging, and the size of the store after it.
type Purged struct {
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
	// Held is how long the batch blocked other changes.
	Held time.Duration
	// Bytes is the size of the store on disk, Used the part of it that contains data.
	Bytes, Used int64
}
