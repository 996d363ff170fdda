package dashboard

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

type eventsPage struct {
	Type, Range string
	Rows        []eventRow
	Next        string
	Address     string
	Search      searchField
}

type eventRow struct {
	Path, ID, Type, Subject string
	At                      time.Time
	Ago                     string
}

// eventPath returns the path of an event's page. It has the key, because publishers choose ids.
func eventPath(key peal.EventKey) string { return "/events/" + key.String() }

// events shows events, newest first.
func (d *Dashboard) events(c *call) error {
	values := c.r.URL.Query()
	data := eventsPage{}
	query := peal.EventQuery{Tenant: c.tenant, Limit: pageRows}
	if name := values.Get("type"); peal.ValidateType(name) == nil {
		query.Type, data.Type = name, name
	}
	if length, ok := map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}[values.Get("range")]; ok {
		query.Since, data.Range = c.now.Add(-length), values.Get("range")
	}
	query.Before, _ = peal.ParseEventKey(values.Get("before"))
	var err error
	if data.Search, err = c.searchField(values.Get("text")); err != nil {
		return err
	}
	events, next, err := c.findEvents(query, data.Search.Text)
	if err = data.Search.take(err); err != nil {
		return err
	}
	if !next.IsZero() {
		data.Next = next.String()
	}
	for i := range events {
		e := &events[i]
		data.Rows = append(data.Rows, eventRow{eventPath(e.Key), e.ID, e.Type, e.Subject, e.AcceptedAt(), c.texts.ago(e.AcceptedAt(), c.now)})
	}
	data.Address = "/events?" + url.Values{"type": {data.Type}, "range": {data.Range}, "text": {data.Search.Text}}.Encode()
	return c.page("events", c.texts.get("menu.events"), data)
}

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

type publishPage struct {
	Type, ID, Subject, Data string
	Types                   []peal.EventType
	Faults                  map[string]string
}

// Fault returns the fault of a field; "" for none.
func (p *publishPage) Fault(name string) string { return p.Faults[name] }

// publishForm shows the form to publish an event by hand.
func (d *Dashboard) publishForm(c *call) error {
	p := &publishPage{Type: c.r.URL.Query().Get("type"), Data: sampleData}
	if t, err := c.eventType(p.Type); err == nil && t.Example != nil {
		p.Data = indented(t.Example)
	}
	return c.showPublish(200, p)
}

func (c *call) showPublish(status int, p *publishPage) (err error) {
	if p.Types, err = c.eventTypes("", maxTypes); err != nil {
		return err
	}
	return c.answer(status, "publish", c.texts.get("publish.title"), p)
}

// publish publishes the event and shows the webhooks that get it.
func (d *Dashboard) publish(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	v := c.r.PostForm
	p := &publishPage{Type: strings.TrimSpace(v.Get("type")), ID: strings.TrimSpace(v.Get("id")), Subject: strings.TrimSpace(v.Get("subject")), Data: v.Get("data"), Faults: map[string]string{}}
	published, err := d.Engine.Publish(c.ctx(), c.tenant, peal.Event{ID: p.ID, Type: p.Type, Subject: p.Subject, Data: []byte(p.Data)})
	if err == nil {
		done := "published"
		if published[0].Duplicate {
			done = "duplicate"
		}
		if err := c.record("event.publish", published[0].Event.ID, p.Type); err != nil {
			return err
		}
		return c.redirect(eventPath(published[0].Event.Key) + "?done=" + done)
	}
	field, message, ok := c.texts.formField(err)
	if peal.CodeOf(err) == peal.Conflict {
		field, message, ok = "id", c.texts.messageOf(err), true
	}
	if !ok {
		return err
	}
	p.Faults[field] = message
	return c.showPublish(422, p)
}

// indented returns indented JSON.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
