package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/share"
)

// MaxPreview is the most events that one preview shows.
const MaxPreview = 50

// PreviewChoice says which events a preview shows: one of its members is set, or
// none for the first type of the catalogue that the webhook's patterns match.
type PreviewChoice struct {
	Event *peal.Event // as a publisher gives it
	Type  string      // the catalogue's example of this type
	Last  int         // the tenant's newest events, 1 to MaxPreview
}

// Preview is what a webhook would do with an event.
type Preview struct {
	Event *peal.Event
	// Pattern is whether the webhook's patterns match the event's type.
	Pattern bool
	// Filter is whether the webhook's filter lets the event through; true without one.
	Filter bool
	// FilterError is why the filter failed, which counts as no match; nil otherwise.
	FilterError error
	// URL, Head and Body are the request of a first attempt made now, whether or not
	// the webhook matches; Head is as in [peal.Attempt]. They are empty with Error.
	URL  string
	Head peal.Head
	Body []byte
	// Error is why no request can be made from the event; nil otherwise.
	Error error
}

// Matches reports whether the webhook gets the event, unless it is disabled.
func (p *Preview) Matches() bool { return p.Pattern && p.Filter }

// Preview shows what a webhook, saved or not, would do with events: who matches, and
// the exact request with its real signature. It sends and stores nothing. The
// webhook is checked as [Engine.CheckWebhook] does, and nobody may change it
// meanwhile. Errors are of code Invalid with the field of the webhook, or "type",
// "event" or "last" of the choice.
func (e *Engine) Preview(ctx context.Context, w *peal.Webhook, choice PreviewChoice) ([]Preview, error) {
	leave, err := e.Share(ctx, share.Preview, w.Tenant)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := e.CheckWebhook(ctx, w); err != nil {
		return nil, err
	}
	events, err := e.choose(ctx, w, choice)
	if err != nil {
		return nil, err
	}
	hook, now := e.hook(w), time.Now()
	purse := match.NewPurse(ctx, e.stopping, w.Tenant)
	defer purse.Close()
	previews := make([]Preview, len(events))
	for i := range events {
		previews[i] = e.preview(ctx, purse, hook, &events[i], now)
		if purse.Spent() {
			return nil, peal.Invalidf("last", "asks for more than the filter and the transform may work in one preview; ask for fewer than %d events", i+1)
		}
		if err := e.programError(purse); err != nil {
			return nil, err
		}
	}
	return previews, nil
}

// choose gives the events of a preview, complete as if they were accepted.
func (e *Engine) choose(ctx context.Context, w *peal.Webhook, choice PreviewChoice) ([]peal.Event, error) {
	given := 0
	for _, is := range []bool{choice.Event != nil, choice.Type != "", choice.Last != 0} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, peal.Invalidf("event", "stands beside type or last: give one of the three")
	case choice.Last < 0 || choice.Last > MaxPreview:
		return nil, peal.Invalidf("last", "must be from 1 to %d", MaxPreview)
	case choice.Last > 0:
		return e.store.Events(ctx, peal.EventQuery{Tenant: w.Tenant, Limit: choice.Last})
	case choice.Event != nil:
		event := *choice.Event
		if err := e.check(ctx, w.Tenant, &event); err != nil {
			return nil, peal.Within("event", err)
		}
		event.Tenant = w.Tenant
		complete(&event)
		return []peal.Event{event}, nil
	}
	if choice.Type != "" {
		if err := peal.ValidateType(choice.Type); err != nil {
			return nil, err
		}
		catalogue, err := e.tenants.catalogue(ctx, w.Tenant)
		if err != nil {
			return nil, err
		}
		entry, err := e.store.EventType(ctx, catalogue, choice.Type)
		if err != nil && peal.CodeOf(err) != peal.NotFound {
			return nil, err
		}
		if err != nil || entry.Example == nil {
			return nil, peal.Invalidf("type", "has no example in the catalogue: give an event with data of your own")
		}
	}
	event, err := e.sample(ctx, w, choice.Type, nil)
	if err != nil {
		return nil, err
	}
	return []peal.Event{*event}, nil
}

func (e *Engine) preview(ctx context.Context, purse *match.Purse, hook *hook, event *peal.Event, now time.Time) Preview {
	p := Preview{Event: event}
	for _, pattern := range hook.Events {
		p.Pattern = p.Pattern || peal.MatchPattern(pattern, event.Type)
	}
	p.Filter, p.FilterError = hook.route.Wants(purse, match.FactsOf(event))
	purse.Close() // the format may have a program, with a purse of its own
	request, err := e.encode(ctx, purse, hook, event, peal.NewDeliveryID(), now)
	if err != nil {
		p.Error = err
		return p
	}
	p.URL, p.Head, p.Body = request.URL, egress.RequestHead(&request), request.Body
	return p
}
