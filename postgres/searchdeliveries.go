package postgres

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
)

// FindDeliveries implements [peal.SearchStore].
func (s *Store) FindDeliveries(ctx context.Context, query peal.DeliverySearch) (peal.FoundDeliveries, error) {
	var found peal.FoundDeliveries
	if _, known := statusNumbers[query.Status]; !known && query.Status != "" {
		return found, nil
	}
	if err := s.checkSearch(ctx, query.Text); err != nil {
		return found, translate("find deliveries", err)
	}
	search := deliverySearch{s: s, query: query, place: query.Before}
	late, err := timely(ctx, search.run)
	if late && search.place == query.Before {
		err = tooLate()
	}
	if err != nil {
		return found, translate("find deliveries", err)
	}
	found.Deliveries = search.found
	if search.more || late {
		found.Next = search.place
	}
	if len(found.Deliveries) > query.Limit {
		found.Deliveries = found.Deliveries[:query.Limit]
		last := &found.Deliveries[query.Limit-1]
		found.Next = peal.SearchPosition{Event: last.EventKey, Delivery: last.ID}
	}
	return found, translate("find deliveries", s.fillEvents(ctx, s.pool, found.Deliveries))
}

// deliverySearch is a search on its way.
type deliverySearch struct {
	s     *Store
	query peal.DeliverySearch
	found []peal.Delivery
	place peal.SearchPosition // how far it has come
	more  bool       // there may be others after place
}

// run looks at events until one delivery more is found than is asked for.
func (d *deliverySearch) run(ctx context.Context) error {
	q := &d.query
	f, err := d.s.finder(ctx, seek{
		tenant: q.Tenant, eventType: q.EventType, text: q.Text, webhook: q.WebhookID, status: q.Status, since: q.Since, until: q.Until,
		before: q.Before.Event, inclusive: !q.Before.Delivery.IsZero(), limit: q.Limit,
	})
	if err != nil || f == nil {
		return err
	}
	for len(d.found) <= q.Limit {
		if d.more = f.looked >= peal.MaxSearchedEvents; d.more {
			return nil
		}
		keys, err := f.next(ctx)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := d.look(ctx, f, keys); err != nil {
			return err
		}
	}
	return nil
}

// candidateEvent is an event whose deliveries are looked at.
type candidateEvent struct {
	deliveries []peal.DeliveryID
	terms      fulltext.Terms
}

// look finds the deliveries of some events.
func (d *deliverySearch) look(ctx context.Context, f *finder, keys [][16]byte) error {
	events := map[[16]byte]*candidateEvent{}
	var ids []peal.DeliveryID
	if err := d.s.eventsByKey(ctx, d.s.pool, keys, func(e *peal.Event, list []byte) {
		if e.Tenant != d.query.Tenant || d.query.EventType != "" && e.Type != d.query.EventType {
			return
		}
		c := &candidateEvent{deliveries: idsIn[peal.DeliveryID](list)}
		if d.query.Text != "" {
			c.terms = termsOf(&f.query, e)
		}
		events[e.Key] = c
		ids = append(ids, c.deliveries...)
	}); err != nil {
		return err
	}
	chosen := map[peal.DeliveryID]*peal.Delivery{}
	if err := d.s.deliveriesByID(ctx, d.s.pool, ids, func(delivery *peal.Delivery) {
		if delivery.Tenant == d.query.Tenant && (d.query.WebhookID.IsZero() || delivery.WebhookID == d.query.WebhookID) && (d.query.Status == "" || delivery.Status == d.query.Status) {
			chosen[delivery.ID] = delivery
		}
	}); err != nil {
		return err
	}
	answers, err := d.answers(ctx, f, events, chosen)
	if err != nil {
		return err
	}
	for _, key := range keys {
		c := events[key]
		if c == nil {
			continue // it is gone
		}
		slices.SortFunc(c.deliveries, func(a, b peal.DeliveryID) int { return b.Compare(a) })
		for _, id := range c.deliveries {
			if chosen[id] == nil || d.query.Text != "" && !f.query.All(c.terms|answers[id]) || d.isBefore(key, id) {
				continue
			}
			d.found = append(d.found, *chosen[id])
		}
		d.place = peal.SearchPosition{Event: key}
	}
	return nil
}

// answers gives the terms that stand in what belongs to deliveries alone, where their
// events do not have them all.
func (d *deliverySearch) answers(ctx context.Context, f *finder, events map[[16]byte]*candidateEvent, chosen map[peal.DeliveryID]*peal.Delivery) (map[peal.DeliveryID]fulltext.Terms, error) {
	answers := map[peal.DeliveryID]fulltext.Terms{}
	if d.query.Text == "" {
		return answers, nil
	}
	var unsure []peal.DeliveryID
	for _, c := range events {
		for _, id := range c.deliveries {
			if chosen[id] != nil && !f.query.All(c.terms) {
				answers[id] = f.query.In([]byte(id.String()))
				unsure = append(unsure, id)
			}
		}
	}
	return answers, d.s.answersTo(ctx, unsure, func(id peal.DeliveryID, body []byte) { answers[id] |= f.query.In(body) })
}

// isBefore is whether an earlier search has come through a delivery already.
func (d *deliverySearch) isBefore(event peal.EventKey, id peal.DeliveryID) bool {
	return event == d.query.Before.Event && !d.query.Before.Delivery.IsZero() && id.Compare(d.query.Before.Delivery) >= 0
}
