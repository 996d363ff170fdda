package postgres

import (
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

const selectEvent = `SELECT e.key, n.name, t.name, e.ext_id, coalesce(e.subject, ''), e.time, e.deliveries, e.data
	FROM peal.events e JOIN peal.tenants n ON n.num = e.tenant JOIN peal.types t ON t.num = e.type`

// scanEvent reads a row of selectEvent; deliveries are the IDs one behind the other.
func scanEvent(rows pgx.Rows) (e peal.Event, deliveries []byte, err error) {
	var extID, written *string
	if err := rows.Scan((*[16]byte)(&e.Key), &e.Tenant, &e.Type, &extID, &e.Subject, &written, &deliveries, (*[]byte)(&e.Data)); err != nil {
		return e, nil, err
	}
	if e.ID = e.Key.String(); extID != nil {
		e.ID = *extID
	}
	e.Time = peal.TimestampOf(e.AcceptedAt())
	if written != nil {
		e.Time, _ = peal.ParseTimestamp(*written) // it was parsed before it was stored; "" leaves none
	}
	return e, deliveries, nil
}

// eventsByKey reads events. The keys are in the text's plan, so that only the
// partitions of their days are looked at.
func (s *Store) eventsByKey(ctx context.Context, q querier, keys [][16]byte, each func(*peal.Event, []byte)) error {
	return s.each(ctx, q, selectEvent+` WHERE e.key = ANY ($1)`, func(rows pgx.Rows) error {
		event, deliveries, err := scanEvent(rows)
		if err == nil {
			each(&event, deliveries)
		}
		return err
	}, uuids(keys...))
}

// readEvent returns an event with the deliveries that were committed with it; nil if there is none.
func (s *Store) readEvent(ctx context.Context, q querier, key [16]byte) (event *peal.Event, deliveries []peal.DeliveryID, err error) {
	err = s.eventsByKey(ctx, q, [][16]byte{key}, func(e *peal.Event, list []byte) {
		event, deliveries = e, idsIn[peal.DeliveryID](list)
	})
	return event, deliveries, err
}

// Event implements [storetest.HistoryStore].
func (s *Store) Event(ctx context.Context, tenant, id string) (peal.Event, error) {
	event, err := s.event(ctx, tenant, id)
	if err == nil && event == nil {
		err = peal.Fail(peal.NotFound, message.NoEvent, strconv.Quote(id))
	}
	if err != nil {
		return peal.Event{}, translate("read an event", err)
	}
	return *event, nil
}

func (s *Store) event(ctx context.Context, tenant, id string) (*peal.Event, error) {
	key, found, err := s.keyOf(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	if found {
		event, _, err := s.readEvent(ctx, s.pool, key)
		return event, err
	}
	parsed, bad := peal.ParseEventKey(id)
	if bad != nil {
		return nil, nil
	}
	event, _, err := s.readEvent(ctx, s.pool, parsed)
	if event != nil && event.Tenant != tenant {
		event = nil
	}
	return event, err
}

// Events implements [storetest.HistoryStore]. It looks at the newest days first. In each,
// a tenant's events of a type are a stretch of an index in order of time; the newest
// of all types are among the newest of each.
func (s *Store) Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error) {
	var tenant int32
	found, err := s.one(ctx, s.pool, `SELECT num FROM peal.tenants WHERE name = $1`, []any{clean(query.Tenant)}, &tenant)
	if err != nil || !found {
		return nil, translate("list events", err)
	}
	var events []peal.Event
	err = s.windows(ctx, "events", spanOf(query.Since, query.Until, query.Before), func(r span) (bool, error) {
		err := s.query(ctx, `WITH RECURSIVE every (type) AS (
				SELECT min(type) FROM peal.events WHERE tenant = $1 AND key >= $2 AND key < $3
				UNION ALL
				SELECT (SELECT min(type) FROM peal.events WHERE tenant = $1 AND type > every.type AND key >= $2 AND key < $3) FROM every WHERE type IS NOT NULL),
			page (key) AS (
				SELECT x.key FROM (SELECT num AS type FROM peal.types WHERE $5::text <> '' AND name = $5 UNION ALL SELECT type FROM every WHERE $5 = '' AND type IS NOT NULL) lane
				CROSS JOIN LATERAL (SELECT key FROM peal.events WHERE tenant = $1 AND type = lane.type AND key >= $2 AND key < $3 ORDER BY key DESC LIMIT $4) x
				ORDER BY x.key DESC LIMIT $4)
			`+selectEvent+` JOIN page p ON p.key = e.key WHERE e.key >= $2 AND e.key < $3 ORDER BY e.key DESC`, func(rows pgx.Rows) error {
			event, _, err := scanEvent(rows)
			events = append(events, event)
			return err
		}, tenant, uuid(r.from), uuid(r.until), query.Limit-len(events), clean(query.Type))
		return len(events) < query.Limit, err
	})
	return events, translate("list events", err)
}

// windows calls look with the days of a span that have partitions, the newest first and then more and
// more at a time, as long as it returns more.
func (s *Store) windows(ctx context.Context, table string, r span, look func(span) (more bool, err error)) error {
	if string(r.from[:]) >= string(r.until[:]) {
		return nil
	}
	days, err := s.listDays(ctx, table)
	if err != nil {
		return err
	}
	days = slices.DeleteFunc(days, func(day int64) bool {
		first, next := dayFloor(day), dayFloor(day+1)
		return string(next[:]) <= string(r.from[:]) || string(first[:]) >= string(r.until[:])
	})
	for wide := 1; len(days) > 0; wide *= 2 {
		n := max(len(days)-wide, 0)
		part := r
		if first := dayFloor(days[n]); string(first[:]) > string(part.from[:]) {
			part.from = first
		}
		if next := dayFloor(days[len(days)-1] + 1); string(next[:]) < string(part.until[:]) {
			part.until = next
		}
		days = days[:n]
		if more, err := look(part); err != nil || !more {
			return err
		}
	}
	return nil
}

// FilterErrors implements [storetest.HistoryStore].
func (s *Store) FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error) {
	var list []peal.FilterError
	err := s.query(ctx, `SELECT e.filter_errors FROM peal.events e JOIN peal.tenants n ON n.num = e.tenant
		WHERE e.key = $1 AND n.name = $2 AND e.filter_errors IS NOT NULL`, func(rows pgx.Rows) (err error) {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		list, err = record.DecodeFilterErrors(text)
		return err
	}, uuid(key), clean(tenant))
	return list, translate("read the filter errors of an event", err)
}

// findDuplicates looks for earlier events with the ids of a call, answers the duplicates and leaves the
// others. It refuses the call if an id returns with other content.
func (s *Store) findDuplicates(ctx context.Context, in *insertion) error {
	left := in.left
	in.left = nil
	for _, i := range left {
		this := &in.insertions[i]
		if !this.IDGiven {
			in.left = append(in.left, i)
			continue
		}
		first, webhooks, err := s.firstOf(ctx, this.Event.Tenant, this.Event.ID)
		if err != nil {
			return err
		}
		if first == nil {
			in.left = append(in.left, i)
			continue
		}
		if err := in.duplicate(i, first, webhooks); err != nil {
			return err
		}
	}
	return nil
}

// duplicate answers an insertion with the first event of its id.
func (in *insertion) duplicate(i int, first *peal.Event, webhooks []peal.WebhookID) error {
	this := &in.insertions[i]
	if !first.SameContent(this.Event, this.TimeGiven) {
		refused := peal.Fail(peal.Conflict, message.EventIDTaken)
		refused.Field = "events[" + strconv.Itoa(i) + "].id"
		return refused
	}
	in.inserted[i] = peal.InsertResult{Duplicate: true, Event: first, Webhooks: webhooks}
	return nil
}

// firstOf returns the event with a publisher's id and its webhooks; nil if there is none.
func (s *Store) firstOf(ctx context.Context, tenant, id string) (*peal.Event, []peal.WebhookID, error) {
	key, found, err := s.keyOf(ctx, tenant, id)
	if err != nil || !found {
		return nil, nil, err
	}
	event, deliveries, err := s.readEvent(ctx, s.pool, key)
	if err != nil || event == nil {
		return nil, nil, err
	}
	byID := map[peal.DeliveryID]peal.WebhookID{}
	if err := s.deliveriesByID(ctx, s.pool, deliveries, func(d *peal.Delivery) { byID[d.ID] = d.WebhookID }); err != nil {
		return nil, nil, err
	}
	var webhooks []peal.WebhookID
	for _, id := range deliveries {
		if webhook, ok := byID[id]; ok {
			webhooks = append(webhooks, webhook)
		}
	}
	return event, webhooks, nil
}

// keyOf returns the key of the event with a publisher's id.
func (s *Store) keyOf(ctx context.Context, tenant, id string) (key [16]byte, found bool, err error) {
	found, err = s.one(ctx, s.pool, `SELECT i.event FROM peal.event_ids i JOIN peal.tenants n ON n.num = i.tenant WHERE n.name = $1 AND i.ext_id = $2`,
		[]any{clean(tenant), clean(id)}, &key)
	return key, found, err
}
