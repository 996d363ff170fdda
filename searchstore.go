package peal

import (
	"context"
	"time"
)

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
