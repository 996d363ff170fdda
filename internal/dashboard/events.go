package dashboard

import (
	"net/url"
	"time"

	"github.com/pealhq/peal"
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
