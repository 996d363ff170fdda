package dashboard

import (
	"errors"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// searchField is the text search of a list.
type searchField struct {
	On    bool // whether the field is shown
	Hint  bool // explain how to turn search on
	Text  string
	Fault string // of the text
}

// searchField returns the field, which is shown if search is on.
func (c *call) searchField(text string) (searchField, error) {
	state, err := c.d.Store.SearchState(c.ctx())
	return searchField{On: state.On, Hint: !state.On && c.portal == nil && c.who.IsOperator(), Text: text}, err
}

// take shows a fault of the text, or that the search takes too long, at the field. It returns other
// errors.
func (f *searchField) take(err error) error {
	var known *peal.Error
	if errors.As(err, &known) && known.Field == "text" {
		f.Fault = known.Message
		return nil
	}
	return err
}

// findDeliveries reads a page of the filter; next is the start of the next one, "" if there is
// none.
func (c *call) findDeliveries(f *deliveryFilter, rows int) (found []peal.Delivery, next string, err error) {
	if f.Type != "" || f.Text != "" {
		return c.searchDeliveries(f, rows)
	}
	query := f.query
	query.Before, _ = peal.ParseDeliveryID(f.before) // zero, the newest, for invalid text
	query.Limit = rows + 1
	found, err = c.d.Store.Deliveries(c.ctx(), query)
	if len(found) > rows {
		found = found[:rows]
		next = found[rows-1].ID.String()
	}
	return found, next, err
}

// searchDeliveries reads a page of a filter by type or words.
func (c *call) searchDeliveries(f *deliveryFilter, rows int) ([]peal.Delivery, string, error) {
	q := &f.query
	search := peal.DeliverySearch{
		Tenant: q.Tenant, EventType: f.Type, Text: f.Text, WebhookID: q.WebhookID, Status: q.Status, Since: q.Since, Until: q.Until, Limit: rows,
	}
	event, delivery, _ := strings.Cut(f.before, "/")
	if key, err := peal.ParseEventKey(event); err == nil {
		search.Before.Event = key
		search.Before.Delivery, _ = peal.ParseDeliveryID(delivery) // zero if all deliveries of the event were shown
	}
	leave, err := c.d.Engine.Share(c.ctx(), share.Search, search.Tenant)
	if err != nil {
		return nil, "", err
	}
	defer leave()
	found, err := c.d.Store.FindDeliveries(c.ctx(), search)
	if err != nil || found.Next == (peal.SearchPosition{}) {
		return found.Deliveries, "", err
	}
	next := found.Next.Event.String()
	if !found.Next.Delivery.IsZero() {
		next += "/" + found.Next.Delivery.String()
	}
	return found.Deliveries, next, nil
}

// findEvents reads a page of events; next is the start of the next one, zero if there is none.
func (c *call) findEvents(query peal.EventQuery, text string) ([]peal.Event, peal.EventKey, error) {
	if text != "" {
		leave, err := c.d.Engine.Share(c.ctx(), share.Search, query.Tenant)
		if err != nil {
			return nil, peal.EventKey{}, err
		}
		defer leave()
		found, err := c.d.Store.FindEvents(c.ctx(), peal.EventSearch{
			Tenant: query.Tenant, Type: query.Type, Text: text, Since: query.Since, Before: query.Before, Limit: query.Limit,
		})
		return found.Events, found.Next, err
	}
	rows := query.Limit
	query.Limit++
	events, err := c.d.Store.Events(c.ctx(), query)
	if len(events) > rows {
		return events[:rows], events[rows-1].Key, err
	}
	return events, peal.EventKey{}, err
}
