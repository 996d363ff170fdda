package sqlite

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
	err := s.ofSearch(query.Text, func(index *searchFile) error {
		search := deliverySearch{s: s, query: query, place: query.Before}
		late, err := timely(ctx, func(ctx context.Context) error { return search.run(ctx, index) })
		if late && search.place == query.Before {
			err = tooLate()
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
		return err
	})
	return found, translate("find deliveries", err)
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
func (d *deliverySearch) run(ctx context.Context, index *searchFile) error {
	q := &d.query
	f, err := d.s.finder(ctx, seek{
		tenant: q.Tenant, eventType: q.EventType, text: q.Text, webhook: q.WebhookID, status: q.Status, since: q.Since, until: q.Until,
		before: q.Before.Event, inclusive: !q.Before.Delivery.IsZero(), limit: q.Limit,
	}, index)
	if err != nil || f == nil {
		return err
	}
	for len(d.found) <= q.Limit {
		if d.more = f.looked >= peal.MaxSearchedEvents; d.more {
			return nil
		}
		seqs, err := f.next(ctx)
		if err != nil {
			return err
		}
		if len(seqs) == 0 {
			return nil
		}
		if err := d.look(ctx, f, seqs); err != nil {
			return err
		}
	}
	return nil
}

// candidateEvent is an event whose deliveries are looked at.
type candidateEvent struct {
	key    peal.EventKey
	places []int64
	terms  fulltext.Terms
}

// look finds the deliveries of some events.
func (d *deliverySearch) look(ctx context.Context, f *finder, seqs []int64) error {
	events := map[int64]*candidateEvent{}
	var deliveries []peal.Delivery
	byPlace := map[int64]int{} // of the deliveries
	answers := map[int64]fulltext.Terms{}
	if err := d.s.snapshot(ctx, func(q querier) error {
		var places []int64
		if err := q.query(ctx, selectEvent+` WHERE e.seq IN (SELECT value FROM json_each(?1)) AND e.tenant = ?2 AND (?3 = 0 OR e.type = ?3)`, func(r row) error {
			event := scanEvent(r)
			c := &candidateEvent{key: event.Key, places: seqsOf(r.blob(eventDeliveries))}
			if d.query.Text != "" {
				for _, text := range textsOf(&event) {
					c.terms |= f.query.In(text)
				}
			}
			events[r.int(0)] = c
			places = append(places, c.places...)
			return nil
		}, listOf(seqs), f.tenant, f.typeNum); err != nil {
			return err
		}
		if err := q.query(ctx, selectDelivery+` WHERE d.seq IN (SELECT value FROM json_each(?1)) AND w.tenant = ?2`, func(r row) error {
			delivery := scanDelivery(r)
			if (d.query.WebhookID.IsZero() || delivery.WebhookID == d.query.WebhookID) && (d.query.Status == "" || delivery.Status == d.query.Status) {
				byPlace[r.int(0)] = len(deliveries)
				deliveries = append(deliveries, delivery)
			}
			return nil
		}, listOf(places), f.tenant); err != nil {
			return err
		}
		if d.query.Text == "" {
			return nil
		}
		var unsure []int64 // whose event does not have all the words
		for _, c := range events {
			for _, place := range c.places {
				if i, chosen := byPlace[place]; chosen && !f.query.All(c.terms) {
					answers[place] = f.query.In([]byte(deliveries[i].ID.String()))
					unsure = append(unsure, place)
				}
			}
		}
		return answersTo(ctx, q, unsure, func(delivery int64, body []byte) { answers[delivery] |= f.query.In(body) })
	}); err != nil {
		return err
	}
	for _, seq := range seqs {
		c := events[seq]
		if c == nil {
			continue // it is gone
		}
		slices.Sort(c.places)
		for _, place := range slices.Backward(c.places) {
			i, chosen := byPlace[place]
			if !chosen || d.query.Text != "" && !f.query.All(c.terms|answers[place]) || d.isBefore(c.key, deliveries[i].ID) {
				continue
			}
			d.found = append(d.found, deliveries[i])
		}
		d.place = peal.SearchPosition{Event: c.key}
	}
	return nil
}

// isBefore is whether an earlier search has come through a delivery already.
func (d *deliverySearch) isBefore(event peal.EventKey, id peal.DeliveryID) bool {
	return event == d.query.Before.Event && !d.query.Before.Delivery.IsZero() && id.Compare(d.query.Before.Delivery) >= 0
}
