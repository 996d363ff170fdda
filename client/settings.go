package client

import (
	"encoding/json"
	"maps"
)

// WebhookSettings is what a caller sets of a webhook: on creation, or to change
// it. A field that is nil is left to the server on creation, and as it is on a
// change. new("text") makes the pointers.
type WebhookSettings struct {
	URL     *string  `json:"url,omitempty"`
	Events  []string `json:"events,omitempty"`
	Format  *string  `json:"format,omitempty"`
	Secret  *string  `json:"secret,omitempty"` // only on creation; RotateSecret changes it
	Headers *Headers `json:"headers,omitempty"`
	// Authorization is the Authorization header's value, sent as it is.
	Authorization *string `json:"authorization,omitempty"`
	// ExtraPayload is an object that goes into the body, where the format has a place for it.
	ExtraPayload json.RawMessage `json:"extra_payload,omitempty"`
	UUID         *string         `json:"uuid,omitempty"`
	RetryPolicy  *RetryPolicy    `json:"retry_policy,omitempty"`
	TimeoutMS    *int            `json:"timeout_ms,omitempty"` // 1,000 to 60,000
	RateLimit    *RateLimit      `json:"rate_limit,omitempty"`
	Filter       *string         `json:"filter,omitempty"`
	Transform    *string         `json:"transform,omitempty"`
	Description  *string         `json:"description,omitempty"`
	Status       *string         `json:"status,omitempty"` // active, paused or disabled
	// Clear names settings, as they stand in the JSON, to take away: they are sent
	// as null. Such are authorization, extra_payload, retry_policy and rate_limit.
	Clear []string `json:"-"`
}

// Headers are header names and their values.
type Headers map[string]string

// MarshalJSON writes the settings that are given, and null for those to clear.
func (s WebhookSettings) MarshalJSON() ([]byte, error) {
	type plain WebhookSettings
	body, err := encode(plain(s))
	if err != nil || len(s.Clear) == 0 {
		return body, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	cleared := map[string]json.RawMessage{}
	for _, name := range s.Clear {
		cleared[name] = json.RawMessage("null")
	}
	maps.Copy(fields, cleared)
	return encode(fields)
}
