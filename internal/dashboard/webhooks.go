package dashboard

import (
	"net/url"
	"strings"

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
