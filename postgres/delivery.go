package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// The columns of a delivery's row in each of its tables, as x.
const (
	heldRow    = `x.id, x.webhook, x.event, 0 AS status, x.due, x.test, x.attempts, x.tries, x.code, x.duration, x.reason, 0::bigint AS at`
	waitingRow = heldRow
	settledRow = `x.id, x.webhook, x.event, x.status::integer AS status, 0::bigint AS due, x.test, x.attempts, x.tries, x.code, x.duration, x.reason, x.at`
)

// selectFrom reads deliveries for scanDelivery from rows of these columns. The
// events' ids and types are read apart: see fillEvents.
func selectFrom(rows string) string {
	return `SELECT d.id, n.name, w.id, d.event, d.status, d.attempts, d.tries, d.due, d.code, d.duration, coalesce(d.reason, ''), d.test, d.at
		FROM (` + rows + `) d JOIN peal.webhooks w ON w.num = d.webhook JOIN peal.tenants n ON n.num = w.tenant`
}

func scanDelivery(rows pgx.Rows) (peal.Delivery, error) {
	var d peal.Delivery
	var status int
	var due, duration, at int64
	var reason string
	err := rows.Scan((*[16]byte)(&d.ID), &d.Tenant, (*[16]byte)(&d.WebhookID), (*[16]byte)(&d.EventKey), &status, &d.Attempts, &d.Tries,
		&due, &d.StatusCode, &duration, &reason, &d.Test, &at)
	d.Status, d.Due, d.SettledAt = statusNames[status], timeOf(due), timeOf(at)
	d.Duration, d.Reason = time.Duration(duration)*time.Microsecond, peal.Reason(reason)
	d.EventID = d.EventKey.String()
	return d, err
}

// fillEvents puts the ids and types of the events into deliveries.
func (s *Store) fillEvents(ctx context.Context, q querier, deliveries []peal.Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	type named struct{ id, eventType string }
	events := map[[16]byte]named{}
	for i := range deliveries {
		events[deliveries[i].EventKey] = named{}
	}
	keys := make([][16]byte, 0, len(events))
	for key := range events {
		keys = append(keys, key)
	}
	if err := s.each(ctx, q, `SELECT e.key, coalesce(e.ext_id, ''), t.name FROM peal.events e JOIN peal.types t ON t.num = e.type WHERE e.key = ANY ($1)`, func(rows pgx.Rows) error {
		var key [16]byte
		var n named
		err := rows.Scan(&key, &n.id, &n.eventType)
		events[key] = n
		return err
	}, uuids(keys...)); err != nil {
		return err
	}
	for i := range deliveries {
		n := events[deliveries[i].EventKey]
		if deliveries[i].EventType = n.eventType; n.id != "" {
			deliveries[i].EventID = n.id
		}
	}
	return nil
}

// deliveriesByID reads deliveries wherever they are. Settled ones may be reopened
// between two looks, so that all three tables are looked at in one statement.
func (s *Store) deliveriesByID(ctx context.Context, q querier, ids []peal.DeliveryID, each func(*peal.Delivery)) error {
	if len(ids) == 0 {
		return nil
	}
	found := 0
	err := s.each(ctx, q, selectFrom(`SELECT `+heldRow+` FROM peal.held x WHERE x.id = ANY ($1)
			UNION ALL SELECT `+waitingRow+` FROM peal.waiting x WHERE x.id = ANY ($1)
			UNION ALL SELECT `+settledRow+` FROM peal.settled x WHERE x.id = ANY ($1)`), func(rows pgx.Rows) error {
		d, err := scanDelivery(rows)
		if err == nil {
			found++
			each(&d)
		}
		return err
	}, uuids(ids...))
	if err != nil || found >= len(ids) {
		return err
	}
	return s.eachSpread(ctx, q, ids, each)
}

// Delivery implements [storetest.HistoryStore].
func (s *Store) Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	var list []peal.Delivery
	err := s.deliveriesByID(ctx, s.pool, []peal.DeliveryID{id}, func(d *peal.Delivery) {
		if d.Tenant == tenant {
			list = append(list, *d)
		}
	})
	if err == nil && len(list) == 0 {
		err = noDelivery(id)
	}
	if err == nil {
		err = s.fillEvents(ctx, s.pool, list)
	}
	if err != nil {
		return peal.Delivery{}, translate("read a delivery", err)
	}
	return list[0], nil
}

// Deliveries implements [storetest.HistoryStore].
func (s *Store) Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error) {
	if _, known := statusNumbers[query.Status]; !known && query.Status != "" {
		return nil, nil // no such status, no such delivery
	}
	list, err := s.deliveries(ctx, query)
	if err == nil {
		err = s.fillEvents(ctx, s.pool, list)
	}
	return list, translate("list deliveries", err)
}

func (s *Store) deliveries(ctx context.Context, query peal.DeliveryQuery) (list []peal.Delivery, err error) {
	r := spanOf(query.Since, query.Until, query.Before)
	if !query.EventKey.IsZero() {
		return s.deliveriesOfEvent(ctx, query, r)
	}
	scan := func(rows pgx.Rows) error {
		d, err := scanDelivery(rows)
		list = append(list, d)
		return err
	}
	if query.Status == peal.Pending {
		err := s.query(ctx, selectPage(nil, true), scan, clean(query.Tenant), orNoID(query.WebhookID), uuid(r.from), uuid(r.until), query.Limit)
		return list, err
	}
	// The newest days first. Pending deliveries are in no partition: they are looked
	// at in each window, and before the oldest one.
	left := r.until
	err = s.windows(ctx, "settled", r, func(part span) (bool, error) {
		part.until, left = left, part.from
		err := s.query(ctx, selectPage(finalOf(query.Status), query.Status == ""), scan,
			clean(query.Tenant), orNoID(query.WebhookID), uuid(part.from), uuid(part.until), query.Limit-len(list))
		return len(list) < query.Limit, err
	})
	if err == nil && query.Status == "" && len(list) < query.Limit {
		err = s.query(ctx, selectPage(nil, true), scan, clean(query.Tenant), orNoID(query.WebhookID), uuid(r.from), uuid(left), query.Limit-len(list))
	}
	return list, err
}

// finalOf returns the numbers of the final statuses in a query.
func finalOf(status peal.DeliveryStatus) []string {
	var numbers []string
	for _, s := range [...]peal.DeliveryStatus{peal.Success, peal.Failed, peal.Canceled} {
		if status == "" || status == s {
			numbers = append(numbers, strconv.Itoa(int(statusNumbers[s])))
		}
	}
	return numbers
}

// selectPage chooses the newest deliveries of webhooks, with these parameters: the
// tenant, the webhook or NULL, the IDs from and until, the limit. A webhook's
// settled deliveries of one status are a stretch of an index in order of time, and
// so are its waiting ones; the newest of all are among the newest of each. The held
// ones are few enough to look at them all.
func selectPage(final []string, pending bool) string {
	var parts []string
	if len(final) > 0 {
		parts = append(parts, `(SELECT `+settledRow+` FROM chosen CROSS JOIN (VALUES (`+strings.Join(final, `), (`)+`)) f(status)
			CROSS JOIN LATERAL (SELECT * FROM peal.settled WHERE webhook = chosen.num AND status = f.status AND id >= $3 AND id < $4 ORDER BY id DESC LIMIT $5) x
			ORDER BY x.id DESC LIMIT $5)`)
	}
	if pending {
		parts = append(parts, `(SELECT `+waitingRow+` FROM chosen
			CROSS JOIN LATERAL (SELECT * FROM peal.waiting WHERE webhook = chosen.num AND id >= $3 AND id < $4 ORDER BY id DESC LIMIT $5) x
			ORDER BY x.id DESC LIMIT $5)`,
			`(SELECT `+heldRow+` FROM peal.held x WHERE x.id >= $3 AND x.id < $4 AND x.webhook IN (SELECT num FROM chosen) ORDER BY x.id DESC LIMIT $5)`)
	}
	return `WITH chosen AS (SELECT num FROM peal.webhooks WHERE tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND ($2::uuid IS NULL OR id = $2)) ` +
		selectFrom(strings.Join(parts, ` UNION ALL `)) + ` ORDER BY d.id DESC LIMIT $5`
}

// deliveriesOfEvent chooses among the deliveries of one event.
func (s *Store) deliveriesOfEvent(ctx context.Context, query peal.DeliveryQuery, r span) (list []peal.Delivery, err error) {
	_, ids, err := s.readEvent(ctx, s.pool, query.EventKey)
	if err != nil {
		return nil, err
	}
	err = s.deliveriesByID(ctx, s.pool, ids, func(d *peal.Delivery) {
		in := string(d.ID[:]) >= string(r.from[:]) && string(d.ID[:]) < string(r.until[:])
		if in && d.Tenant == query.Tenant && (query.WebhookID.IsZero() || d.WebhookID == query.WebhookID) && (query.Status == "" || d.Status == query.Status) {
			list = append(list, *d)
		}
	})
	slices.SortFunc(list, func(a, b peal.Delivery) int { return b.ID.Compare(a.ID) })
	return list[:min(len(list), query.Limit)], err
}

// Attempts implements [storetest.HistoryStore].
func (s *Store) Attempts(ctx context.Context, tenant string, id peal.DeliveryID) ([]peal.Attempt, error) {
	var attempts []peal.Attempt
	err := s.query(ctx, `WITH d AS (
			SELECT webhook, NULL::bytea AS facts, NULL::bytea AS exchange FROM peal.held WHERE id = $1
			UNION ALL SELECT webhook, NULL, NULL FROM peal.waiting WHERE id = $1
			UNION ALL SELECT webhook, facts, exchange FROM peal.settled WHERE id = $1)
		SELECT a.facts, a.exchange FROM (SELECT facts, exchange FROM peal.attempts WHERE delivery = $1 UNION ALL SELECT facts, exchange FROM d WHERE facts IS NOT NULL) a
		WHERE EXISTS (SELECT FROM d JOIN peal.webhooks w ON w.num = d.webhook JOIN peal.tenants n ON n.num = w.tenant WHERE n.name = $2)`, func(rows pgx.Rows) error {
		var facts, exchange []byte
		if err := rows.Scan(&facts, &exchange); err != nil {
			return err
		}
		a := record.ReadJoined(facts, exchange)
		a.DeliveryID = id
		attempts = append(attempts, a)
		return nil
	}, uuid(id), clean(tenant))
	slices.SortFunc(attempts, func(a, b peal.Attempt) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return a.ID.Compare(b.ID)
	})
	return attempts, translate("read attempts", err)
}
