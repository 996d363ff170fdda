package dispatch

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/share"
	"github.com/pealhq/peal/wire"
)

// CreateWebhook completes a webhook, checks it, asks its endpoint for consent where it
// has Handshake, stores it and puts it in force at once. Zero fields take their defaults:
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

// ChangeWebhook reads a webhook, calls change with it and saves it as
// [Engine.UpdateWebhook] does. When somebody else has changed the webhook in between, it
// starts again with the newest settings, until ctx ends; so change may be called several
// times. It returns an error of change at once.
func (e *Engine) ChangeWebhook(ctx context.Context, tenant string, id peal.WebhookID, change func(*peal.Webhook) error) (peal.Webhook, error) {
	var asked *peal.Webhook // the settings that the endpoint has consented to in this call
	for {
		before, err := e.store.Webhook(ctx, tenant, id)
		if err != nil {
			return peal.Webhook{}, err
		}
		w := clone(&before)
		if err := change(&w); err != nil {
			if peal.FaultsOf(err) != nil { // reported together with other faults
				err = peal.JoinFaults(err, e.CompleteWebhook(ctx, &before, &w))
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

// PrepareWebhook prepares a webhook for being stored: it completes and checks it, and asks
// for the endpoint's consent where that is needed. before is the stored webhook; nil for a
// new one.
func (e *Engine) PrepareWebhook(ctx context.Context, before, w *peal.Webhook) error {
	if err := e.CompleteWebhook(ctx, before, w); err != nil {
		return err
	}
	if before != nil && !needsConsent(before, w) {
		return nil
	}
	return e.AskConsent(ctx, w)
}

// CompleteWebhook sets the defaults of a webhook's zero fields, and checks it. Unlike
// [Engine.PrepareWebhook] it does not ask the endpoint.
func (e *Engine) CompleteWebhook(ctx context.Context, before, w *peal.Webhook) error {
	if err := e.fill(ctx, before, w); err != nil {
		return err
	}
	fault := canonicalize(w)
	return peal.JoinFaults(e.rules.check(before, w), fault)
}

// canonicalize sets the URLs of a webhook as they are sent. Invalid ones are left to the
// check of the webhook.
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
			return err.(*peal.Error).At("oauth2.token_url")
		}
		client := *o
		client.TokenURL = url
		w.OAuth2 = &client
	}
	return nil
}

// fill sets the defaults of a webhook's zero fields.
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
		w.Author = peal.AuthorOperator // the caller of the library
	}
	if w.UpdatedAt = w.CreatedAt(); before != nil {
		w.UpdatedAt = peal.ChangedAt(w.CreatedAt())
	}
	if format, known := e.Format(w.Format); known {
		if format.Secrets == wire.SecretNone && before != nil && before.Format != w.Format && slices.Equal(before.Secrets, w.Secrets) {
			w.Secrets = nil // they are those of the earlier format
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

// DefaultFormat returns the format of a tenant's new webhooks. The tenant need not exist.
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

// replaceWebhook stores the settings of a webhook and puts them in force.
func (e *Engine) replaceWebhook(ctx context.Context, before *peal.Webhook, w peal.Webhook) (peal.Webhook, error) {
	saved, err := e.store.UpdateWebhook(ctx, w)
	if err != nil {
		return peal.Webhook{}, err
	}
	if err := e.resetHealth(ctx, before, &saved); err != nil {
		e.log.Warn("cannot write a webhook's health", "webhook", saved.ID, "error", err)
	}
	e.Govern(ctx)
	return saved, nil
}

// OverwriteWebhook stores settings that [Engine.PrepareWebhook] has prepared, and
// overwrites what others have changed since. They are in force after [Engine.Refresh]. The
// error has code [peal.NotFound].
func (e *Engine) OverwriteWebhook(ctx context.Context, w peal.Webhook) error {
	for {
		before, err := e.store.Webhook(ctx, w.Tenant, w.ID)
		if err != nil {
			return err
		}
		w.Revision = before.Revision
		saved, err := e.store.UpdateWebhook(ctx, w)
		if err == nil {
			return e.resetHealth(ctx, &before, &saved)
		}
		if peal.CodeOf(err) != peal.Conflict {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// resetHealth clears the failures of a webhook that has just been saved when they no longer
// count: it is no longer disabled, or it has another URL.
func (e *Engine) resetHealth(ctx context.Context, before, saved *peal.Webhook) error {
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
		e.log.Warn("a change is not in force yet: the engine could not reload its routes", "error", err)
	}
}

// needsConsent reports whether a change affects settings that an endpoint consents to.
func needsConsent(before, after *peal.Webhook) bool {
	return !canonical.Same(before.URL, after.URL) || before.Format != after.Format || before.Handshake != after.Handshake ||
		!reflect.DeepEqual(before.RateLimit, after.RateLimit)
}

// clone returns a copy that shares no memory with the webhook.
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

// Lane is the state of a webhook's lane.
type Lane = lanes.Status

// BreakerState is the state of a lane's breaker.
type BreakerState = lanes.BreakerState

// The states of a breaker.
const (
	Closed   = lanes.Closed   // requests are sent
	Open     = lanes.Open     // the endpoint is down: nothing is sent until the next probe
	HalfOpen = lanes.HalfOpen // one request is in flight to see whether it is up again
)

// Lane returns the state of a webhook's lane on this node: an empty one when nothing was sent to the
// webhook since the start.
func (e *Engine) Lane(id peal.WebhookID) Lane { return e.scheduler.status(id) }

// Hold is the obstacle that keeps a pending delivery from being sent when it is due. The zero Hold
// is none.
type Hold struct {
	Reason HoldReason
	// Until is when it ends, or the endpoint is tried next; zero when that is not known.
	Until time.Time
}

// HoldReason is the kind of an obstacle.
type HoldReason string

// The reasons of a [Hold].
const (
	HeldPaused   HoldReason = "paused"        // its webhook is
	HeldDisabled HoldReason = "disabled"      // its webhook is
	HeldDown     HoldReason = "endpoint_down" // the breaker is open: single probes go out
	HeldAsked    HoldReason = "retry_after"   // the endpoint asked to be left alone
)

// Hold returns the obstacle to a delivery of a webhook, according to this node.
func (e *Engine) Hold(d *peal.Delivery, w *peal.Webhook) Hold {
	switch {
	case d.Status != peal.Pending:
		return Hold{}
	case w.Status == peal.Paused:
		return Hold{Reason: HeldPaused}
	case w.Status == peal.Disabled:
		return Hold{Reason: HeldDisabled}
	}
	lane, now := e.Lane(w.ID), time.Now()
	held := Hold{}
	switch {
	case !lane.RestsUntil.IsZero():
		held = Hold{HeldAsked, lane.RestsUntil}
	case lane.Breaker == Open:
		held = Hold{HeldDown, lane.NextProbe}
	case lane.Breaker == HalfOpen:
		held = Hold{HeldDown, now}
	}
	if until := held.Until; until.Before(now) && d.Due.After(now) || until.After(now) && d.Due.After(until) {
		return Hold{} // it is due later
	}
	return held
}

// Format returns the format with the name that webhooks use, and reports whether there is one: a
// built-in format or one of [Options.Formats]. It is shared with the engine; do not change it.
func (e *Engine) Format(name string) (*wire.Format, bool) { return e.rules.format(name) }

// Formats returns all formats, sorted by name. They are shared with the engine; do not change
// them.
func (e *Engine) Formats() []*wire.Format { return slices.Clone(e.rules.formats) }

// Policy returns the retry policy that governs a webhook: its own, its tenant's, its format's or
// the deployment's.
func (e *Engine) Policy(w *peal.Webhook) peal.RetryPolicy { return e.rules.policyOf(w) }

// CheckWebhook checks all of a webhook's settings: the rules of [peal.Webhook], that its format
// exists and can use its secrets, that its programs compile, that its variables exist and that its
// URL may be reached at all. Call it before the webhook is saved. The error has code
// [peal.Invalid] and names the field; [peal.FaultsOf] returns the faults of several fields, in the order
// of the settings.
func (e *Engine) CheckWebhook(w *peal.Webhook) error {
	var before *peal.Webhook
	if known := e.router.find(w.ID); known != nil {
		before = known.Webhook
	}
	return e.rules.check(before, w)
}

// QuotaUse is a quota of a tenant with its use.
type QuotaUse struct {
	Quota peal.Quota
	// Limit is in force, 0 for none; Default applies to tenants without a limit.
	Limit, Default int64
	// Own reports whether the limit is the tenant's own.
	Own bool
	// Counted reports whether Used is known. Counting may stop at the limit.
	Counted bool
	Used    int64
}

// IsNear reports whether nine tenths of the quota are used.
func (q QuotaUse) IsNear() bool { return q.Counted && isNear(q.Used, q.Limit) }

// Quotas returns all quotas of a tenant in their order.
func (e *Engine) Quotas(ctx context.Context, tenant string) ([]QuotaUse, error) {
	settings, err := e.store.Tenant(ctx, tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound { // it may have no rows yet
		return nil, err
	}
	usage, err := e.store.Usage(ctx, tenant, time.Now())
	if err != nil {
		return nil, err
	}
	most := e.options.Quotas.Of(tenant, settings.Quotas, peal.QuotaPendingDeliveries)
	if most == 0 {
		most = peal.MaxBacklogCount
	}
	deliveries, bytes, err := e.store.PendingUsage(ctx, tenant, most)
	if err != nil {
		return nil, err
	}
	usage[peal.QuotaStreams] = int64(e.shares.InUse(share.Stream, tenant))
	usage[peal.QuotaPendingDeliveries], usage[peal.QuotaPendingBytes] = deliveries, bytes
	var list []QuotaUse
	for _, quota := range peal.AllQuotas() {
		use := QuotaUse{
			Quota: quota, Limit: e.options.Quotas.Of(tenant, settings.Quotas, quota), Default: e.options.Quotas.Of(tenant, nil, quota),
		}
		if quota == peal.QuotaEventTypes { // a catalogue may serve several tenants
			use.Limit, use.Default = e.options.Quotas[quota], e.options.Quotas[quota]
		}
		_, use.Own = settings.Quotas[quota]
		use.Used, use.Counted = usage[quota]
		list = append(list, use)
	}
	return list, nil
}

// CheckQuotas checks the limits of a tenant. The error has code
// [peal.Invalid] and names the field.
func (e *Engine) CheckQuotas(quotas peal.Quotas) error {
	return quotas.Validate(int64(e.options.MaxDeliveries))
}
