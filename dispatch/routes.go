package dispatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/wire"
)

// hook is a webhook as the engine uses it: immutable, made anew when its settings change.
type hook struct {
	*peal.Webhook
	route  *match.Route
	format *wire.Format // nil when this version does not know the format
	policy peal.RetryPolicy
	client *egress.Client // nil when its terms cannot be met
	// variables are those that the webhook may use, and barred why it may not have its
	// format.
	variables func(name string) (string, bool)
	barred    error
}

// routes is what publishing reads: one immutable snapshot of all webhooks.
type routes struct {
	version int64
	table   *match.Table
}

// hooks finds the newest settings of each webhook. It is not part of a snapshot:
// copying it for each change of one of thousands of webhooks would cost more than
// all the rest.
type hooks struct{ known sync.Map }

// get gives a webhook's settings; nil when it is gone.
func (h *hooks) get(id peal.WebhookID) *hook {
	if found, ok := h.known.Load(id); ok {
		return found.(*hook)
	}
	return nil
}

// Refresh learns what has changed about webhooks and lets it govern from now on.
// Call it after a change through the store; the engine finds out by itself before
// it commits an event, but a pause or resume shows at once only so.
func (e *Engine) Refresh(ctx context.Context) error {
	e.refreshMu.Lock()
	defer e.refreshMu.Unlock()
	old := e.routes.Load()
	if old == nil {
		old = &routes{table: &match.Table{}}
	}
	webhooks, version, err := e.store.RoutesSince(ctx, old.version)
	if err != nil {
		return err
	}
	if len(webhooks) == 0 && e.routes.Load() != nil && version == old.version {
		return nil
	}
	if old.version == 0 {
		e.warnOfUnknownAuthors(webhooks)
	}
	e.tenants.forget()
	next := &routes{version: version}
	changed := make([]*match.Route, len(webhooks))
	for i := range webhooks {
		h := e.hook(&webhooks[i])
		if before := e.hooks.get(h.ID); before != nil && h.Status != peal.Deleted {
			if health, changed := healthAfter(before.Webhook, h.Webhook); changed {
				e.forgive(ctx, h.Webhook, health)
			}
		}
		if before := e.hooks.get(h.ID); before != nil && before.client != nil && (h.client == nil || !before.client.Shares(h.client)) {
			before.client.CloseIdle() // made on terms that hold no longer
		}
		changed[i] = h.route
		if h.Status == peal.Deleted {
			e.hooks.known.Delete(h.ID)
			continue
		}
		e.hooks.known.Store(h.ID, h)
	}
	next.table = old.table.With(changed...)
	e.routes.Store(next)
	for i := range webhooks {
		id := webhooks[i].ID
		e.release(e.scheduler.replace(id, e.hooks.get(id)))
	}
	return nil
}

// healthAfter returns the health with which a webhook goes on after a change, and
// whether the change makes it another: a webhook that is no longer disabled has its
// policy's whole patience again, and a new target has no record at all.
func healthAfter(before, after *peal.Webhook) (health peal.Health, changed bool) {
	switch {
	case !canonical.Same(before.URL, after.URL):
		return peal.Health{}, true
	case before.Status == peal.Disabled && after.Status != peal.Disabled:
		return after.Health.WithoutFailures(), true
	}
	return after.Health, false
}

// forgive replaces the health of a webhook, so that it has its policy's whole patience
// again.
func (e *Engine) forgive(ctx context.Context, w *peal.Webhook, health peal.Health) {
	w.Health = health
	e.scheduler.forgive(w.ID, health)
	if err := e.store.SetHealth(ctx, w.ID, health); err != nil {
		e.log.Warn("cannot write a webhook's health", "webhook", w.ID, "error", err)
	}
}

func (e *Engine) hook(w *peal.Webhook) *hook {
	if !isASCII(w.URL) { // saved before URLs were made canonical
		if url, err := canonical.URL(w.URL); err == nil {
			w.URL = url
		}
	}
	h := &hook{Webhook: w, route: match.Load(w, match.DefaultLimits()), policy: e.Policy(w)}
	h.variables = e.variablesOf(w)
	if h.format, _ = e.Format(w.Format); h.format != nil {
		h.barred = e.checkFormatVariables(w, h.format)
	}
	var err error
	if h.client, err = e.clientFor(w); err != nil {
		e.log.Warn("the client certificate or the pins of a webhook cannot be used", "webhook", w.ID, "error", err)
	}
	return h
}

// snapshot gives the routes, reading them first when nobody has.
func (e *Engine) snapshot(ctx context.Context) (*routes, error) {
	if r := e.routes.Load(); r != nil {
		return r, nil
	}
	if err := e.Refresh(ctx); err != nil {
		return nil, err
	}
	return e.routes.Load(), nil
}

// Policy is the retry policy that governs a webhook: its own, its tenant's, its
// format's or the deployment's.
func (e *Engine) Policy(w *peal.Webhook) peal.RetryPolicy {
	if w.RetryPolicy != nil {
		return *w.RetryPolicy
	}
	if policy := e.tenants.policy(w.Tenant); policy != nil {
		return *policy
	}
	if format, ok := e.Format(w.Format); ok && format.RetryPolicy != nil {
		return *format.RetryPolicy
	}
	return e.options.RetryPolicy
}

// CheckWebhook checks all of a webhook's settings: the rules of [peal.Webhook],
// that its format exists and can use its secrets, that its programs compile, that
// its variables exist and that its URL may be reached at all. Call it before the
// webhook is saved. The error has code [peal.Invalid] and names the field; where
// several fields are wrong it is [peal.Invalids], in the order of the settings.
func (e *Engine) CheckWebhook(_ context.Context, w *peal.Webhook) error {
	var before *peal.Webhook
	if known := e.hooks.get(w.ID); known != nil {
		before = known.Webhook
	}
	return e.checkWebhook(before, w)
}

// checkWebhook checks a webhook; before is as it is stored, nil for a new one.
func (e *Engine) checkWebhook(before, w *peal.Webhook) error {
	faults := []error{w.Validate(), e.checkPlaces(w)}
	format, known := e.Format(w.Format)
	if !known {
		faults = append(faults, peal.Invalidf("format", "is not known: use one of %s", e.formatNames()))
	} else {
		faults = append(faults, checkFormat(w, format), checkOwnHeaders(before, w, format))
	}
	faults = append(faults, e.checkVariables(w, format))
	_, err := match.Compile(w, match.DefaultLimits())
	return peal.Faults(append(faults, err)...)
}

// checkPlaces checks that the URLs of a webhook may be reached at all.
func (e *Engine) checkPlaces(w *peal.Webhook) error {
	faults := []error{e.client.CheckURL(w.URL)}
	if w.OAuth2 != nil {
		if err := e.client.CheckURL(w.OAuth2.TokenURL); err != nil {
			var wrong *peal.Error
			errors.As(err, &wrong)
			faults = append(faults, peal.Invalidf("oauth2.token_url", "%s", wrong.Message))
		}
	}
	return peal.Faults(faults...)
}

// checkOwnHeaders refuses extra headers in the place of those by which the format's
// receivers verify and identify deliveries. A webhook that has had them goes on with them.
func checkOwnHeaders(before, w *peal.Webhook, format *wire.Format) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		if !format.Owns(name) {
			continue
		}
		if before != nil && before.Format == w.Format {
			if value, had := before.Headers[name]; had && value == w.Headers[name] {
				continue
			}
		}
		faults = append(faults, peal.Invalidf("headers."+name, "is a header that the format %s signs or identifies deliveries with; take another name", format.Name))
	}
	return peal.Faults(faults...)
}

// checkFormat checks what a webhook's format has to say of it.
func checkFormat(w *peal.Webhook, format *wire.Format) error {
	var faults []error
	if w.Handshake && !format.Handshake {
		faults = append(faults, peal.Invalidf("handshake", "is for the formats of CloudEvents: leave it out, or take the format cloudevents"))
	}
	for _, secret := range w.Secrets {
		faults = append(faults, format.CheckSecret(secret.Value))
	}
	return peal.Faults(faults...)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
