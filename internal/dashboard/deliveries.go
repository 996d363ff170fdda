package dashboard

import (
	"net/url"
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
