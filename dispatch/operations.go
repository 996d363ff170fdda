package dispatch

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
)

// The types of Peal's own events, in the tenant [peal.OperationsTenant]. An
// operator's webhooks there get them like any other event; the subject is the id
// of the webhook that they are about.
const (
	EventWebhookFailing      = "peal.webhook.failing"      // an early warning: half of what disables it has passed
	EventWebhookDisabled     = "peal.webhook.disabled"     // it gets no more events until somebody sets it active
	EventWebhookRecovered    = "peal.webhook.recovered"    // it succeeds again after a warning
	EventCertificateExpiring = "peal.certificate.expiring" // that of a webhook's endpoint, within 14 days
	EventDeliveryExhausted   = "peal.delivery.exhausted"   // a delivery has failed for good
)

// warnAfter is when a webhook whose policy never disables it is said to be failing.
const warnAfter = 24 * time.Hour

// operation is the data of Peal's own events. What an event does not have is left out.
type operation struct {
	Webhook              operationWebhook   `json:"webhook"`
	Reason               string             `json:"reason,omitempty"`
	FailingSince         *time.Time         `json:"failing_since,omitempty"`
	ExhaustedInRow       int                `json:"exhausted_in_row,omitempty"`
	Delivery             *operationDelivery `json:"delivery,omitempty"`
	LastAttempt          *operationAttempt  `json:"last_attempt,omitempty"`
	CertificateExpiresAt *time.Time         `json:"certificate_expires_at,omitempty"`
}

type operationWebhook struct {
	ID          peal.WebhookID `json:"id"`
	Tenant      string         `json:"tenant"`
	Name        string         `json:"name,omitempty"`
	URL         string         `json:"url"`
	Description string         `json:"description,omitempty"`
}

type operationDelivery struct {
	ID        peal.DeliveryID `json:"id"`
	EventID   string          `json:"event_id"`
	EventType string          `json:"event_type"`
	Attempts  int             `json:"attempts"`
}

type operationAttempt struct {
	StatusCode int         `json:"status_code,omitempty"`
	Reason     peal.Reason `json:"reason"`
	Error      string      `json:"error"`
}

// raised is one of Peal's own events before it is published.
type raised struct {
	eventType string
	data      operation
}

func operationOf(w *peal.Webhook) operation {
	return operation{Webhook: operationWebhook{ID: w.ID, Tenant: w.Tenant, Name: w.Name, URL: peal.RedactURL(w.URL), Description: w.Description}}
}

func (o operation) withHealth(h peal.Health) operation {
	if !h.FailingSince.IsZero() {
		o.FailingSince = &h.FailingSince
	}
	o.ExhaustedInRow = h.ExhaustedInRow
	return o
}

func (o operation) withAttempt(a *peal.Attempt) operation {
	if !a.Succeeded() {
		o.LastAttempt = &operationAttempt{StatusCode: a.StatusCode, Reason: a.Reason, Error: a.Error}
	}
	return o
}

// hears reports whether any webhook wants one of Peal's own events. Those about
// the webhooks that get these events are not raised: they would feed on themselves.
func (e *Engine) hears(eventType, about string) bool {
	routes := e.routes.Load()
	return about != peal.OperationsTenant && routes != nil && len(routes.table.Match(peal.OperationsTenant, eventType)) > 0
}

// raise publishes one of Peal's own events. When that fails it is logged: the
// state that the event tells of can be read at any time.
func (e *Engine) raise(ctx context.Context, r raised) {
	data, err := json.Marshal(r.data)
	if err == nil {
		_, err = e.publish(ctx, peal.OperationsTenant, []peal.Event{{Type: r.eventType, Subject: r.data.Webhook.ID.String(), Data: data}})
	}
	if err != nil {
		e.log.Warn("cannot publish an operational event", "type", r.eventType, "webhook", r.data.Webhook.ID, "error", err)
	}
}

// failing reports whether a webhook's health deserves the early warning.
func failing(policy peal.RetryPolicy, health peal.Health, at time.Time) bool {
	if n := policy.DisableAfterExhausted; n > 1 && health.ExhaustedInRow >= (n+1)/2 {
		return true
	}
	limit := policy.DisableAfterFailing / 2
	if limit == 0 {
		limit = warnAfter
	}
	return !health.FailingSince.IsZero() && at.Sub(health.FailingSince) >= limit
}
