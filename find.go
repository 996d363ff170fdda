package peal

import (
	"strings"
	"unicode/utf8"
)

// MaxFindText is the longest text that lists can be searched for, in characters.
const MaxFindText = 200

// WebhookOrder is the order of a list of webhooks.
type WebhookOrder string

// The orders of webhooks.
const (
	NewestFirst WebhookOrder = "newest" // the latest created first; also the order ""
	OldestFirst WebhookOrder = "oldest"
	ByName      WebhookOrder = "name" // by [WebhookKey], those of the same key by ID
)

// WebhookQuery chooses webhooks of a tenant. A zero field does not narrow the choice.
type WebhookQuery struct {
	Tenant string
	// Text is words, in any case, each of which is in the name, in the host or path of the URL,
	// in the description, or begins the ID.
	Text   string
	Status WebhookStatus
	Format string
	Event  string // an event type that one of the patterns matches
	Order  WebhookOrder
	After  WebhookPlace // behind this place in the order; zero to begin at its start
	Limit  int
}

// Plain reports whether the query is for all webhooks of the tenant, newest first.
func (q *WebhookQuery) Plain() bool {
	return q.Text == "" && q.Status == "" && q.Format == "" && q.Event == "" && (q.Order == "" || q.Order == NewestFirst)
}

// WebhookPlace is where a webhook is in an order.
type WebhookPlace struct {
	Key string // its [WebhookKey], in the order [ByName]; "" in others
	ID  WebhookID
}

// String returns the place as a text that [ParseWebhookPlace] reads.
func (p WebhookPlace) String() string { return p.ID.String() + p.Key }

// ParseWebhookPlace reads what [WebhookPlace.String] has written. The error has code [Invalid].
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

// maxWebhookKey bounds a key, so that a place fits into an address.
const maxWebhookKey = 200 // bytes

// WebhookKey returns what a webhook is sorted by in the order [ByName]: its name, or the host and
// path of its URL when it has none, in lower case and at most 200 bytes of it.
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

// hostAndPath returns a URL without its scheme and its query, which may be a secret.
func hostAndPath(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
	}
	rest, _, _ = strings.Cut(rest, "?")
	return strings.TrimSuffix(rest, "/")
}

// Chooses returns whether the query chooses a webhook of its tenant, wherever it is in the
// order.
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

// EventTypeQuery chooses event types of a catalogue, by name. A zero field does not narrow the
// choice.
type EventTypeQuery struct {
	Catalogue string
	// Text is in the name, in any case.
	Text string
	// Group is what names begin with, before a dot: task chooses task.created and task.done.late.
	Group string
	// Brief leaves out schemas and examples.
	Brief bool
	After string // behind this name; "" to begin with the first
	Limit int
}

// Span returns the keys between which the query's event types are, without both.
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
