package dispatch

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/wire"
)

// CreateWebhook completes a webhook, checks it, asks its endpoint for consent where it
// has Handshake, stores it and lets it govern at once. What is zero takes its default:
// ID a new one, Tenant [peal.DefaultTenant], Format the tenant's, Timeout
// [peal.DefaultTimeout], Status active, and Secrets a new one where the format always
// signs. It returns the webhook as stored.
//
// The error has code [peal.Invalid] and names the field, or [peal.Conflict] when the ID
// is taken.
func (e *Engine) CreateWebhook(ctx context.Context, w peal.Webhook) (peal.Webhook, error) {
	if err := e.PrepareWebhook(ctx, nil, &w); err != nil {
		return peal.Webhook{}, err
	}
	saved, err := e.store.CreateWebhook(ctx, w)
	if err != nil {
		return peal.Webhook{}, err
	}
	e.Govern(ctx)
	return saved, nil
}

// UpdateWebhook replaces a webhook's settings, which are completed, checked and consented
// to as in [Engine.CreateWebhook]. The error has code [peal.Invalid] and names the field,
// [peal.NotFound], or [peal.Conflict] when Revision is not the stored one; see
// [Engine.ChangeWebhook].
func (e *Engine) UpdateWebhook(ctx context.Context, w peal.Webhook) (peal.Webhook, error) {
	before, err := e.store.Webhook(ctx, w.Tenant, w.ID)
	if err != nil {
		return peal.Webhook{}, err
	}
	if err := e.PrepareWebhook(ctx, &before, &w); err != nil {
		return peal.Webhook{}, err
	}
	return e.replaceWebhook(ctx, &before, w)
}

// ChangeWebhook reads a webhook, lets change work on it and saves it as
// [Engine.UpdateWebhook] does. Whenever somebody else has changed the webhook in
// between, it starts again with the newest settings, until ctx ends; so change may be
// called several times. An error of change ends it.
func (e *Engine) ChangeWebhook(ctx context.Context, tenant string, id peal.WebhookID, change func(*peal.Webhook) error) (peal.Webhook, error) {
	var asked *peal.Webhook // what the endpoint has consented to in this call
	for {
		before, err := e.store.Webhook(ctx, tenant, id)
		if err != nil {
			return peal.Webhook{}, err
		}
		w := clone(&before)
		if err := change(&w); err != nil {
			if peal.FaultsOf(err) != nil { // told together with what else is wrong
				err = peal.Faults(err, e.CompleteWebhook(ctx, &before, &w))
			}
			return peal.Webhook{}, err
		}
		if err := e.CompleteWebhook(ctx, &before, &w); err != nil {
			return peal.Webhook{}, err
		}
		if needsConsent(&before, &w) {
			if asked == nil || needsConsent(asked, &w) {
				wish := w
				if err := e.AskConsent(ctx, &w); err != nil {
					return peal.Webhook{}, err
				}
				wish.RateLimit = w.RateLimit
				asked = &wish
			}
		}
		saved, err := e.replaceWebhook(ctx, &before, w)
		if peal.CodeOf(err) != peal.Conflict {
			return saved, err
		}
		if err := ctx.Err(); err != nil {
			return peal.Webhook{}, err
		}
	}
}

// DeleteWebhook deletes a webhook at once and cancels its pending deliveries; its
// history stays. The error has code [peal.NotFound].
func (e *Engine) DeleteWebhook(ctx context.Context, tenant string, id peal.WebhookID) error {
	if err := e.store.DeleteWebhook(ctx, tenant, id); err != nil {
		return err
	}
	e.Govern(ctx)
	return nil
}

// PrepareWebhook does to a webhook all that comes before it is stored: it completes and
// checks it, and asks for the endpoint's consent where that is needed. before is the
// stored webhook; nil for a new one.
func (e *Engine) PrepareWebhook(ctx context.Context, before, w *peal.Webhook) error {
	if err := e.CompleteWebhook(ctx, before, w); err != nil {
		return err
	}
	if before != nil && !needsConsent(before, w) {
		return nil
	}
	return e.AskConsent(ctx, w)
}

// CompleteWebhook puts defaults where a webhook has nothing, and checks it: what
// [Engine.PrepareWebhook] does without asking anybody.
func (e *Engine) CompleteWebhook(ctx context.Context, before, w *peal.Webhook) error {
	if err := e.fill(ctx, before, w); err != nil {
		return err
	}
	fault := canonicalize(w)
	return peal.Faults(e.checkWebhook(before, w), fault)
}

// canonicalize writes the URLs of a webhook as they are sent. What is wrong with one
// otherwise shows when the webhook is checked.
func canonicalize(w *peal.Webhook) error {
	if peal.ValidateURL(w.URL) == nil {
		url, err := canonical.URL(w.URL)
		if err != nil {
			return err
		}
		w.URL = url
	}
	if o := w.OAuth2; o != nil && peal.ValidateURL(o.TokenURL) == nil {
		url, err := canonical.URL(o.TokenURL)
		if err != nil {
			return peal.Invalidf("oauth2.token_url", "%s", err.(*peal.Error).Message)
		}
		client := *o
		client.TokenURL = url
		w.OAuth2 = &client
	}
	return nil
}

// fill puts defaults where a webhook has nothing.
func (e *Engine) fill(ctx context.Context, before, w *peal.Webhook) error {
	if before != nil {
		w.ID, w.Tenant = before.ID, before.Tenant
	}
	if w.ID.IsZero() {
		w.ID = peal.NewWebhookID()
	}
	if w.Tenant == "" {
		w.Tenant = peal.DefaultTenant
	}
	if w.Format == "" {
		var err error
		if w.Format, err = e.DefaultFormat(ctx, w.Tenant); err != nil {
			return err
		}
	}
	w.Name = strings.TrimSpace(w.Name)
	if w.Timeout == 0 {
		w.Timeout = peal.DefaultTimeout
	}
	if w.Status == "" {
		w.Status = peal.Active
	}
	if before == nil && w.Author == peal.AuthorUnknown {
		w.Author = peal.AuthorOperator // whoever has the engine
	}
	if w.UpdatedAt = w.CreatedAt(); before != nil {
		w.UpdatedAt = peal.ChangedAt(w.CreatedAt())
	}
	if format, known := e.Format(w.Format); known {
		if format.Secrets == wire.SecretNone && before != nil && before.Format != w.Format && slices.Equal(before.Secrets, w.Secrets) {
			w.Secrets = nil // those of the format before
		}
		if secret := format.NewSecret(); secret != "" && len(w.Secrets) == 0 {
			w.Secrets = []peal.Secret{{Value: secret}}
		}
	}
	for i := range w.Secrets {
		if w.Secrets[i].CreatedAt.IsZero() && w.Secrets[i].ExpiresAt.IsZero() {
			w.Secrets[i].CreatedAt = w.UpdatedAt
		}
	}
	return nil
}

// DefaultFormat is the format of a tenant's new webhooks, whether or not there is the
// tenant already.
func (e *Engine) DefaultFormat(ctx context.Context, tenant string) (string, error) {
	found, err := e.store.Tenant(ctx, tenant)
	switch {
	case peal.CodeOf(err) == peal.NotFound: // the webhook will create it
		return peal.DefaultFormat, nil
	case err != nil:
		return "", err
	case found.Format != "":
		return found.Format, nil
	}
	return peal.DefaultFormat, nil
}

// replaceWebhook stores the settings of a webhook and lets them govern.
func (e *Engine) replaceWebhook(ctx context.Context, before *peal.Webhook, w peal.Webhook) (peal.Webhook, error) {
	saved, err := e.store.UpdateWebhook(ctx, w)
	if err != nil {
		return peal.Webhook{}, err
	}
	if err := e.startOver(ctx, before, &saved); err != nil {
		e.log.Warn("cannot write a webhook's health", "webhook", saved.ID, "error", err)
	}
	e.Govern(ctx)
	return saved, nil
}

// OverwriteWebhook stores settings that [Engine.PrepareWebhook] has prepared, whatever
// others have changed since. They govern after [Engine.Refresh]. The error has code
// [peal.NotFound].
func (e *Engine) OverwriteWebhook(ctx context.Context, w peal.Webhook) error {
	for {
		before, err := e.store.Webhook(ctx, w.Tenant, w.ID)
		if err != nil {
			return err
		}
		w.Revision = before.Revision
		saved, err := e.store.UpdateWebhook(ctx, w)
		if err == nil {
			return e.startOver(ctx, &before, &saved)
		}
		if peal.CodeOf(err) != peal.Conflict {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// startOver clears the record of a webhook that has just been saved where its failures
// are not its own any more: it is no longer disabled, or it has another target.
func (e *Engine) startOver(ctx context.Context, before, saved *peal.Webhook) error {
	health, changed := healthAfter(before, saved)
	if !changed {
		return nil
	}
	saved.Health = health
	return e.store.SetHealth(ctx, saved.ID, health)
}

// Govern puts a change that is already stored in force, as [Engine.Refresh] does. Where
// that fails it logs why, and the next insert or refresh puts the change in force.
func (e *Engine) Govern(ctx context.Context) {
	if err := e.Refresh(ctx); err != nil && ctx.Err() == nil {
		e.log.Warn("a change does not govern yet: the engine could not reload its routes", "error", err)
	}
}

// needsConsent reports whether a change is to something that an endpoint consents to.
func needsConsent(before, after *peal.Webhook) bool {
	return !canonical.Same(before.URL, after.URL) || before.Format != after.Format || before.Handshake != after.Handshake ||
		!reflect.DeepEqual(before.RateLimit, after.RateLimit)
}

// clone copies what a change may write into.
func clone(w *peal.Webhook) peal.Webhook {
	copied := *w
	copied.Events = append([]string(nil), w.Events...)
	copied.Secrets = append([]peal.Secret(nil), w.Secrets...)
	copied.Pins = append([]string(nil), w.Pins...)
	if w.Headers != nil {
		copied.Headers = make(map[string]string, len(w.Headers))
		for name, value := range w.Headers {
			copied.Headers[name] = value
		}
	}
	if c := w.ClientCertificate; c != nil {
		certificate := *c
		copied.ClientCertificate = &certificate
	}
	if o := w.OAuth2; o != nil {
		client := *o
		copied.OAuth2 = &client
	}
	if p := w.RetryPolicy; p != nil {
		policy := *p
		policy.Delays = append([]time.Duration(nil), p.Delays...)
		copied.RetryPolicy = &policy
	}
	if l := w.RateLimit; l != nil {
		limit := *l
		copied.RateLimit = &limit
	}
	return copied
}
