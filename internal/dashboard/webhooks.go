package dashboard

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// pageRows is the number of rows on a page of a list.
const pageRows = 50

type webhooksPage struct {
	Query   peal.WebhookQuery
	Formats []*wire.Format
	Orders  []peal.ListOrder
	// Narrow reports whether the list has a search or a filter, and Total is the number of webhooks
	// that match; -1 if they were not counted.
	Narrow bool
	Total  int
	Rows   []webhookRow
	Next   string // the address of the next page
	// IPRanges are the networks that send requests, for the endpoints' firewalls.
	IPRanges []string
}

// webhooks shows the tenant's webhooks: newest first with failing ones at the top of each page, or
// in the order of the address.
func (d *Dashboard) webhooks(c *call) error {
	q := c.readWebhookQuery(c.r.URL.Query())
	q.Limit = pageRows + 1
	webhooks, total, err := d.hooks.Find(c.ctx(), q)
	if err != nil {
		return err
	}
	data := webhooksPage{
		Query: q, Formats: d.Engine.Formats(), Orders: []peal.ListOrder{peal.ListNewestFirst, peal.ListOldestFirst, peal.ListByName},
		Narrow: q.Text != "" || q.Status != "" || q.Format != "" || q.Event != "", Total: total, IPRanges: d.Facts.Ranges,
	}
	if len(webhooks) > pageRows {
		webhooks = webhooks[:pageRows]
		data.Next = listAddress("/webhooks", "q", q.Text, "status", string(q.Status), "format", q.Format, "event", q.Event, "order", string(q.Order),
			"after", q.PositionOf(&webhooks[pageRows-1]).String())
	}
	if data.Rows, err = c.rows(webhooks); err != nil {
		return err
	}
	if q.SelectsAll() {
		failingFirst(data.Rows)
	}
	return c.page("webhooks", c.texts.get("menu.webhooks"), data)
}

// readWebhookQuery reads the query of a list of webhooks from an address, and ignores invalid
// values.
func (c *call) readWebhookQuery(values url.Values) peal.WebhookQuery {
	q := peal.WebhookQuery{Tenant: c.tenant, Text: findText(values)}
	switch status := peal.WebhookStatus(values.Get("status")); status {
	case peal.Active, peal.Paused, peal.Disabled:
		q.Status = status
	}
	if _, known := c.d.Engine.Format(values.Get("format")); known {
		q.Format = values.Get("format")
	}
	if event := values.Get("event"); peal.ValidateType(event) == nil {
		q.Event = event
	}
	switch order := peal.ListOrder(values.Get("order")); order {
	case peal.ListOldestFirst, peal.ListByName:
		q.Order = order
	}
	if place, err := peal.ParseWebhookPosition(values.Get("after")); err == nil {
		q.After = place
	}
	return q
}

// findText returns the text to search for; "" if it is invalid.
func findText(values url.Values) string {
	text := strings.TrimSpace(values.Get("q"))
	if peal.ValidateFindText(text) != nil {
		return ""
	}
	return text
}

// listAddress returns the address of a list with the pairs of names and values that have a value.
func listAddress(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return path + "?" + values.Encode()
}

// webhookRow is a webhook in a list.
type webhookRow struct {
	ID peal.WebhookID
	// URL is the host and the path; Title is the name, or else the same.
	Title, URL, Description string
	Patterns                string
	Pill                    pill
	Spark                   spark
	Success                 string
	Last                    time.Time
	LastAgo                 string
	failing                 bool
}

// maxPatterns is the number of characters of a webhook's patterns that a row shows.
const maxPatterns = 48

// rows returns webhooks with their counts of the last day. It reads only the counts of these
// webhooks, for any number of webhooks of the tenant.
func (c *call) rows(webhooks []peal.Webhook) ([]webhookRow, error) {
	day := spanOf("24h")
	ids := make([]peal.WebhookID, len(webhooks))
	for i := range webhooks {
		ids[i] = webhooks[i].ID
	}
	activity, err := c.d.Store.Activity(c.ctx(), c.tenant, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]webhookRow, len(webhooks))
	for i := range webhooks {
		w := &webhooks[i]
		buckets, err := c.d.Store.Stats(c.ctx(), peal.StatsQuery{Tenant: c.tenant, WebhookID: w.ID, Width: day.Width, Since: day.since(c.now), Until: c.now.Add(time.Hour)})
		if err != nil {
			return nil, err
		}
		s := newSeries(day, c.now)
		for j := range buckets {
			s.add(&buckets[j])
		}
		failing := w.Status == peal.Active && !w.Health.FailingSince.IsZero()
		last := activity[i].Last()
		rows[i] = webhookRow{
			ID: w.ID, Title: called(*w), URL: target(w.URL), Description: w.Description, Patterns: shortPatterns(w.Events), Pill: c.texts.webhookPill(w, activity[i].Pending),
			Spark: sparkOf(s, failing), Success: c.texts.success(&s.total), Last: last, LastAgo: c.texts.ago(last, c.now), failing: failing,
		}
	}
	return rows, nil
}

func shortPatterns(patterns []string) string {
	text := strings.Join(patterns, ", ")
	if len(text) > maxPatterns {
		text = text[:maxPatterns-1] + "…"
	}
	return text
}

// failingFirst sorts rows so that those that need attention come first.
func failingFirst(rows []webhookRow) {
	slices.SortStableFunc(rows, func(a, b webhookRow) int {
		switch {
		case a.failing == b.failing:
			return 0
		case a.failing:
			return -1
		}
		return 1
	})
}
