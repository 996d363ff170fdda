package peal

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

// MaxFindText is the maximum length of a text to search lists for, in characters.
const MaxFindText = 200

// ListOrder is the order of a list.
type ListOrder string

// The orders of lists.
const (
	ListNewestFirst ListOrder = "newest" // the same as ""
	ListOldestFirst ListOrder = "oldest"
	// ListByName orders by [FindKey], webhooks by [webhookKey]. Records with the same key are ordered
	// by ID.
	ListByName ListOrder = "name"
)

// FindWords returns a function that reports whether a record has each word of a text, in any
// case: in one of its texts, or as a prefix of its ID.
func FindWords(text string) func(id string, texts ...string) bool {
	words := strings.Fields(strings.ToLower(text))
	return func(id string, texts ...string) bool {
		if len(words) == 0 {
			return true
		}
		all := strings.ToLower(strings.Join(texts, "\n"))
		for _, word := range words {
			if !strings.Contains(all, word) && !strings.HasPrefix(id, word) {
				return false
			}
		}
		return true
	}
}

// WebhookQuery selects webhooks of a tenant. A zero field does not restrict the selection.
type WebhookQuery struct {
	Tenant string
	// Text is a list of words, in any case. Each must be in the name, in the host or path of the
	// URL or in the description, or be a prefix of the ID.
	Text   string
	Status WebhookStatus
	Format string
	Event  string // an event type that one of the patterns matches
	Order  ListOrder
	After  WebhookPosition // after this position in the order; zero to start at the first
	Limit  int
}

// SelectsAll reports whether the query selects all webhooks of the tenant, newest first.
func (q *WebhookQuery) SelectsAll() bool {
	return q.Text == "" && q.Status == "" && q.Format == "" && q.Event == "" && (q.Order == "" || q.Order == ListNewestFirst)
}

// WebhookPosition is the position of a webhook in an order.
type WebhookPosition struct {
	key string // its [webhookKey], in the order [ListByName]; "" in others
	ID  WebhookID
}

// String returns the text of the position, which [ParseWebhookPosition] parses.
func (p WebhookPosition) String() string { return p.ID.String() + p.key }

// ParseWebhookPosition parses the text of a position. The error has code [Invalid].
func ParseWebhookPosition(text string) (WebhookPosition, error) {
	end := min(len(text), len("webhook_")+26)
	id, err := ParseWebhookID(text[:end])
	return WebhookPosition{key: text[end:], ID: id}, err
}

// PositionOf returns the position of a webhook in the query's order.
func (q *WebhookQuery) PositionOf(w *Webhook) WebhookPosition {
	if q.Order == ListByName {
		return WebhookPosition{webhookKey(w), w.ID}
	}
	return WebhookPosition{ID: w.ID}
}

// Compare compares two positions in the query's order.
func (q *WebhookQuery) Compare(a, b WebhookPosition) int {
	switch q.Order {
	case ListByName:
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return a.ID.Compare(b.ID)
	case ListOldestFirst:
		return a.ID.Compare(b.ID)
	}
	return b.ID.Compare(a.ID)
}

// maxFindKey limits a key, so that a position fits into a URL.
const maxFindKey = 200 // bytes

// FindKey returns the sort key of a name in the order [ListByName]: the name in lower case, shortened
// to 200 bytes.
func FindKey(name string) string {
	key := strings.ToLower(name)
	if len(key) <= maxFindKey {
		return key
	}
	end := maxFindKey
	for end > 0 && !utf8.RuneStart(key[end]) {
		end--
	}
	return key[:end]
}

// webhookKey returns the sort key of a webhook in the order [ListByName]: its name, or the host and
// path of its URL if it has none, in lower case and shortened to 200 bytes.
func webhookKey(w *Webhook) string {
	if w.Name == "" {
		return FindKey(hostAndPath(w.URL))
	}
	return FindKey(w.Name)
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

// Filter returns a function that reports whether the query selects a webhook of its tenant,
// regardless of its position in the order.
func (q *WebhookQuery) Filter() func(*Webhook) bool {
	has := FindWords(q.Text)
	return func(w *Webhook) bool {
		switch {
		case q.Status != "" && w.Status != q.Status, q.Format != "" && w.Format != q.Format, q.Event != "" && !matchesOne(w.Events, q.Event):
			return false
		}
		return has(w.ID.String(), w.Name, hostAndPath(w.URL), w.Description)
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
		return Fault("q", message.SearchText)
	}
	return nil
}

// Bounds of one search.
const (
	MaxSearchedEvents = 1000            // events read
	MaxSearchTime     = 3 * time.Second // longest duration
)

// DeliverySearch selects deliveries of a tenant. One of EventType and Text is set.
type DeliverySearch struct {
	Tenant    string
	EventType string         // only deliveries of events of this type; "" for all
	Text      string         // only deliveries with these words; "" for all
	WebhookID WebhookID      // only this webhook's; zero for all
	Status    DeliveryStatus // only this status; "" for all
	Since     time.Time      // of events accepted at or after this time; zero for no bound
	Until     time.Time      // of events accepted before this time; zero for no bound
	Before    SearchPosition // after this position of an earlier search; zero to start with the newest
	Limit     int
}

// SearchPosition is a position in a search: it has covered all events from the newest to Event.
// When Delivery is set, it has covered only the deliveries of Event down to that one.
type SearchPosition struct {
	Event    EventKey
	Delivery DeliveryID
}

// FoundDeliveries is the result of a search for deliveries.
type FoundDeliveries struct {
	Deliveries []Delivery
	// Next is where to continue; zero when the search is complete.
	Next SearchPosition
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

// IndexResult is the result of a batch of indexing.
type IndexResult struct {
	More    bool
	Events  int           // events added or updated
	Removed int           // events removed, approximately
	Held    time.Duration // duration of the batch
}
