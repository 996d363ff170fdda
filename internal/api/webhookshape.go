package api

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// WebhookShape is a webhook as callers see it. It has a capital because the document leaves out what
// is embedded under a small one.
type WebhookShape struct {
	ID                peal.WebhookID                   `json:"id" example:"webhook_01h455vb4pex5vsknk084sn02q"`
	Tenant            string                           `json:"tenant"`
	Name              string                           `json:"name" doc:"What people call it; empty when it has no name."`
	URL               string                           `json:"url" format:"uri" doc:"Without the scope manage, the values of its query are [redacted]."`
	Events            []string                         `json:"events" nullable:"false" doc:"Which events it wants: types, prefixes (task.*) or all (*)."`
	Format            string                           `json:"format"`
	Headers           map[string]string                `json:"headers" doc:"Headers that are added. A key without the scope manage sees [redacted] as values."`
	Authorization     *string                          `json:"authorization" doc:"[set] when there is an Authorization value, which is never shown; null otherwise."`
	ClientCertificate optional[clientCertificateShape] `json:"client_certificate"`
	Pins              []string                         `json:"pins" nullable:"false" doc:"Public keys of which one must stand in the endpoint's chain of certificates."`
	OAuth2            optional[oauth2Shape]            `json:"oauth2"`
	ExtraPayload      optional[object]                 `json:"extra_payload"`
	UUID              *string                          `json:"uuid"`
	RetryPolicy       retryPolicyShape                 `json:"retry_policy" doc:"The policy in force, whether its own or inherited."`
	TimeoutMS         int64                            `json:"timeout_ms"`
	RateLimit         optional[rateLimitShape]         `json:"rate_limit"`
	Handshake         bool                             `json:"handshake" doc:"Whether the URL was asked for its consent, as CloudEvents web hooks do."`
	Filter            *string                          `json:"filter"`
	Transform         *string                          `json:"transform"`
	Description       string                           `json:"description"`
	Status            string                           `json:"status" enum:"active,paused,disabled"`
	StatusReason      *string                          `json:"status_reason" doc:"Why it is paused or disabled; null when a person's choice needs no reason."`
	Managed           bool                             `json:"managed" doc:"Whether the server's configuration file owns it; then it cannot be changed here."`
	Health            healthShape                      `json:"health"`
	Warnings          []string                         `json:"warnings" nullable:"false" doc:"Sentences about what will keep requests from arriving unless somebody does something: certificates that expire, and where the webhook was just created, changed or tested, addresses that are refused and names that do not resolve."`
	CreatedAt         string                           `json:"created_at" format:"date-time"`
	UpdatedAt         string                           `json:"updated_at" format:"date-time"`
}

type createdWebhookShape struct {
	WebhookShape
	Secret *string `json:"secret" doc:"Signs the requests. Shown this once; null when there is none."`
}

type rateLimitShape struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
}

// healthShape is how a webhook's deliveries have lately ended.
type healthShape struct {
	ExhaustedInRow       int     `json:"exhausted_in_row" minimum:"0" doc:"How many deliveries failed for good since the last success."`
	CertificateExpiresAt *string `json:"certificate_expires_at" format:"date-time" doc:"When the endpoint's certificate expires, where that is within 14 days; null otherwise."`
	FailingSince         *string `json:"failing_since" format:"date-time" doc:"When the first attempt after the last success failed; null when the last one succeeded."`
}

const redacted = "[redacted]"

func (c *call) webhookOf(w *peal.Webhook) WebhookShape {
	shape := WebhookShape{
		ID: w.ID, Tenant: w.Tenant, Name: w.Name, URL: w.URL, Events: w.Events, Format: w.Format,
		Headers: make(map[string]string, len(w.Headers)), UUID: textOrNil(w.UUID),
		RetryPolicy: retryPolicyOf(c.api.Engine.Policy(w)), TimeoutMS: w.Timeout.Milliseconds(), Handshake: w.Handshake,
		Filter: textOrNil(w.Filter), Transform: textOrNil(w.Transform), Description: w.Description,
		Status: string(w.Status), StatusReason: textOrNil(w.StatusReason), Managed: w.Managed,
		Health:    healthShape{ExhaustedInRow: w.Health.ExhaustedInRow, FailingSince: timeOrNil(w.Health.FailingSince), CertificateExpiresAt: timeOrNil(w.Health.CertificateExpiresAt)},
		CreatedAt: timeText(w.CreatedAt()), UpdatedAt: timeText(w.UpdatedAt),
	}
	maySee := c.caller.Can(identity.Reveal)
	shape.showEndpoint(w, maySee)
	shape.Warnings = append([]string{}, w.Warnings(now())...)
	if !maySee {
		shape.URL = peal.RedactURL(w.URL)
	}
	for name, value := range w.Headers {
		if !maySee {
			value = redacted
		}
		shape.Headers[name] = value
	}
	if w.Authorization != "" {
		shape.Authorization = ptr(authorizationSet)
	}
	if w.ExtraPayload != nil {
		shape.ExtraPayload = some(object(w.ExtraPayload))
	}
	if w.RateLimit != nil {
		shape.RateLimit = some(rateLimitShape{w.RateLimit.PerSecond, w.RateLimit.Burst})
	}
	return shape
}

// currentSecret gives the secret that signs, or nil.
func currentSecret(w *peal.Webhook, now time.Time) *string {
	if active := w.ActiveSecrets(now); len(active) > 0 {
		return &active[0]
	}
	return nil
}
