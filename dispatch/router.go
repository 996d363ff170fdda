package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/wake"
)

// routeStore is the part of the store that the router reads and writes.
type routeStore interface {
	RoutesSince(ctx context.Context, version int64) ([]peal.Webhook, int64, error)
	SetHealth(ctx context.Context, id peal.WebhookID, health peal.WebhookHealth) error
}

// router knows all webhooks: which of them an event matches, and the target of each.
type router struct {
	store     routeStore
	log       *slog.Logger
	rules     *rules
	scheduler *scheduler

	routes atomic.Pointer[routes]
	// targets, by the ids of webhooks, are not part of a snapshot: copying them for each change of
	// one of thousands of webhooks would cost more than all the rest.
	targets    sync.Map
	refreshing sync.Mutex  // one refresh at a time
	changed    wake.Signal // sent when webhooks or tenants have changed
}

// routes is an immutable snapshot of all webhooks, which publishing reads.
type routes struct {
	version int64
	table   *match.Table
}

// find returns the target of a webhook with its newest settings; nil when the webhook is deleted.
func (r *router) find(id peal.WebhookID) *target {
	if found, ok := r.targets.Load(id); ok {
		return found.(*target)
	}
	return nil
}

// snapshot returns the routes, which it reads when nobody has yet.
func (r *router) snapshot(ctx context.Context) (*routes, error) {
	if routes := r.routes.Load(); routes != nil {
		return routes, nil
	}
	if err := r.refresh(ctx); err != nil {
		return nil, err
	}
	return r.routes.Load(), nil
}

// refreshTo refreshes routes that are older than a version.
func (r *router) refreshTo(ctx context.Context, version int64) error {
	if routes := r.routes.Load(); routes != nil && routes.version >= version {
		return nil
	}
	return r.refresh(ctx)
}

// refresh reads what has changed about webhooks.
func (r *router) refresh(ctx context.Context) error {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	known := r.routes.Load()
	old := known
	if old == nil {
		old = &routes{table: &match.Table{}}
	}
	webhooks, version, err := r.store.RoutesSince(ctx, old.version)
	if err != nil {
		return err
	}
	if len(webhooks) == 0 && known != nil && version == old.version {
		return nil
	}
	if old.version == 0 {
		r.rules.warnOfUnknownAuthors(webhooks)
	}
	r.rules.tenants.reset()
	r.changed.Send()
	changed := make([]*match.Route, len(webhooks))
	for i := range webhooks {
		changed[i] = r.replace(ctx, &webhooks[i]).route
	}
	r.routes.Store(&routes{version: version, table: old.table.With(changed...)})
	for i := range webhooks {
		id := webhooks[i].ID
		r.scheduler.replace(id, r.find(id))
	}
	return nil
}

// replace sets the target of a webhook that has changed, and returns it.
func (r *router) replace(ctx context.Context, w *peal.Webhook) *target {
	t := r.rules.compile(w)
	if before := r.find(w.ID); before != nil {
		if w.Status != peal.Deleted {
			if health, changed := healthAfter(before.Webhook, w); changed {
				r.forgive(ctx, w, health)
			}
		}
		if before.client != nil && (t.client == nil || !before.client.Shares(t.client)) {
			before.client.CloseIdle() // made on terms that no longer hold
		}
	}
	if w.Status == peal.Deleted {
		r.targets.Delete(w.ID)
	} else {
		r.targets.Store(w.ID, t)
	}
	return t
}

// healthAfter returns the health of a webhook after a change, and whether the change affects it: a
// webhook that is no longer disabled has its policy's whole patience again, and a new URL has no
// record at all.
func healthAfter(before, after *peal.Webhook) (health peal.WebhookHealth, changed bool) {
	switch {
	case !canonical.Same(before.URL, after.URL):
		return peal.WebhookHealth{}, true
	case before.Status == peal.Disabled && after.Status != peal.Disabled:
		return after.Health.WithoutFailures(), true
	}
	return after.Health, false
}

// forgive replaces the health of a webhook.
func (r *router) forgive(ctx context.Context, w *peal.Webhook, health peal.WebhookHealth) {
	w.Health = health
	r.scheduler.forgive(w.ID, health)
	if err := r.store.SetHealth(ctx, w.ID, health); err != nil {
		r.log.Warn("cannot write a webhook's health", "webhook", w.ID, "error", err)
	}
}

// hasMoved reports whether a webhook has another URL now than an attempt had.
func (r *router) hasMoved(t *target) bool {
	current := r.find(t.ID)
	return current != nil && current.URL != t.URL
}

// wantsOperation reports whether any webhook wants one of Peal's own events about a tenant. Those
// about the webhooks that get these events are not published: they would feed on themselves.
func (r *router) wantsOperation(eventType, about string) bool {
	routes := r.routes.Load()
	return about != peal.OperationsTenant && routes != nil && len(routes.table.Match(peal.OperationsTenant, eventType)) > 0
}
