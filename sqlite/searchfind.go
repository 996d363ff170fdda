package sqlite

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/message"
)

// finder goes through the events that a search may be about, the newest first.
type finder struct {
	s     *Store
	query fulltext.Query
	index *searchFile // nil when only the type matters
	match string      // for the index
	// tenant and typeNum are their numbers; typeNum is 0 for all types.
	tenant, typeNum int64
	span
	looked int
	// page is the number of events in the next look.
	page int
}

// seek is the common part of searches for deliveries and for events.
type seek struct {
	tenant, eventType, text string
	webhook                 peal.WebhookID
	status                  peal.DeliveryStatus
	since, until            time.Time
	before                  peal.EventKey
	inclusive               bool // of before
	limit                   int
}

// finder prepares a search; nil when nothing can be found.
func (s *Store) finder(ctx context.Context, k seek, index *searchFile) (*finder, error) {
	f := &finder{s: s, index: index, page: min(k.limit, indexEvents)}
	var err error
	if k.text != "" {
		if f.query, err = fulltext.Parse(k.text); err != nil {
			return nil, err
		}
	}
	if f.span, err = spanOf(ctx, s.readers, "events", k.since, k.until, halve(k.before)); err != nil {
		return nil, err
	}
	if k.inclusive {
		f.until++
	}
	var webhook int64
	for text, place := range map[string]struct {
		into  *int64
		value any
		none  bool
	}{
		`SELECT num FROM tenants WHERE name = ?`: {&f.tenant, k.tenant, false},
		`SELECT num FROM types WHERE name = ?`:   {&f.typeNum, k.eventType, k.eventType == ""},
		`SELECT num FROM webhooks WHERE id = ?`:  {&webhook, k.webhook[:], k.webhook.IsZero()},
	} {
		if place.none {
			continue
		}
		if err := s.query(ctx, text, func(r row) error {
			*place.into = r.int(0)
			return nil
		}, place.value); err != nil || *place.into == 0 {
			return nil, err
		}
	}
	f.match = f.matching(webhook, k.status)
	return f, nil
}

// matching writes the search for the index. Words hold no quotes.
func (f *finder) matching(webhook int64, status peal.DeliveryStatus) string {
	parts := []string{`"` + tenantFact(f.tenant) + `"`}
	if f.typeNum != 0 {
		parts = append(parts, `"`+typeFact(f.typeNum)+`"`)
	}
	if webhook != 0 {
		parts = append(parts, `"`+webhookFact(webhook)+`"`)
	}
	if status != "" && status != peal.Pending { // what was final may be pending again
		parts = append(parts, `"`+statusFact(statusNumbers[status])+`"`)
	}
	for _, word := range f.query.Words() {
		part := `"` + word.Text + `"`
		if word.Prefix {
			part += "*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " AND ")
}

// next returns the next events, none at the end, and continues before them.
func (f *finder) next(ctx context.Context) (events []int64, err error) {
	page := min(f.page, peal.MaxSearchedEvents-f.looked)
	collect := func(r row) error {
		events = append(events, r.int(0))
		return nil
	}
	if f.index == nil {
		err = f.s.query(ctx, `SELECT seq FROM events WHERE tenant = ? AND type = ? AND seq >= ? AND seq < ? ORDER BY seq DESC LIMIT +?`, collect,
			f.tenant, f.typeNum, f.from, f.until, int64(page))
	} else {
		err = f.nextIndexed(ctx, page, collect)
	}
	if len(events) > 0 {
		f.until = events[len(events)-1]
	}
	f.looked += len(events)
	f.page = indexEvents
	return events, err
}

// nextIndexed asks the shards, the newest first, for up to page events.
func (f *finder) nextIndexed(ctx context.Context, page int, collect func(row) error) error {
	shards := f.index.list()
	end := int64(math.MaxInt64)
	for _, s := range slices.Backward(shards) {
		from, until := max(s.first, f.from), min(end, f.until)
		end = s.first
		if from >= until {
			continue
		}
		found := 0
		if err := f.index.readers.query(ctx, `SELECT rowid FROM `+s.table()+` WHERE `+s.table()+` MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT +?`, func(r row) error {
			found++
			return collect(r)
		}, f.match, from, until, int64(page)); err != nil {
			return err
		}
		if found > 0 { // the rest of the page is asked for next
			return nil
		}
		f.until = min(f.until, s.first) // nothing in this one
	}
	return nil
}

// timely runs a search with its own bound of time. late is true when that was too
// short; the caller's own end is an error as ever.
func timely(ctx context.Context, search func(context.Context) error) (late bool, err error) {
	inner, cancel := context.WithTimeout(ctx, peal.MaxSearchTime)
	defer cancel()
	err = search(inner)
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		return true, nil
	}
	return false, err
}

func tooLate() error {
	return peal.Fail(peal.Unavailable, message.SearchSlow, peal.MaxSearchTime).At("text")
}

// ofSearch runs a search with the index when it is about words, and without it when it
// is about a type only.
func (s *Store) ofSearch(text string, search func(*searchFile) error) error {
	if text == "" {
		return search(nil)
	}
	if _, err := fulltext.Parse(text); err != nil {
		return err
	}
	return s.withIndex(search)
}

// FindDeliveries implements [storetest.SearchStore].
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
	more  bool                // there may be others after place
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

// candidateEvent is an event with the deliveries to look at.
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
		var unsure []int64 // their events do not have all the words
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

// FindEvents implements [storetest.SearchStore].
func (s *Store) FindEvents(ctx context.Context, query peal.EventSearch) (peal.FoundEvents, error) {
	var found peal.FoundEvents
	place, more := query.Before, false
	err := s.ofSearch(query.Text, func(index *searchFile) error {
		late, err := timely(ctx, func(ctx context.Context) error {
			f, err := s.finder(ctx, seek{
				tenant: query.Tenant, eventType: query.Type, text: query.Text, since: query.Since, until: query.Until, before: query.Before, limit: query.Limit,
			}, index)
			if err != nil || f == nil {
				return err
			}
			for len(found.Events) <= query.Limit {
				if more = f.looked >= peal.MaxSearchedEvents; more {
					return nil
				}
				seqs, err := f.next(ctx)
				if err != nil || len(seqs) == 0 {
					return err
				}
				if err := s.query(ctx, selectEvent+` WHERE e.seq IN (SELECT value FROM json_each(?1)) AND e.tenant = ?2 AND (?3 = 0 OR e.type = ?3) ORDER BY e.seq DESC`, func(r row) error {
					event := scanEvent(r)
					place = event.Key
					terms := fulltext.Terms(0)
					for _, text := range textsOf(&event) {
						terms |= f.query.In(text)
					}
					if query.Text == "" || f.query.All(terms) {
						found.Events = append(found.Events, event)
					}
					return nil
				}, listOf(seqs), f.tenant, f.typeNum); err != nil {
					return err
				}
			}
			return nil
		})
		if late && place == query.Before {
			return tooLate()
		}
		if more || late {
			found.Next = place
		}
		if len(found.Events) > query.Limit {
			found.Events = found.Events[:query.Limit]
			found.Next = found.Events[query.Limit-1].Key
		}
		return err
	})
	return found, translate("find events", err)
}
