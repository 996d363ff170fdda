package dashboard

import (
	"net/url"
	"time"

	"github.com/pealhq/peal"
)

// deliveryFilter is what a list of deliveries is narrowed to.
type deliveryFilter struct {
	Status, Webhook, Type, Range string
	query                        peal.DeliveryQuery
}

// lookedAt is how many deliveries a filter by type looks at for one page.
const lookedAt = 2000

type deliveriesPage struct {
	Filter   deliveryFilter
	Webhooks []peal.Webhook
	Rows     []deliveryRow
	Next     string // where the next page begins
	Address  string // of this list without a place in it
	Live     string // the address of the stream; "" on later pages
	Bulk     bool   // the filter is one of which all can be retried
}

// readFilter reads the filter of an address or a form. What is nonsense filters nothing.
func (c *call) readFilter(values url.Values) deliveryFilter {
	f := deliveryFilter{Status: values.Get("status"), Webhook: values.Get("webhook"), Type: values.Get("type"), Range: values.Get("range")}
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

// address writes the filter as an address of the list.
func (f *deliveryFilter) address(path string) string {
	v := url.Values{}
	for name, value := range map[string]string{"status": f.Status, "webhook": f.Webhook, "type": f.Type, "range": f.Range} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return path + "?" + v.Encode()
}

// deliveries lists deliveries, newest first.
func (d *Dashboard) deliveries(c *call) error {
	values := c.r.URL.Query()
	byID, webhooks, err := c.tenantWebhooks()
	if err != nil {
		return err
	}
	data := deliveriesPage{Filter: c.readFilter(values), Webhooks: webhooks}
	data.Address = data.Filter.address("/deliveries")
	data.Filter.query.Before, _ = peal.ParseDeliveryID(values.Get("before"))
	found, next, err := c.findDeliveries(&data.Filter, pageRows)
	if err != nil {
		return err
	}
	data.Rows = c.deliveryRows(found, byID)
	if !next.IsZero() {
		data.Next = next.String()
	}
	if data.Filter.query.Before.IsZero() {
		after := peal.DeliveryID{}
		if len(found) > 0 {
			after = found[0].ID
		}
		data.Live = data.Filter.address("/deliveries/stream") + "&after=" + after.String()
	}
	data.Bulk = data.Filter.Status == string(peal.Failed) || data.Filter.Status == string(peal.Canceled)
	return c.page("deliveries", c.texts.get("menu.deliveries"), data)
}

// findDeliveries reads a page of the filter; next is where the one after it begins,
// zero when there is none.
func (c *call) findDeliveries(f *deliveryFilter, rows int) (found []peal.Delivery, next peal.DeliveryID, err error) {
	query := f.query
	if f.Type == "" {
		query.Limit = rows + 1
		found, err = c.d.Store.Deliveries(c.ctx(), query)
		if len(found) > rows {
			found = found[:rows]
			next = found[rows-1].ID
		}
		return found, next, err
	}
	query.Limit = 200
	for looked := 0; looked < lookedAt; looked += query.Limit {
		batch, err := c.d.Store.Deliveries(c.ctx(), query)
		if err != nil {
			return nil, next, err
		}
		for i := range batch {
			if batch[i].EventType == f.Type {
				if found = append(found, batch[i]); len(found) == rows {
					return found, batch[i].ID, nil
				}
			}
		}
		if len(batch) < query.Limit {
			return found, peal.DeliveryID{}, nil
		}
		query.Before = batch[len(batch)-1].ID
	}
	return found, query.Before, nil
}
