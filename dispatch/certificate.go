package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// certificateSoon is how long before its end an endpoint's certificate is warned of.
const certificateSoon = 14 * 24 * time.Hour

// certificate learns when the certificate of a webhook's endpoint expires, and tells
// when that is soon, once.
func (k *healthKeeper) certificate(h *hook, l *lane, expires time.Time) {
	if k.engine.hasMoved(h) {
		return
	}
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

// ReloadEgress puts the rules of other options in force for all attempts that begin now: what may
// be reached, and through which proxy. The other options stay as [Open] was given them. The error
// has code [peal.Invalid], and nothing changes.
func (e *Engine) ReloadEgress(options EgressOptions) error { return e.client.Reload(options) }

// Warning is a sentence about what will keep a webhook's requests from arriving, unless somebody
// does something.
type Warning struct {
	// Public is the text for everybody who may see the webhook.
	Public string
	// Operator is for operators: it may name an address inside that a name leads to.
	Operator string
}

// For returns the sentence for an operator or for others.
func (w Warning) For(operator bool) string {
	if operator {
		return w.Operator
	}
	return w.Public
}

// WarningsFor returns the sentences for an operator or for others.
func WarningsFor(operator bool, warnings []Warning) []string {
	var sentences []string
	for _, w := range warnings {
		sentences = append(sentences, w.For(operator))
	}
	return sentences
}

// Warnings returns what will keep a webhook's requests from arriving: addresses that are refused,
// names that do not resolve, certificates that expire. It looks names up, which takes two seconds
// at most, unless the tenant has too many such look-ups under way.
func (e *Engine) Warnings(ctx context.Context, w *peal.Webhook) []Warning {
	var warnings []Warning
	leave, err := e.Share(ctx, share.Lookup, w.Tenant)
	if err == nil {
		defer leave()
	}
	warn := func(subject, url string) {
		if err != nil {
			return // there is no more to say than what is known without a look
		}
		if why := e.client.Warn(ctx, url); why.Public != "" {
			warnings = append(warnings, Warning{subject + why.Public + ".", subject + why.Operator + "."})
		}
	}
	warn("The URL cannot be reached now: ", w.URL)
	if w.OAuth2 != nil {
		warn("The token URL cannot be reached now: ", w.OAuth2.TokenURL)
	}
	for _, sentence := range w.Warnings(time.Now()) {
		warnings = append(warnings, Warning{sentence, sentence})
	}
	return warnings
}
