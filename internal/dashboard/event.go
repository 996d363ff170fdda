package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

type eventPage struct {
	Event      *peal.Event
	Known      bool // the catalogue has its type
	Deliveries []deliveryRow
	More       bool
	Missed     []missedRow
}

// missedRow is a webhook that did not get an event, and why.
type missedRow struct{ Path, Target, Why string }

// eventDeliveries is how many deliveries of an event a page shows.
const eventDeliveries = 200

// event answers who got it, who did not, and why.
func (d *Dashboard) event(c *call) error {
	event, err := c.findEvent()
	if err != nil {
		return err
	}
	data := eventPage{Event: &event}
	_, err = c.eventType(event.Type)
	data.Known = err == nil
	byID, webhooks, err := c.tenantWebhooks()
	if err != nil {
		return err
	}
	deliveries, err := d.Store.Deliveries(c.ctx(), peal.DeliveryQuery{Tenant: c.tenant, EventKey: event.Key, Limit: eventDeliveries + 1})
	if err != nil {
		return err
	}
	if data.More = len(deliveries) > eventDeliveries; data.More {
		deliveries = deliveries[:eventDeliveries]
	}
	data.Deliveries = c.deliveryRows(deliveries, byID)
	got := map[peal.WebhookID]bool{}
	for i := range deliveries {
		got[deliveries[i].WebhookID] = true
	}
	failures, err := d.Store.FilterErrors(c.ctx(), c.tenant, event.Key)
	if err != nil {
		return err
	}
	broken := map[peal.WebhookID]string{}
	for _, f := range failures {
		broken[f.WebhookID] = f.Message
	}
	for i := range webhooks {
		if w := &webhooks[i]; !got[w.ID] && !data.More {
			data.Missed = append(data.Missed, missedRow{"/webhooks/" + w.ID.String(), called(*w), c.whyMissed(w, &event, broken[w.ID])})
		}
	}
	return c.page("event", event.Type, data)
}

// whyMissed says why a webhook has no delivery of an event, as far as can be told now.
func (c *call) whyMissed(w *peal.Webhook, event *peal.Event, failure string) string {
	switch {
	case failure != "":
		return c.texts.get("why_not.filter_failed", "error", failure)
	case w.CreatedAt().After(event.AcceptedAt()):
		return c.texts.get("why_not.younger")
	case w.UpdatedAt.After(event.AcceptedAt()):
		return c.texts.get("why_not.changed")
	case w.Status == peal.Disabled:
		return c.texts.get("why_not.disabled")
	}
	copied := *w
	previews, err := c.d.Engine.Preview(c.ctx(), &copied, dispatch.PreviewChoice{Event: event})
	switch {
	case err != nil || len(previews) == 0:
		return c.texts.get("why_not.unknown")
	case !previews[0].Pattern:
		return c.texts.get("why_not.pattern", "type", event.Type, "patterns", shortPatterns(w.Events))
	case previews[0].FilterError != nil:
		return c.texts.get("why_not.filter_failed", "error", previews[0].FilterError.Error())
	case !previews[0].Filter:
		return c.texts.get("why_not.filter", "filter", w.Filter)
	}
	return c.texts.get("why_not.unknown")
}
