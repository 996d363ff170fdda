package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Webhook is a tenant's subscription: which events go where, and how.
type Webhook struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Name   string `json:"name"` // what people call it; "" for none
	URL    string `json:"url"`
	// Events are patterns: an event type, a prefix such as task.*, or *.
	Events  []string          `json:"events"`
	Format  string            `json:"format"`
	Headers map[string]string `json:"headers"`
	// Authorization is "[set]" when there is one, which is never shown.
	Authorization string `json:"authorization"`
	// ClientCertificate is what the endpoint knows the sender by in TLS; nil for none.
	ClientCertificate *ClientCertificate `json:"client_certificate"`
	// Pins are public keys, as sha256/BASE64, of which one must stand in the endpoint's chain.
	Pins []string `json:"pins"`
	// OAuth2 gets tokens for the Authorization header; nil for none.
	OAuth2       *OAuth2         `json:"oauth2"`
	ExtraPayload json.RawMessage `json:"extra_payload"`
	UUID         string          `json:"uuid"`
	// RetryPolicy is the one in force, its own or inherited.
	RetryPolicy RetryPolicy `json:"retry_policy"`
	TimeoutMS   int         `json:"timeout_ms"`
	RateLimit   *RateLimit  `json:"rate_limit"`
	// Handshake is true when the URL was asked for its consent, as CloudEvents web hooks do.
	Handshake   bool   `json:"handshake"`
	Filter      string `json:"filter"`
	Transform   string `json:"transform"`
	Description string `json:"description"`
	// Status is active, paused or disabled; StatusReason says why.
	Status       string `json:"status"`
	StatusReason string `json:"status_reason"`
	// Managed is true when the server's configuration file owns the webhook.
	Managed bool   `json:"managed"`
	Health  Health `json:"health"`
	// Warnings are sentences about what will keep requests from arriving, unless somebody
	// does something.
	Warnings  []string  `json:"warnings"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Secret signs the requests; only [Client.CreateWebhook] gives it.
	Secret string `json:"secret"`
}

// RetryPolicy says when a failed delivery is tried again.
type RetryPolicy struct {
	// DelaysSeconds are the waits after the first attempt, the second and so on.
	DelaysSeconds []float64 `json:"delays_seconds"`
	// Jitter spreads each delay over ±Jitter of it, 0 to 0.5.
	Jitter float64 `json:"jitter"`
	// DisableAfterExhausted disables the webhook after so many failed deliveries in a row; 0 for never.
	DisableAfterExhausted int `json:"disable_after_exhausted"`
	// DisableAfterSeconds disables it after so long without a success; 0 for never.
	DisableAfterSeconds float64 `json:"disable_after_seconds"`
}

// RateLimit bounds how fast requests to a webhook start.
type RateLimit struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
}

// Health is how a webhook's deliveries have lately ended.
type Health struct {
	ExhaustedInRow int       `json:"exhausted_in_row"`
	FailingSince   time.Time `json:"failing_since"` // zero when the last attempt succeeded
	// CertificateExpiresAt is when the endpoint's certificate expires, where that is
	// within 14 days; zero otherwise.
	CertificateExpiresAt time.Time `json:"certificate_expires_at"`
}

// ClientCertificate is a certificate in PEM with the chain to its authority.
type ClientCertificate struct {
	Certificate string    `json:"certificate"`
	Key         string    `json:"key"`                 // its private key in PEM; "[set]" in answers, and to keep the one there is
	ExpiresAt   time.Time `json:"expires_at,omitzero"` // only in answers
}

// MarshalJSON leaves out what only answers have.
func (c ClientCertificate) MarshalJSON() ([]byte, error) {
	return encode(map[string]string{"certificate": c.Certificate, "key": c.Key})
}

// OAuth2 is a client of a token server (client credentials).
type OAuth2 struct {
	TokenURL     string   `json:"token_url"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"` // "[set]" in answers, and to keep the one there is
	Scopes       []string `json:"scopes,omitempty"`
}

// Webhooks gets a page of the tenant's webhooks, newest first.
func (c *Client) Webhooks(ctx context.Context, query PageQuery) (Page[Webhook], error) {
	return list[Webhook](ctx, c, "/v1/webhooks", query.values())
}

// AllWebhooks walks over all of the tenant's webhooks.
func (c *Client) AllWebhooks(ctx context.Context, query PageQuery) iter.Seq2[Webhook, error] {
	return all[Webhook](ctx, c, "/v1/webhooks", query.values())
}

// Webhook gets one webhook.
func (c *Client) Webhook(ctx context.Context, id string) (Webhook, error) {
	return get[Webhook](ctx, c, webhookPath(id, ""), nil)
}

// CreateWebhook adds a webhook. The answer holds its secret, this once.
func (c *Client) CreateWebhook(ctx context.Context, webhook WebhookSettings) (Webhook, error) {
	return post[Webhook](ctx, c, "/v1/webhooks", webhook)
}

// UpdateWebhook changes the settings that are given and leaves the others.
func (c *Client) UpdateWebhook(ctx context.Context, id string, changes WebhookSettings) (Webhook, error) {
	var webhook Webhook
	err := c.do(ctx, call{method: http.MethodPatch, path: webhookPath(id, ""), body: changes, repeat: true}, &webhook)
	return webhook, err
}

// DeleteWebhook deletes a webhook and cancels its pending deliveries.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.remove(ctx, webhookPath(id, ""))
}

// WebhookSecret shows a webhook's secret; "" when it has none.
func (c *Client) WebhookSecret(ctx context.Context, id string) (string, error) {
	answer, err := get[struct {
		Secret string `json:"secret"`
	}](ctx, c, webhookPath(id, "/secret"), nil)
	return answer.Secret, err
}

// Rotation is a webhook's new secret.
type Rotation struct {
	Secret string `json:"secret"`
	// PreviousExpiresAt is until when the old secret signs too; zero when it has
	// stopped, or there was none.
	PreviousExpiresAt time.Time `json:"previous_expires_at"`
}

// RotateSecret gives a webhook a new secret, which the server makes where it is "".
// For the overlap, in whole seconds, requests are signed with the old one too.
func (c *Client) RotateSecret(ctx context.Context, id, secret string, overlap time.Duration) (Rotation, error) {
	return post[Rotation](ctx, c, webhookPath(id, "/secret/rotate"), struct {
		Secret  string `json:"secret,omitempty"`
		Overlap int    `json:"overlap_seconds"`
	}{secret, int(overlap.Seconds())})
}

// TestResult is what came of a test delivery.
type TestResult struct {
	DeliveryID string  `json:"delivery_id"`
	Success    bool    `json:"success"`
	Attempt    Attempt `json:"attempt"`
	// Warnings are as those of the webhook.
	Warnings []string `json:"warnings"`
}

// TestWebhook sends a sample event to a webhook at once, whatever its status. ""
// and nil let the server choose a type that the webhook asks for, and its example.
func (c *Client) TestWebhook(ctx context.Context, id, eventType string, data json.RawMessage) (TestResult, error) {
	return post[TestResult](ctx, c, webhookPath(id, "/test"), struct {
		Type string          `json:"type,omitempty"`
		Data json.RawMessage `json:"data,omitempty"`
	}{eventType, data})
}

// WebhookDeliveries gets a page of a webhook's deliveries; the query's Webhook is
// the one given here.
func (c *Client) WebhookDeliveries(ctx context.Context, id string, query DeliveryQuery) (Page[Delivery], error) {
	query.Webhook = ""
	return list[Delivery](ctx, c, webhookPath(id, "/deliveries"), query.values())
}

func webhookPath(id, rest string) string { return "/v1/webhooks/" + url.PathEscape(id) + rest }
