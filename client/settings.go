package client

import "encoding/json"

// WebhookSettings is what a caller sets of a webhook: on creation, or to change
// it. A field that is nil is left to the server on creation, and stays as it is on
// a change. new("text") makes the pointers.
type WebhookSettings struct {
	Name   *string  `json:"name,omitzero"` // what people call it, at most 100 characters
	URL    *string  `json:"url,omitzero"`
	Events []string `json:"events,omitzero"`
	Format *string  `json:"format,omitzero"`
	// Secret signs the requests. On a change it ends the earlier ones at once;
	// [Client.RotateSecret] lets them overlap.
	Secret  *string           `json:"secret,omitzero"`
	Headers map[string]string `json:"headers,omitzero"`
	// Authorization is the Authorization header's value, sent as it is.
	Authorization *string `json:"authorization,omitzero"`
	// ClientCertificate is what the endpoint knows the sender by in TLS.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitzero"`
	// Pins are public keys, as sha256/BASE64, of which one must stand in the endpoint's chain.
	Pins []string `json:"pins,omitzero"`
	// OAuth2 gets tokens for the Authorization header.
	OAuth2 *OAuth2 `json:"oauth2,omitzero"`
	// ExtraPayload is an object that goes into the body, where the format has a place for it.
	ExtraPayload json.RawMessage `json:"extra_payload,omitzero"`
	UUID         *string         `json:"uuid,omitzero"`
	RetryPolicy  *RetrySettings  `json:"retry_policy,omitzero"`
	TimeoutMS    *int            `json:"timeout_ms,omitzero"` // 1,000 to 60,000
	RateLimit    *RateLimit      `json:"rate_limit,omitzero"`
	// Handshake asks the URL for its consent first, for the formats of CloudEvents.
	Handshake   *bool   `json:"handshake,omitzero"`
	Filter      *string `json:"filter,omitzero"`
	Transform   *string `json:"transform,omitzero"`
	Description *string `json:"description,omitzero"`
	Status      *string `json:"status,omitzero"` // active, paused or disabled
	// Clear names settings, as they stand in the JSON, that take the default again.
	Clear []string `json:"-"`
}

// RetrySettings is what a caller sets of a retry policy; what is nil stays as it is
// in force.
type RetrySettings struct {
	DelaysSeconds         []float64 `json:"delays_seconds,omitzero"` // empty for no retries
	Jitter                *float64  `json:"jitter,omitzero"`
	DisableAfterExhausted *int      `json:"disable_after_exhausted,omitzero"`
	DisableAfterSeconds   *float64  `json:"disable_after_seconds,omitzero"`
}

// MarshalJSON writes the settings that are given, and null for those to clear.
func (s WebhookSettings) MarshalJSON() ([]byte, error) {
	type plain WebhookSettings
	return withNulls(plain(s), s.Clear)
}

// withNulls writes settings with null for some of them.
func withNulls(settings any, names []string) ([]byte, error) {
	body, err := encode(settings)
	if err != nil || len(names) == 0 {
		return body, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	for _, name := range names {
		fields[name] = json.RawMessage("null")
	}
	return encode(fields)
}
