package dashboard

import (
	"bytes"

	"github.com/pealhq/peal"
)

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
