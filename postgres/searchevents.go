package postgres

import (
	"context"

	"github.com/pealhq/peal"
)

// FindEvents implements [peal.SearchStore].
func (s *Store) FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error) {
	var found peal.FoundEvents
	if err := s.checkSearch(ctx, query.Text); err != nil {
		return found, translate("find events", err)
	}
	search := eventSearch{s: s, query: query, place: query.Before}
	late, err := timely(ctx, search.run)
	if late && search.place == query.Before {
		err = tooLate()
	}
	if err != nil {
		return found, translate("find events", err)
	}
	found.Events = search.found
	if search.more || late {
		found.Next = search.place
	}
	if len(found.Events) > query.Limit {
		found.Events = found.Events[:query.Limit]
		found.Next = found.Events[query.Limit-1].Key
	}
	return found, nil
}

// eventSearch is a search for events on its way.
type eventSearch struct {
	s     *Store
	query peal.EventSearch
	found []peal.Event
	place peal.EventKey // how far it has come
	more  bool          // there may be others after place
}

// run looks at events until one more is found than is asked for.
func (d *eventSearch) run(ctx context.Context) error {
	q := &d.query
	f, err := d.s.finder(ctx, seek{tenant: q.Tenant, eventType: q.Type, text: q.Text, since: q.Since, until: q.Until, before: q.Before, limit: q.Limit})
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
		events := map[[16]byte]*peal.Event{}
		if err := d.s.eventsByKey(ctx, d.s.pool, keys, func(e *peal.Event, _ []byte) { events[e.Key] = e }); err != nil {
			return err
		}
		for _, key := range keys {
			e := events[key]
			if e == nil || e.Tenant != q.Tenant || q.Type != "" && e.Type != q.Type {
				continue
			}
			d.place = e.Key
			if q.Text == "" || f.query.All(termsOf(&f.query, e)) {
				d.found = append(d.found, *e)
			}
		}
	}
	return nil
}
