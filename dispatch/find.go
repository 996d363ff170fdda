package dispatch

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// MissedReason is why a webhook did not get an event.
type MissedReason string

// The reasons, in the order in which they are asked: the first one that holds is the webhook's.
const (
	MissedFilterFailed MissedReason = "filter_failed" // its filter failed on the event
	MissedYounger      MissedReason = "created_later" // it was created after the event was accepted
	MissedChanged      MissedReason = "changed_later" // it was changed after that; how it was then is not on record
	MissedDisabled     MissedReason = "disabled"
	MissedType         MissedReason = "type"    // it does not ask for events of this type
	MissedFilter       MissedReason = "filter"  // its filter did not let the event through
	MissedUnknown      MissedReason = "unknown" // it asks for such events, and yet there is no delivery
)

// MissedGroup is the webhooks that did not get an event for one reason.
type MissedGroup struct {
	Reason   MissedReason
	Count    int                       // how many they are
	Webhooks []*peal.Webhook           // the newest of them; nobody may change these
	Errors   map[peal.WebhookID]string // why filters failed, for MissedFilterFailed
}

const (
	// MaxMissed is the number of webhooks that a group lists.
	MaxMissed = 20
	// maxReached is the number of deliveries of an event above which missed webhooks are not
	// searched for.
	maxReached = 5000
	// reachedPage is the number of deliveries that are read at once.
	reachedPage = 1000
)

// Missed returns the webhooks of an event's tenant that have no delivery of the event, in groups by
// the reason that is known to apply. known is false if the event went to more than 5,000 webhooks,
// because the others are then not searched for. A call takes its turn among the searches of the
// tenant; see [Engine.Share].
func (e *Engine) Missed(ctx context.Context, event *peal.Event) (groups []MissedGroup, known bool, err error) {
	leave, err := e.Share(ctx, share.Search, event.Tenant)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	if err := e.Refresh(ctx); err != nil {
		return nil, false, err
	}
	reached, known, err := e.reached(ctx, event)
	if err != nil || !known {
		return nil, known, err
	}
	failures, err := e.store.FilterErrors(ctx, event.Tenant, event.Key)
	if err != nil {
		return nil, false, err
	}
	failed := make(map[peal.WebhookID]string, len(failures))
	for _, f := range failures {
		failed[f.WebhookID] = f.Message
	}
	byReason := map[MissedReason]*MissedGroup{}
	for _, w := range slices.Backward(e.router.routes.Load().table.All(event.Tenant)) {
		if reached[w.ID] {
			continue
		}
		_, broken := failed[w.ID]
		reason := whyMissed(w, event, broken)
		g := byReason[reason]
		if g == nil {
			g = &MissedGroup{Reason: reason, Errors: map[peal.WebhookID]string{}}
			byReason[reason] = g
		}
		if g.Count++; g.Count > MaxMissed {
			continue
		}
		g.Webhooks = append(g.Webhooks, w)
		if broken {
			g.Errors[w.ID] = failed[w.ID]
		}
	}
	for _, reason := range []MissedReason{MissedFilterFailed, MissedFilter, MissedDisabled, MissedChanged, MissedUnknown, MissedYounger, MissedType} {
		if g := byReason[reason]; g != nil {
			groups = append(groups, *g)
		}
	}
	return groups, true, nil
}

// reached returns the webhooks that have a delivery of an event, tests included; known is false
// when they are too many.
func (e *Engine) reached(ctx context.Context, event *peal.Event) (webhooks map[peal.WebhookID]bool, known bool, err error) {
	webhooks = map[peal.WebhookID]bool{}
	query := peal.DeliveryQuery{Tenant: event.Tenant, EventKey: event.Key, Limit: reachedPage}
	for {
		deliveries, err := e.store.Deliveries(ctx, query)
		if err != nil {
			return nil, false, err
		}
		for i := range deliveries {
			webhooks[deliveries[i].WebhookID] = true
		}
		if len(deliveries) < reachedPage {
			return webhooks, true, nil
		}
		if len(webhooks) >= maxReached {
			return nil, false, nil
		}
		query.Before = deliveries[reachedPage-1].ID
	}
}

// whyMissed returns the reason why a webhook has no delivery of an event. A filter is not asked
// again: of a webhook that was not changed since and asks for the type, nothing else is left.
func whyMissed(w *peal.Webhook, event *peal.Event, failed bool) MissedReason {
	accepted := event.AcceptedAt()
	switch {
	case failed:
		return MissedFilterFailed
	case w.CreatedAt().After(accepted):
		return MissedYounger
	case w.UpdatedAt.After(accepted):
		return MissedChanged
	case w.Status == peal.Disabled:
		return MissedDisabled
	case !slices.ContainsFunc(w.Events, func(pattern string) bool { return peal.MatchPattern(pattern, event.Type) }):
		return MissedType
	case w.Filter != "":
		return MissedFilter
	}
	return MissedUnknown
}

// FindWebhooks returns the webhooks of a tenant that match a query, in its order, and the number of
// all matches. It examines the settings in the engine's memory, after updating them, and reads only
// the returned webhooks from the store. A search waits for its turn among those of its tenant; see
// [Engine.Share].
func (e *Engine) FindWebhooks(ctx context.Context, q peal.WebhookQuery) (found []peal.Webhook, total int, err error) {
	leave, err := e.Share(ctx, share.Search, q.Tenant)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if err := e.Refresh(ctx); err != nil {
		return nil, 0, err
	}
	type placed struct {
		place peal.WebhookPosition
		id    peal.WebhookID
	}
	var behind []placed
	chooses := q.Filter()
	for _, w := range e.router.routes.Load().table.All(q.Tenant) {
		if !chooses(w) {
			continue
		}
		total++
		if place := q.PositionOf(w); q.After.ID.IsZero() || q.Compare(place, q.After) > 0 {
			behind = append(behind, placed{place, w.ID})
		}
	}
	slices.SortFunc(behind, func(a, b placed) int { return q.Compare(a.place, b.place) })
	behind = behind[:min(len(behind), q.Limit)]
	if len(behind) == 0 {
		return nil, total, nil
	}
	ids := make([]peal.WebhookID, len(behind))
	at := make(map[peal.WebhookID]int, len(behind))
	for i := range behind {
		ids[i], at[behind[i].id] = behind[i].id, i
	}
	if found, err = e.store.WebhooksOf(ctx, q.Tenant, ids); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(found, func(a, b peal.Webhook) int { return at[a.ID] - at[b.ID] })
	return found, total, nil
}

// KnownWebhook returns a webhook as the engine has it in memory: its settings as of the latest
// refresh, not its health. It reports false for one that does not exist or is another tenant's.
// The caller must not change it.
func (e *Engine) KnownWebhook(tenant string, id peal.WebhookID) (*peal.Webhook, bool) {
	t := e.router.find(id)
	if t == nil || t.Tenant != tenant {
		return nil, false
	}
	return t.Webhook, true
}
