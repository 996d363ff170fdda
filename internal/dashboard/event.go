package dashboard

import (
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

type eventPage struct {
	Event      *peal.Event
	Known      bool // whether the catalogue has its type
	Deliveries []deliveryRow
	More       bool
	Missed     []missedGroup
	MissedAll  int  // of all groups
	TooMany    bool // it went to too many webhooks to look for the others
}

// missedGroup holds the webhooks that did not get an event for one reason.
type missedGroup struct {
	Reason string
	Why    string
	Count  int
	More   int // number of webhooks without a row
	Rows   []missedRow
}

// missedRow is a webhook that did not get an event. Detail shows its patterns, its filter or the
// filter's error, depending on the reason.
type missedRow struct{ Path, Name, Detail string }

// eventDeliveries is the number of deliveries of an event that a page shows.
const eventDeliveries = 200

// event shows an event, the webhooks that got it, and those that did not, with the reasons.
func (d *Dashboard) event(c *call) error {
	event, err := c.findEvent()
	if err != nil {
		return err
	}
	data := eventPage{Event: &event}
	_, err = c.eventType(event.Type)
	data.Known = err == nil
	if c.who.Sees(peal.PartDeliveries) {
		deliveries, err := d.Store.Deliveries(c.ctx(), peal.DeliveryQuery{Tenant: c.tenant, EventKey: event.Key, Limit: eventDeliveries + 1})
		if err != nil {
			return err
		}
		if data.More = len(deliveries) > eventDeliveries; data.More {
			deliveries = deliveries[:eventDeliveries]
		}
		if data.Deliveries, err = c.deliveryRows(deliveries); err != nil {
			return err
		}
	}
	groups, known, err := d.Engine.Missed(c.ctx(), &event)
	if err != nil {
		return err
	}
	data.TooMany = !known
	for i := range groups {
		data.Missed = append(data.Missed, c.missedGroup(&event, &groups[i]))
		data.MissedAll += groups[i].Count
	}
	return c.page("event", event.Type, data)
}

// missedGroup returns a group in words.
func (c *call) missedGroup(event *peal.Event, g *dispatch.MissedGroup) missedGroup {
	group := missedGroup{Reason: string(g.Reason), Count: g.Count, More: g.Count - len(g.Webhooks), Why: c.texts.get("why_not."+string(g.Reason), "type", event.Type)}
	for _, w := range g.Webhooks {
		row := missedRow{Path: "/webhooks/" + w.ID.String(), Name: called(*w)}
		switch g.Reason {
		case dispatch.MissedFilterFailed:
			row.Detail = g.Errors[w.ID]
		case dispatch.MissedType:
			row.Detail = shortPatterns(w.Events)
		case dispatch.MissedFilter:
			row.Detail = strings.TrimSpace(w.Filter)
		}
		group.Rows = append(group.Rows, row)
	}
	return group
}
