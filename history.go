package peal

import (
	"context"
	"slices"
	"time"
)

// ReplayStatus is where a replay stands: running, and then exactly one of the others.
type ReplayStatus string

// The statuses of a replay.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"     // it went through everything in its range
	ReplayCanceled ReplayStatus = "canceled" // someone canceled it; what it made due stays so
	ReplayFailed   ReplayStatus = "failed"   // its webhook was disabled or deleted meanwhile
)

// Replay is a job that sends a webhook again what it had, or sends what it missed. It
// makes deliveries pending, in batches; they are then attempted like any other.
type Replay struct {
	ID        JobID
	Tenant    string
	WebhookID WebhookID
	// Since and Until bound when the deliveries were created, or the missed events
	// accepted: from Since on, before Until. Both are set.
	Since, Until time.Time
	// Statuses are those of the deliveries to be sent again, all of them final; empty for none.
	Statuses []DeliveryStatus
	// EventTypes are patterns as in [Webhook.Events]; empty for every type.
	EventTypes []string
	// Missed is whether events that the webhook wants now, and that it has no delivery
	// of, get one.
	Missed bool

	Status ReplayStatus
	// Reason says why it failed, in a sentence.
	Reason string
	// Total is how many deliveries and missed events were in the range when the replay
	// began, Done how many of them it has been through. Both are for showing progress:
	// what changes meanwhile may make them differ in the end.
	Total, Done int
	// Replayed is how many deliveries it has made pending, new ones included. A missed
	// event that the webhook's filter does not let through is none of them.
	Replayed int
	EndedAt  time.Time // UTC; zero while it runs
}

// ReplayCount is how much a replay would go through. Events counts missed events by
// their type: the webhook's filter is asked only when it runs.
type ReplayCount struct{ Deliveries, Events int }

// CreatedAt is when the replay was created, in UTC.
func (r *Replay) CreatedAt() time.Time { return r.ID.Time() }

// DefaultReplayStatuses are the statuses of deliveries that did not arrive.
func DefaultReplayStatuses() []DeliveryStatus { return []DeliveryStatus{Failed, Canceled} }

// WantsType reports whether the replay is about events of a type.
func (r *Replay) WantsType(eventType string) bool {
	return len(r.EventTypes) == 0 || slices.ContainsFunc(r.EventTypes, func(pattern string) bool { return MatchPattern(pattern, eventType) })
}

// Validate checks what a caller chooses. The error has code [Invalid] and names the
// field; see [Faults].
func (r *Replay) Validate() error {
	var faults []error
	switch {
	case r.Since.IsZero():
		faults = append(faults, Invalidf("since", "is missing: name the time from which on to replay"))
	case !r.Since.Before(r.Until):
		faults = append(faults, Invalidf("since", "must be before until, and in the past"))
	}
	for i, status := range r.Statuses {
		field := "statuses[" + itoa(i) + "]"
		if status != Success && status != Failed && status != Canceled {
			faults = append(faults, Invalidf(field, "must be success, failed or canceled: what is pending is sent anyway"))
		} else if slices.Contains(r.Statuses[:i], status) {
			faults = append(faults, Invalidf(field, "stands twice"))
		}
	}
	if len(r.Statuses) == 0 && !r.Missed {
		faults = append(faults, Invalidf("statuses", "is empty: name some, or ask for missed events"))
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

// SearchStore finds events and deliveries: by their event's type, and by the words in
// events and in what endpoints answered.
//
// For the words there is an index, which is off at first. Insert and Settle only note
// what has changed; [SearchStore.Index] puts it into the index later. What was there before the
// index was turned on follows, the newest first. An event's words are those of its id,
// its type, its subject and its data, names of members and values alike. A delivery has those of
// its event, and those of its own id and of the bodies that were answered to its
// attempts, as far as they are on record. Headers, addresses, secrets and all that
// belongs to webhooks are not looked at; nor is what is behind the first 64 KiB of
// data, or behind the first 64 bytes of a word.
type SearchStore interface {
	// SetSearch turns the index on or off. Turned off, it is taken away; turned on again,
	// it is made anew. No change is no error and changes nothing.
	SetSearch(ctx context.Context, on bool) error
	// SearchState tells how the index stands.
	SearchState(ctx context.Context) (SearchState, error)
	// Index does one batch of what is left to be put into the index, or to be taken out of
	// it because the events are gone, and says what it did. Other changes do not wait for
	// it. While More is true, a further call goes on.
	Index(ctx context.Context) (Indexed, error)

	// FindDeliveries finds deliveries by the time of their events, the newest first, and
	// those of one event by their own time. It looks at no more than [MaxLooked] events and
	// for no longer than [SearchTime]: it may find few or none, and there are more all the
	// same. Invalid with Field "text" when there are no words in the text, when something
	// is wrong with it, or when the index is off; Unavailable when that time was too short
	// to look at anything.
	FindDeliveries(ctx context.Context, query DeliverySearch) (FoundDeliveries, error)
	// FindEvents finds events, the newest first, as FindDeliveries does.
	FindEvents(ctx context.Context, query EventSearch) (FoundEvents, error)
}

// Bounds of one search.
const (
	MaxLooked  = 1000            // events that it looks at
	SearchTime = 3 * time.Second // that it takes
)

// DeliverySearch chooses deliveries of a tenant. One of EventType and Text is set.
type DeliverySearch struct {
	Tenant    string
	EventType string         // only those of events of this type; "" for all
	Text      string         // only those with these words, see [SearchStore]; "" for all
	WebhookID WebhookID      // only this webhook's; zero for all
	Status    DeliveryStatus // only this status; "" for all
	Since     time.Time      // of events accepted at or after; zero for no bound
	Until     time.Time      // of events accepted before; zero for no bound
	Before    Place          // after this place of an earlier search; zero to begin with the newest
	Limit     int
}

// Place is how far a search has come: through all events from the newest to Event. When
// Delivery is set, it has come through the deliveries of Event down to that one only.
type Place struct {
	Event    EventKey
	Delivery DeliveryID
}

// FoundDeliveries is what a search came to.
type FoundDeliveries struct {
	Deliveries []Delivery
	// Next is where to go on; zero when everything was looked at.
	Next Place
}

// EventSearch chooses events of a tenant.
type EventSearch struct {
	Tenant string
	Type   string    // only this type; "" for all
	Text   string    // only those with these words
	Since  time.Time // accepted at or after; zero for no bound
	Until  time.Time // accepted before; zero for no bound
	Before EventKey  // older than this one; zero to begin with the newest
	Limit  int
}

// FoundEvents is what a search for events came to.
type FoundEvents struct {
	Events []Event
	// Next is where to go on, as Before; zero when everything was looked at.
	Next EventKey
}

// SearchState is how the index stands.
type SearchState struct {
	On bool
	// Since is up to which moment in the past it has come: events accepted before are not
	// in it yet. Zero when all are.
	Since time.Time
	// Bytes is about what it takes on disk.
	Bytes int64
}

// Indexed is what a batch has done.
type Indexed struct {
	More    bool
	Events  int           // put into the index, or brought up to date in it
	Removed int           // taken out of it, about
	Held    time.Duration // how long the batch took
}

// PurgeStore takes away what has been kept long enough.
type PurgeStore interface {
	// Purge does one batch of what is left to do of params, small enough that other
	// changes hardly wait for it, and says what it did. While More is true, a further
	// call with the same params goes on; after that, a call looks at everything anew.
	//
	// An event goes with its deliveries and their attempts, the oldest first. Pending
	// deliveries and their events stay. The publisher's id of an event that is gone is
	// free again.
	Purge(ctx context.Context, params PurgeParams) (Purged, error)
}

// PurgeParams say what may go.
type PurgeParams struct {
	// History is the moment before which an event was accepted and each of its
	// deliveries became final for it to go. Pending deliveries made before it, whose
	// webhook is paused or disabled and which no node holds, become canceled at
	// Canceled. What is left of webhooks deleted before it and has no deliveries any
	// more, keys revoked and replays ended before it, go too. Zero for none of this.
	History time.Time
	// Canceled is when deliveries are canceled: now.
	Canceled time.Time
	// Attempts is the moment before which attempts lose what was sent and answered:
	// both heads and the response's body. The rest of them stays. One that an earlier
	// call has passed by before its time may be left until Attempts is a day later.
	// Zero for never.
	Attempts time.Time
	// Stats is the moment, now, that buckets and problems have had their time at, see
	// [BucketWidth.Kept] and [ProblemKept]. Zero for never.
	Stats time.Time
	// MaxBytes is what the store may use: while it uses more, events go whatever their
	// age. A store that keeps history by the day takes whole days, and never the
	// current one. 0 for no bound.
	MaxBytes int64
}

// Purged is what a batch has done, and how large the store is after it.
type Purged struct {
	// More is whether there may be more to do.
	More bool
	// Events, Deliveries and Attempts are gone.
	Events, Deliveries, Attempts int
	// Records are the attempts that have lost what was sent and answered.
	Records int
	// Canceled are deliveries of paused and disabled webhooks.
	Canceled int
	// Buckets are those of counts that are gone, and problems.
	Buckets int
	// Webhooks are deleted ones, Keys revoked ones that are gone.
	Webhooks, Keys int
	// Replays are those that have ended.
	Replays int
	// Held is how long the batch kept other changes waiting.
	Held time.Duration
	// Bytes is the size of the store on disk, Used the part of it that holds something.
	Bytes, Used int64
}
