package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// certificateSoon is how long before its end an endpoint's certificate is warned of.
const certificateSoon = 14 * 24 * time.Hour

// certificate learns when the certificate of a webhook's endpoint expires, and tells
// when that is soon, once.
func (k *healthKeeper) certificate(h *hook, l *lane, expires time.Time) {
	if time.Until(expires) > certificateSoon {
		expires = time.Time{}
	}
	s := k.engine.scheduler
	s.mu.Lock()
	changed := !l.health.CertificateExpiresAt.Equal(expires)
	l.health.CertificateExpiresAt = expires
	health := l.health
	s.mu.Unlock()
	if !changed {
		return
	}
	k.mu.Lock()
	k.todo.changed[h.ID] = health
	if !expires.IsZero() {
		k.engine.log.Warn("the certificate of a webhook's endpoint expires soon", "webhook", h.ID, "tenant", h.Tenant, "expires_at", expires)
		if len(k.todo.raise) < maxRaised && k.engine.hears(EventCertificateExpiring, h.Tenant) {
			about := operationOf(h.Webhook)
			about.CertificateExpiresAt = &expires
			k.todo.raise = append(k.todo.raise, raised{EventCertificateExpiring, about})
		}
	}
	k.mu.Unlock()
	k.signal()
}

// Warnings are sentences about what will keep a webhook's requests from arriving,
// unless somebody does something: addresses that are refused, names that do not
// resolve, certificates that expire. It looks names up, which takes two seconds at most.
func (e *Engine) Warnings(ctx context.Context, w *peal.Webhook) []string {
	var warnings []string
	if why := e.client.Warn(ctx, w.URL); why != "" {
		warnings = append(warnings, "The URL cannot be reached now: "+why+".")
	}
	if w.OAuth2 != nil {
		if why := e.client.Warn(ctx, w.OAuth2.TokenURL); why != "" {
			warnings = append(warnings, "The token URL cannot be reached now: "+why+".")
		}
	}
	return append(warnings, w.Warnings(time.Now())...)
}
