package peal

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxFindText is the maximum length of a text to search lists for, in characters.
const MaxFindText = 200

// WebhookOrder is the order of a list of webhooks.
type WebhookOrder string

// The orders of webhooks.
const (
	NewestFirst WebhookOrder = "newest" // the same as ""
	OldestFirst WebhookOrder = "oldest"
	ByName      WebhookOrder = "name" // by [WebhookKey], those of the same key by ID
)

// WebhookQuery selects webhooks of a tenant. A zero field does not restrict the selection.
type WebhookQuery struct {
	Tenant string
	// Text is a list of words, in any case. Each must be in the name, in the host or path of the
	// URL or in the description, or be a prefix of the ID.
	Text   string
	Status WebhookStatus
	Format string
	Event  string // an event type that one of the patterns matches
	Order  WebhookOrder
	After  WebhookPlace // after this place in the order; zero to start at the first
	Limit  int
}

// Plain reports whether the query selects all webhooks of the tenant, newest first.
func (q *WebhookQuery) Plain() bool {
	return q.Text == "" && q.Status == "" && q.Format == "" && q.Event == "" && (q.Order == "" || q.Order == NewestFirst)
}

// WebhookPlace is the position of a webhook in an order.
type WebhookPlace struct {
	Key string // its [WebhookKey], in the order [ByName]; "" in others
	ID  WebhookID
}

// String returns the text of the place, which [ParseWebhookPlace] parses.
func (p WebhookPlace) String() string { return p.ID.String() + p.Key }

// ParseWebhookPlace parses the text of a place. The error has code [Invalid].
func ParseWebhookPlace(text string) (WebhookPlace, error) {
	end := min(len(text), len("webhook_")+26)
	id, err := ParseWebhookID(text[:end])
	return WebhookPlace{Key: text[end:], ID: id}, err
}

// PlaceOf returns the place of a webhook in the query's order.
func (q *WebhookQuery) PlaceOf(w *Webhook) WebhookPlace {
	if q.Order == ByName {
		return WebhookPlace{WebhookKey(w), w.ID}
	}
	return WebhookPlace{ID: w.ID}
}

// Compare compares two places in the query's order.
func (q *WebhookQuery) Compare(a, b WebhookPlace) int {
	switch q.Order {
	case ByName:
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return a.ID.Compare(b.ID)
	case OldestFirst:
		return a.ID.Compare(b.ID)
	}
	return b.ID.Compare(a.ID)
}

// maxWebhookKey limits a key, so that a place fits into a URL.
const maxWebhookKey = 200 // bytes

// WebhookKey returns the sort key of a webhook in the order [ByName]: its name, or the host and
// path of its URL if it has none, in lower case and shortened to 200 bytes.
func WebhookKey(w *Webhook) string {
	key := w.Name
	if key == "" {
		key = hostAndPath(w.URL)
	}
	key = strings.ToLower(key)
	if len(key) <= maxWebhookKey {
		return key
	}
	end := maxWebhookKey
	for end > 0 && !utf8.RuneStart(key[end]) {
		end--
	}
	return key[:end]
}

// hostAndPath returns a URL without its scheme and its query, which may contain a secret.
func hostAndPath(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
	}
	rest, _, _ = strings.Cut(rest, "?")
	return strings.TrimSuffix(rest, "/")
}

// Chooses returns a function that reports whether the query selects a webhook of its tenant,
// regardless of its place in the order.
func (q *WebhookQuery) Chooses() func(*Webhook) bool {
	words := strings.Fields(strings.ToLower(q.Text))
	return func(w *Webhook) bool {
		switch {
		case q.Status != "" && w.Status != q.Status, q.Format != "" && w.Format != q.Format, q.Event != "" && !matchesOne(w.Events, q.Event):
			return false
		case len(words) == 0:
			return true
		}
		text := strings.ToLower(w.Name + "\n" + hostAndPath(w.URL) + "\n" + w.Description)
		for _, word := range words {
			if !strings.Contains(text, word) && !strings.HasPrefix(w.ID.String(), word) {
				return false
			}
		}
		return true
	}
}

func matchesOne(patterns []string, eventType string) bool {
	for _, pattern := range patterns {
		if MatchPattern(pattern, eventType) {
			return true
		}
	}
	return false
}

// EventTypeQuery selects event types of a catalogue, by name. A zero field does not restrict the
// selection.
type EventTypeQuery struct {
	Catalogue string
	// Text must be in the name, in any case.
	Text string
	// Group is the start of names before a dot: task selects task.created and task.done.late.
	Group string
	// Brief reports whether to omit schemas and examples.
	Brief bool
	After string // after this name; "" to start with the first
	Limit int
}

// Span returns the exclusive bounds of the keys of the query's event types.
func (q *EventTypeQuery) Span() (after, before string) {
	after, before = EventTypeKey(q.Catalogue, q.After), EventTypesEnd(q.Catalogue)
	if q.Group != "" {
		first := EventTypeKey(q.Catalogue, q.Group+".")
		after, before = max(after, first), first[:len(first)-1]+string(rune('.'+1))
	}
	return after, before
}

// ValidateFindText checks a text to search a list for. The error has code [Invalid] and the
// field "q".
func ValidateFindText(text string) error {
	if err := checkLength("q", text, MaxFindText); err != nil {
		return err
	}
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return Invalidf("q", "is not valid UTF-8 without the character 0")
	}
	return nil
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
