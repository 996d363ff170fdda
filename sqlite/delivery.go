package sqlite

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// selectFrom reads deliveries for scanDelivery from a table or view of their rows.
func selectFrom(rows string) string {
	return `SELECT d.seq, d.head, d.tail, n.name, w.id, e.seq, e.head, e.tail, e.ext_id, t.name,
			d.status, d.attempts, d.tries, d.due, d.code, d.duration, d.reason, d.test, d.at
		FROM ` + rows + ` d JOIN webhooks w ON w.num = d.webhook JOIN tenants n ON n.num = w.tenant
		LEFT JOIN events e ON e.seq = d.event LEFT JOIN types t ON t.num = e.type`
}

var selectDelivery = selectFrom("deliveries")

func scanDelivery(r row) peal.Delivery {
	d := peal.Delivery{
		ID: idAt(r.int(0), r[1], r.int(2)), Tenant: r.text(3), WebhookID: peal.WebhookID(r.blob(4)),
		EventKey: idAt(r.int(5), r[6], r.int(7)), EventID: r.text(8), EventType: r.text(9),
		Status: statusNames[r.int(10)], Attempts: int(r.int(11)), Tries: int(r.int(12)),
		StatusCode: int(r.int(14)), Duration: time.Duration(r.int(15)) * time.Microsecond, Reason: peal.Reason(r.text(16)),
		Test: r.int(17) != 0, SettledAt: timeOf(r.int(18)),
	}
	if r[8] == nil {
		d.EventID = d.EventKey.String()
	}
	if d.Status == peal.Pending {
		d.Due = timeOf(r.int(13))
	}
	return d
}

// Delivery implements [storetest.HistoryStore].
func (s *Store) Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	var delivery peal.Delivery
	found := false
	err := s.snapshot(ctx, func(q querier) error {
		seq, there, err := seqOf(ctx, q, "deliveries", halve(id))
		if err != nil || !there {
			return err
		}
		return q.query(ctx, selectDelivery+` WHERE d.seq = ? AND n.name = ?`, func(r row) error {
			delivery, found = scanDelivery(r), true
			return nil
		}, seq, tenant)
	})
	if err == nil && !found {
		err = noDelivery(id)
	}
	return delivery, translate("read a delivery", err)
}

func noDelivery(id peal.DeliveryID) error {
	return peal.Fail(peal.NotFound, message.NoDelivery, id)
}

// Deliveries implements [storetest.HistoryStore].
func (s *Store) Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error) {
	var deliveries []peal.Delivery
	if _, known := statusNumbers[query.Status]; !known && query.Status != "" {
		return nil, nil // no such status, no such delivery
	}
	err := s.snapshot(ctx, func(q querier) error {
		span, err := spanOf(ctx, q, "deliveries", query.Since, query.Until, halve(query.Before))
		if err != nil {
			return err
		}
		values := []any{query.Tenant, nil, span.from, span.until, int64(query.Limit)}
		if !query.WebhookID.IsZero() {
			values[1] = query.WebhookID[:]
		}
		page := pageOfWebhooks(query.Status)
		if !query.EventKey.IsZero() {
			seqs, err := deliveriesOf(ctx, q, query.EventKey)
			if err != nil || len(seqs) == 0 {
				return err
			}
			page = pageOfEvent(query.Status)
			values = append(values, seqs)
		}
		return q.query(ctx, page+selectFrom("page")+` ORDER BY d.seq DESC`, func(r row) error {
			deliveries = append(deliveries, scanDelivery(r))
			return nil
		}, values...)
	})
	return deliveries, translate("list deliveries", err)
}

// deliveriesOf returns the keys of an event's deliveries, as a JSON array.
func deliveriesOf(ctx context.Context, q querier, event peal.EventKey) (string, error) {
	seq, found, err := seqOf(ctx, q, "events", halve(event))
	if err != nil || !found {
		return "", err
	}
	var seqs []int64
	if err := q.query(ctx, `SELECT deliveries FROM events WHERE seq = ?`, func(r row) error {
		seqs = seqsOf(r.blob(0))
		return nil
	}, seq); err != nil || len(seqs) == 0 {
		return "", err
	}
	text, err := json.Marshal(seqs)
	return string(text), err
}

// A page is a common table expression of a query with these parameters: the
// tenant, the webhook or NULL, the keys from and until, the limit, and the keys
// that an event names.
const chosen = `chosen AS (SELECT num FROM webhooks WHERE tenant = (SELECT num FROM tenants WHERE name = ?1) AND (?2 IS NULL OR id = ?2))`

// pageOfEvent chooses among the deliveries of one event.
func pageOfEvent(status peal.DeliveryStatus) string {
	where := ""
	if status != "" {
		where = ` AND status = ` + statusText(status)
	}
	return `WITH ` + chosen + `, page AS (SELECT * FROM deliveries WHERE seq IN (SELECT value FROM json_each(?6)) AND seq >= ?3 AND seq < ?4
		AND webhook IN (SELECT num FROM chosen)` + where + ` ORDER BY seq DESC LIMIT +?5) `
}

// pageOfWebhooks chooses the newest deliveries of webhooks. A webhook's settled
// deliveries of one status are a lane: a stretch of an index in order of time. The
// newest of all lanes are among the newest of those lanes that have the newest,
// so that nothing else is looked at, however many lanes and however long. The
// held ones are few enough to look at them all.
func pageOfWebhooks(status peal.DeliveryStatus) string {
	var parts, numbers []string
	for _, s := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Canceled} {
		if status == "" || s == status {
			numbers = append(numbers, statusText(s))
		}
	}
	if len(numbers) > 0 {
		parts = append(parts, newest(`settled`, `settled_webhook`, `x.status, NULL AS due`, `x.at`, `webhook = lane.webhook AND status = lane.status`,
			`SELECT chosen.num AS webhook, s.column1 AS status FROM chosen CROSS JOIN (VALUES (`+strings.Join(numbers, `), (`)+`)) s`))
	}
	if status == "" || status == peal.Pending {
		parts = append(parts,
			newest(`waiting`, `waiting_webhook`, `0 AS status, x.due`, `NULL AS at`, `webhook = lane.webhook`, `SELECT chosen.num AS webhook FROM chosen`),
			`SELECT * FROM (SELECT `+pageRow(`0 AS status, x.due`, `NULL AS at`)+` FROM held x
				WHERE x.seq >= ?3 AND x.seq < ?4 AND x.webhook IN (SELECT num FROM chosen) ORDER BY x.seq DESC LIMIT +?5)`)
	}
	return `WITH ` + chosen + `, page AS (SELECT * FROM (` + strings.Join(parts, ` UNION ALL `) + `) ORDER BY seq DESC LIMIT +?5) `
}

// pageRow is the columns of the view deliveries, read from one of its tables as x.
func pageRow(statusAndDue, at string) string {
	return `x.seq, x.head, x.tail, x.webhook, x.event, ` + statusAndDue + `, x.test, x.attempts, x.tries, x.code, x.duration, x.reason, ` + at
}

// newest returns a query for the newest rows in a table's lanes.
func newest(table, index, statusAndDue, at, inLane, lanes string) string {
	within := table + ` INDEXED BY ` + index + ` WHERE ` + inLane + ` AND seq >= ?3 AND seq < ?4`
	return `SELECT * FROM (SELECT ` + pageRow(statusAndDue, at) + ` FROM
		(SELECT * FROM (SELECT lane.*, (SELECT max(seq) FROM ` + within + `) AS newest FROM (` + lanes + `) lane)
			WHERE newest IS NOT NULL ORDER BY newest DESC LIMIT +?5) lane
		CROSS JOIN ` + table + ` x ON x.seq IN (SELECT seq FROM ` + within + ` ORDER BY seq DESC LIMIT +?5)
		ORDER BY x.seq DESC LIMIT +?5)`
}

func statusText(status peal.DeliveryStatus) string {
	return strconv.FormatInt(statusNumbers[status], 10)
}

// Attempts implements [storetest.HistoryStore].
func (s *Store) Attempts(ctx context.Context, tenant string, id peal.DeliveryID) ([]peal.Attempt, error) {
	var attempts []peal.Attempt
	err := s.snapshot(ctx, func(q querier) error {
		seq, found, err := seqOf(ctx, q, "deliveries", halve(id))
		if err != nil || !found {
			return err
		}
		return q.query(ctx, `SELECT record FROM (
				SELECT delivery AS seq, record FROM attempts WHERE delivery = ?1
				UNION ALL SELECT seq, last FROM settled WHERE seq = ?1 AND last IS NOT NULL)
			WHERE EXISTS (SELECT 1 FROM deliveries d JOIN webhooks w ON w.num = d.webhook JOIN tenants n ON n.num = w.tenant
				WHERE d.seq = ?1 AND n.name = ?2)`, func(r row) error {
			a := record.ReadAttempt(r.blob(0))
			a.DeliveryID = id
			attempts = append(attempts, a)
			return nil
		}, seq, tenant)
	})
	slices.SortFunc(attempts, func(a, b peal.Attempt) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return a.ID.Compare(b.ID)
	})
	return attempts, translate("read attempts", err)
}
