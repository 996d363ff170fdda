package peal

import (
	"net/url"
	"strings"
)

// Hidden stands in settings for a secret that is there and not shown, and keeps it when
// it comes back. It is no value: [Webhook.Validate] and [Source.Validate] refuse it.
const Hidden = "[set]"

// IsHidden reports whether a text only stands for a value that is not shown: [Hidden],
// or what records and a [Secret] have in its place.
func IsHidden(text string) bool { return text == Hidden || text == redacted }

// refuseHidden refuses what stands for a value and keeps none.
func refuseHidden(field, value string) error {
	if !IsHidden(value) {
		return nil
	}
	return Invalidf(field, "is %s, which only stands for a value that is not shown, and there is none to keep; set the value", value)
}

// hidesQuery reports whether a URL's query holds what [RedactURL] writes.
func hidesQuery(text string) bool {
	_, query, _ := strings.Cut(text, "?")
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	return strings.Contains(query, redacted)
}
