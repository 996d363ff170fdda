package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/message"
)

// The index is asked for a stretch of time after the other, the newest first: a short
// one at first, a longer one where little was found, and a shorter one where it took too
// long. So neither words that are everywhere nor words that are nowhere cost much.
const (
	firstStretch = 15 * time.Minute
	leastStretch = time.Second
	stretchTime  = 700 * time.Millisecond // that one may take
)

// finder goes through the events that a search may be about, the newest first.
type finder struct {
	s     *Store
	query fulltext.Query
	match string // for the index; "" when only the type matters
	// tenant and typeNum are their numbers; typeNum is 0 for all types.
	tenant, typeNum int32
	span
	stretch time.Duration
	looked  int
	page    int // how many events the next look takes
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
func (s *Store) finder(ctx context.Context, k seek) (*finder, error) {
	f := &finder{s: s, span: spanOf(k.since, k.until, k.before), stretch: firstStretch, page: min(k.limit, indexEvents)}
	if k.inclusive && [16]byte(k.before) == f.until {
		f.until = following(f.until)
	}
	var webhook int32
	for _, place := range [...]struct {
		text  string
		into  *int32
		value any
		none  bool
	}{
		{`SELECT num FROM peal.tenants WHERE name = $1`, &f.tenant, clean(k.tenant), false},
		{`SELECT num FROM peal.types WHERE name = $1`, &f.typeNum, clean(k.eventType), k.eventType == ""},
		{`SELECT num FROM peal.webhooks WHERE id = $1`, &webhook, uuid(k.webhook), k.webhook.IsZero()},
	} {
		if place.none {
			continue
		}
		if found, err := s.one(ctx, s.pool, place.text, []any{place.value}, place.into); err != nil || !found {
			return nil, err
		}
	}
	if k.text == "" {
		return f, nil
	}
	var err error
	if f.query, err = fulltext.Parse(k.text); err != nil {
		return nil, err
	}
	f.match = f.matching(webhook, k.status)
	// Between its oldest and its newest row lies all that the index has.
	var oldest, newest [16]byte
	found, err := s.one(ctx, s.pool, `SELECT (SELECT event FROM peal.search ORDER BY event LIMIT 1), (SELECT event FROM peal.search ORDER BY event DESC LIMIT 1)
		WHERE EXISTS (SELECT FROM peal.search)`, nil, &oldest, &newest)
	if err != nil || !found {
		return nil, err
	}
	if string(oldest[:]) > string(f.from[:]) {
		f.from = oldest
	}
	if string(newest[:]) < string(f.until[:]) {
		f.until = following(newest)
	}
	return f, nil
}

// matching writes the search for the index. Words hold no quotes.
func (f *finder) matching(webhook int32, status peal.DeliveryStatus) string {
	parts := []string{`'` + tenantFact(f.tenant) + `'`}
	if f.typeNum != 0 {
		parts = append(parts, `'`+typeFact(f.typeNum)+`'`)
	}
	if webhook != 0 {
		parts = append(parts, `'`+webhookFact(webhook)+`'`)
	}
	if status != "" && status != peal.Pending { // what was final may be pending again
		parts = append(parts, `'`+statusFact(statusNumbers[status])+`'`)
	}
	for _, word := range f.query.Words() {
		part := `'` + word.Text + `'`
		if word.Prefix {
			part += ":*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " & ")
}

// next returns the next events, none at the end, and continues before them.
func (f *finder) next(ctx context.Context) (events [][16]byte, err error) {
	page := min(f.page, peal.MaxSearchedEvents-f.looked)
	if f.match == "" {
		err = f.s.query(ctx, `SELECT key FROM peal.events WHERE tenant = $1 AND type = $2 AND key >= $3 AND key < $4 ORDER BY key DESC LIMIT $5`,
			collectIDs(&events), f.tenant, f.typeNum, uuid(f.from), uuid(f.until), page)
	} else {
		events, err = f.nextIndexed(ctx, page)
	}
	if len(events) > 0 {
		f.until = events[len(events)-1]
	}
	f.looked += len(events)
	f.page = indexEvents
	return events, err
}

func collectIDs(ids *[][16]byte) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var id [16]byte
		err := rows.Scan(&id)
		*ids = append(*ids, id)
		return err
	}
}

// nextIndexed asks for stretch after stretch until something is found.
func (f *finder) nextIndexed(ctx context.Context, page int) (events [][16]byte, err error) {
	for string(f.from[:]) < string(f.until[:]) {
		from := f.from
		if begin := floor(peal.EventKey(f.until).Time().Add(-f.stretch)); string(begin[:]) > string(from[:]) && string(begin[:]) < string(f.until[:]) {
			from = begin
		}
		err := f.s.transact(ctx, func(t *tx) error {
			events = nil
			if _, err := t.exec(`SELECT set_config('statement_timeout', $1, true)`, stretchTime.String()); err != nil {
				return err
			}
			return t.each(`SELECT event FROM peal.search WHERE words @@ $1::tsquery AND event >= $2 AND event < $3 ORDER BY event DESC LIMIT $4`,
				collectIDs(&events), f.match, uuid(from), uuid(f.until), page)
		})
		if stateOf(err) == pgerrcode.QueryCanceled && ctx.Err() == nil && f.stretch > leastStretch {
			f.stretch = max(f.stretch/8, leastStretch)
			continue
		}
		if err != nil || len(events) == page {
			return events, err
		}
		f.until = from
		f.stretch *= 2
		if len(events) > 0 {
			return events, nil
		}
	}
	return nil, nil
}

// timely runs a search with its own bound of time. late is true when that was too
// short; the caller's own end is an error as ever.
func timely(ctx context.Context, search func(context.Context) error) (late bool, err error) {
	inner, cancel := context.WithTimeout(ctx, peal.MaxSearchTime)
	defer cancel()
	err = search(inner)
	if err != nil && ctx.Err() == nil && (inner.Err() != nil || stateOf(err) == pgerrcode.QueryCanceled) {
		return true, nil
	}
	return false, err
}

func tooLate() error {
	return peal.Fail(peal.Unavailable, message.SearchSlow, peal.MaxSearchTime).At("text")
}

// checkSearch refuses a text that cannot be looked for.
func (s *Store) checkSearch(ctx context.Context, text string) error {
	if text == "" {
		return nil
	}
	if _, err := fulltext.Parse(text); err != nil {
		return err
	}
	on, err := s.searchIsOn(ctx)
	if err == nil && !on {
		err = peal.Fault("text", message.SearchOff)
	}
	return err
}

// FindDeliveries implements [storetest.SearchStore].
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
	more  bool                // there may be others after place
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

// candidateEvent is an event with the deliveries to look at.
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

// answers returns the terms found in IDs and responses of deliveries, for those with events that do not
// contain all terms.
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

// FindEvents implements [storetest.SearchStore].
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
