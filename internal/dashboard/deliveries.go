package dashboard

import (
	"bytes"
	"net/url"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// deliveryFilter is the filter of a list of deliveries.
type deliveryFilter struct {
	Status, Webhook, Type, Text, Range string
	query                              peal.DeliveryQuery
	before                             string // the end of the previous page; "" for the first
}

type deliveriesPage struct {
	Filter   deliveryFilter
	Webhooks []peal.Webhook
	Rows     []deliveryRow
	Next     string // the start of the next page
	Address  string // of the first page of this list
	Live     string // the address of the stream; "" on later pages
	Bulk     bool   // whether all deliveries of the filter can be retried
	Search   searchField
}

// readFilter reads the filter from an address or a form, and ignores invalid values.
func (c *call) readFilter(values url.Values) deliveryFilter {
	f := deliveryFilter{Status: values.Get("status"), Webhook: values.Get("webhook"), Type: values.Get("type"), Text: values.Get("text"), before: values.Get("before"), Range: values.Get("range")}
	f.query = peal.DeliveryQuery{Tenant: c.tenant}
	switch peal.DeliveryStatus(f.Status) {
	case peal.Pending, peal.Success, peal.Failed, peal.Canceled:
		f.query.Status = peal.DeliveryStatus(f.Status)
	default:
		f.Status = ""
	}
	if id, err := peal.ParseWebhookID(f.Webhook); err == nil {
		f.query.WebhookID = id
	} else {
		f.Webhook = ""
	}
	if length, ok := map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}[f.Range]; ok {
		f.query.Since = c.now.Add(-length)
	} else {
		f.Range = ""
	}
	if peal.ValidateType(f.Type) != nil {
		f.Type = ""
	}
	return f
}

// address returns the address of the list with this filter.
func (f *deliveryFilter) address(path string) string {
	v := url.Values{}
	for name, value := range map[string]string{"status": f.Status, "webhook": f.Webhook, "type": f.Type, "text": f.Text, "range": f.Range} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return path + "?" + v.Encode()
}

// deliveries shows deliveries, newest first.
func (d *Dashboard) deliveries(c *call) error {
	values := c.r.URL.Query()
	webhooks, err := c.tenantWebhooks()
	if err != nil {
		return err
	}
	data := deliveriesPage{Filter: c.readFilter(values), Webhooks: webhooks}
	data.Address = data.Filter.address("/deliveries")
	if data.Search, err = c.searchField(data.Filter.Text); err != nil {
		return err
	}
	found, next, err := c.findDeliveries(&data.Filter, pageRows)
	if err = data.Search.take(err); err != nil {
		return err
	}
	if data.Rows, err = c.deliveryRows(found); err != nil {
		return err
	}
	data.Next = next
	if data.Filter.before == "" && data.Search.Fault == "" {
		after := peal.DeliveryID{}
		if len(found) > 0 {
			after = found[0].ID
		}
		data.Live = data.Filter.address("/deliveries/stream") + "&after=" + after.String()
	}
	data.Bulk = c.who.Sees(peal.PartReplays) && data.Search.Fault == "" && (data.Filter.Status == string(peal.Failed) || data.Filter.Status == string(peal.Canceled))
	return c.page("deliveries", c.texts.get("menu.deliveries"), data)
}

// deliveryRow is a delivery in a list.
type deliveryRow struct {
	ID       peal.DeliveryID
	Type     string
	Target   string
	Pill     pill
	Outcome  string
	Attempts int
	Duration string
	At       time.Time
	Ago      string
	Test     bool
}

func (c *call) deliveryRows(deliveries []peal.Delivery) ([]deliveryRow, error) {
	names, err := c.namesOf(deliveries)
	if err != nil {
		return nil, err
	}
	rows := make([]deliveryRow, len(deliveries))
	for i := range deliveries {
		d := &deliveries[i]
		rows[i] = deliveryRow{
			ID: d.ID, Type: d.EventType, Target: names[d.WebhookID], Pill: c.texts.deliveryPill(d.Status), Outcome: c.texts.outcome(d),
			Attempts: d.Attempts, Duration: "–", At: d.CreatedAt(), Ago: c.texts.ago(d.CreatedAt(), c.now), Test: d.Test,
		}
		if d.Attempts > 0 {
			rows[i].Duration = c.texts.duration(d.Duration)
		}
	}
	return rows, nil
}

// namesOf returns the names of the webhooks of deliveries, from the engine's memory or else from
// the store.
func (c *call) namesOf(deliveries []peal.Delivery) (map[peal.WebhookID]string, error) {
	names := map[peal.WebhookID]string{}
	var unknown []peal.WebhookID
	for i := range deliveries {
		id := deliveries[i].WebhookID
		if _, named := names[id]; named {
			continue
		}
		if w, known := c.d.Engine.KnownWebhook(c.tenant, id); known {
			names[id] = called(*w)
			continue
		}
		names[id] = c.texts.get("delivery.gone")
		unknown = append(unknown, id)
	}
	if len(unknown) == 0 {
		return names, nil
	}
	found, err := c.d.Store.WebhooksOf(c.ctx(), c.tenant, unknown)
	for i := range found {
		names[found[i].ID] = called(found[i])
	}
	return names, err
}

// rowWebhook returns the webhook of a row, nil for a deleted one. It is read if it is not among the
// known ones, because a page knows only the tenant's first webhooks.
func (c *call) rowWebhook(known map[peal.WebhookID]*peal.Webhook, id peal.WebhookID) (*peal.Webhook, error) {
	if w, ok := known[id]; ok {
		return w, nil
	}
	w, err := c.d.Store.Webhook(c.ctx(), c.tenant, id)
	switch {
	case peal.CodeOf(err) == peal.NotFound:
		known[id] = nil
		return nil, nil
	case err != nil:
		return nil, err
	}
	known[id] = &w
	return &w, nil
}

// outcome returns the outcome of the last attempt in a word.
func (t *texts) outcome(d *peal.Delivery) string {
	switch {
	case d.Attempts == 0:
		return "–"
	case d.StatusCode != 0:
		return strconv.Itoa(d.StatusCode)
	case d.Reason != "":
		return t.get("reason." + string(d.Reason))
	}
	return "–"
}

// pageWebhooks is the number of a tenant's webhooks that a page knows.
const pageWebhooks = 500

// tenantWebhooks returns the newest of the tenant's webhooks, to choose from.
func (c *call) tenantWebhooks() ([]peal.Webhook, error) {
	return c.d.Store.Webhooks(c.ctx(), c.tenant, peal.WebhookID{}, pageWebhooks)
}

// streamDeliveries sends a server-sent event with a row for each delivery of the filter that is new
// or has changed its status.
func (d *Dashboard) streamDeliveries(c *call) error {
	filter := c.readFilter(c.r.URL.Query())
	filter.before = ""
	after, _ := peal.ParseDeliveryID(c.r.URL.Query().Get("after"))
	seen := map[peal.DeliveryID]peal.DeliveryStatus{}
	first := true
	return c.stream(func() ([]byte, error) {
		text, err := c.news(&filter, after, seen, first)
		first = false
		return text, err
	})
}

// news returns the events for deliveries that are not in seen with their current status, oldest
// first.
func (c *call) news(filter *deliveryFilter, after peal.DeliveryID, seen map[peal.DeliveryID]peal.DeliveryStatus, first bool) ([]byte, error) {
	found, _, err := c.findDeliveries(filter, pageRows)
	if err != nil {
		return nil, err
	}
	if len(seen) > 100*pageRows {
		clear(seen)
		first = true
	}
	fresh := found[:0]
	for i := range found {
		status, known := seen[found[i].ID]
		seen[found[i].ID] = found[i].Status
		if known && status == found[i].Status || first && found[i].ID.Compare(after) <= 0 {
			continue
		}
		fresh = append(fresh, found[i])
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	parts, err := c.d.pages.set(c.texts.language, "")
	if err != nil {
		return nil, err
	}
	rows, err := c.deliveryRows(fresh)
	if err != nil {
		return nil, err
	}
	var events bytes.Buffer
	for i := len(fresh) - 1; i >= 0; i-- {
		var row bytes.Buffer
		if err := parts.ExecuteTemplate(&row, "delivery_row", rows[i]); err != nil {
			return nil, err
		}
		appendEvent(&events, "row", c.placed(row.Bytes()))
	}
	return events.Bytes(), nil
}
