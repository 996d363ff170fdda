package dashboard

import (
	"errors"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// searchField is the field of a list that takes words.
type searchField struct {
	On    bool // the field is there
	Hint  bool // somebody who can turn search on is told how
	Text  string
	Fault string // what is wrong with the text
}

// searchField makes the field: it is there while search is on.
func (c *call) searchField(text string) (searchField, error) {
	state, err := c.d.Store.SearchState(c.ctx())
	return searchField{On: state.On, Hint: !state.On && c.portal == nil && c.who.IsOperator(), Text: text}, err
}

// take shows what is wrong with the text, or that it takes too long, at the field.
func (f *searchField) take(err error) error {
	var known *peal.Error
	if errors.As(err, &known) && known.Field == "text" {
		f.Fault = known.Message
		return nil
	}
	return err
}

// findDeliveries reads a page of the filter; next is where the one after it begins, ""
// when there is none.
func (c *call) findDeliveries(f *deliveryFilter, rows int) (found []peal.Delivery, next string, err error) {
	if f.Type != "" || f.Text != "" {
		return c.searchDeliveries(f, rows)
	}
	query := f.query
	query.Before, _ = peal.ParseDeliveryID(f.before) // nonsense begins with the newest
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
		search.Before.Delivery, _ = peal.ParseDeliveryID(delivery) // zero where all of the event were shown
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

// findEvents reads a page of events; next is where the one after it begins, zero when
// there is none.
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
