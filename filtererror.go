package peal

import "strings"

// Limits of what is kept of filters that failed on an event.
const (
	MaxFilterErrors     = 20  // webhooks of one event
	MaxFilterErrorBytes = 500 // bytes of one message
)

// ReasonFilter is the reason of problems with a webhook's filter, which fails on events:
// no attempt has it.
const ReasonFilter Reason = "filter"

// FilterError is a webhook whose filter failed on an event, which counts as no match.
type FilterError struct {
	WebhookID WebhookID
	// Message says what failed, at most MaxFilterErrorBytes of UTF-8 in one line.
	Message string
}

// NewFilterError keeps an error's message, cut to what a [FilterError] may hold.
func NewFilterError(id WebhookID, err error) FilterError {
	message := err.Error()
	if e, ok := err.(*Error); ok {
		message = e.Message // the field is always the filter
	}
	return FilterError{WebhookID: id, Message: clipLine(message, MaxFilterErrorBytes)}
}

// clipLine makes one line of UTF-8 of a text that may hold pieces of an event, and
// cuts it to limit bytes.
func clipLine(text string, limit int) string {
	const cut = "…"
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(cut)], "") + cut
}
