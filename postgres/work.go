package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// Due implements [peal.Store]. It takes one step in an index for each webhook
// that has deliveries waiting, however many those are.
func (s *Store) Due(ctx context.Context, after peal.WebhookID, limit int) ([]peal.DueWebhook, error) {
	var due []peal.DueWebhook
	err := s.query(ctx, `WITH RECURSIVE every (webhook) AS (
			SELECT min(webhook) FROM peal.waiting
			UNION ALL
			SELECT (SELECT min(webhook) FROM peal.waiting WHERE webhook > every.webhook) FROM every WHERE webhook IS NOT NULL)
		SELECT w.id, (SELECT min(due) FROM peal.waiting WHERE webhook = w.num), (SELECT max(due) FROM peal.waiting WHERE webhook = w.num)
		FROM every JOIN peal.webhooks w ON w.num = every.webhook WHERE w.id > $1 AND NOT w.deleted ORDER BY w.id LIMIT $2`, func(rows pgx.Rows) error {
		var id [16]byte
		var at, latest *int64 // none when they were claimed between two looks
		if err := rows.Scan(&id, &at, &latest); err != nil || at == nil || latest == nil {
			return err
		}
		due = append(due, peal.DueWebhook{WebhookID: id, Due: timeOf(*at), Latest: timeOf(*latest)})
		return nil
	}, uuid(after), limit)
	return due, translate("list due webhooks", err)
}

// AdvanceDue implements [peal.Store]. What another node is claiming is passed by.
func (s *Store) AdvanceDue(ctx context.Context, params peal.AdvanceParams) (int, error) {
	n, err := s.exec(ctx, `UPDATE peal.waiting SET due = CASE attempts WHEN 0 THEN $3::bigint ELSE $4::bigint END WHERE id IN (
			SELECT id FROM peal.waiting WHERE webhook = (SELECT num FROM peal.webhooks WHERE id = $1) AND due > $2
			ORDER BY due LIMIT $5 FOR UPDATE SKIP LOCKED)`,
		uuid(params.WebhookID), params.Latest.UnixMicro(), params.Now.UnixMicro(), params.Retry.UnixMicro(), params.Limit)
	return int(n), translate("advance due times", err)
}

// Claim implements [peal.Store]. What another node is claiming is passed by.
func (s *Store) Claim(ctx context.Context, node peal.NodeID, webhook peal.WebhookID, now time.Time, limit int) ([]peal.ClaimedDelivery, time.Time, error) {
	var work []peal.ClaimedDelivery
	var next time.Time
	err := s.endDoubts(ctx, false)
	if err == nil {
		err = s.transact(ctx, func(t *tx) (err error) {
			work, next, err = t.claim(node, webhook, now, limit)
			crashpoint.Reach(crashpoint.ClaimWritten)
			return err
		})
	}
	if err != nil {
		s.doubtClaim(node, err, work...)
		return nil, time.Time{}, translate("claim deliveries", err)
	}
	return work, next, nil
}

// doubtClaim notes what a node may have been given by a transaction that failed.
func (s *Store) doubtClaim(node peal.NodeID, err error, work ...peal.ClaimedDelivery) {
	if isDefinite(err) {
		return
	}
	ids := make([]peal.DeliveryID, len(work))
	for i := range work {
		ids[i] = work[i].Delivery.ID
	}
	s.doubts.add(node, ids, false)
}

func (t *tx) claim(node peal.NodeID, id peal.WebhookID, now time.Time, limit int) ([]peal.ClaimedDelivery, time.Time, error) {
	owner, err := t.holder(node)
	if err != nil {
		return nil, time.Time{}, err
	}
	var webhook int32
	found, err := t.one(`SELECT num FROM peal.webhooks WHERE id = $1 AND NOT deleted`, []any{uuid(id)}, &webhook)
	if err != nil || !found {
		return nil, time.Time{}, err
	}
	var places []place
	var suspicions []peal.Suspicion
	if err := t.each(`WITH chosen AS (
			SELECT id FROM peal.waiting WHERE webhook = $1 AND due <= $2 ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED),
		moved AS (DELETE FROM peal.waiting w USING chosen c WHERE w.id = c.id RETURNING w.*),
		kept AS (INSERT INTO peal.held (id, webhook, event, owner, due, test, attempts, tries, code, duration, reason)
			SELECT id, webhook, event, $4, due, test, attempts, tries, code, duration, reason FROM moved)
		SELECT m.id, m.event, m.due, m.test, m.attempts, m.tries, m.code, m.duration, coalesce(m.reason, ''), coalesce(s.ends, 0), coalesce(s.strikes, 0)
		FROM moved m LEFT JOIN peal.suspects s ON s.delivery = m.id ORDER BY m.due, m.id`, func(rows pgx.Rows) error {
		var p place
		var suspicion peal.Suspicion
		err := rows.Scan(append(p.fields(), &suspicion.Ends, &suspicion.Strikes)...)
		places, suspicions = append(places, p), append(suspicions, suspicion)
		return err
	}, webhook, now.UnixMicro(), limit, owner); err != nil {
		return nil, time.Time{}, err
	}
	var next *int64
	if _, err := t.one(`SELECT min(due) FROM peal.waiting WHERE webhook = $1`, []any{webhook}, &next); err != nil {
		return nil, time.Time{}, err
	}
	work, err := t.workOf(id, places)
	for i := range work {
		work[i].Suspicion = suspicions[i]
	}
	if next == nil {
		return work, time.Time{}, err
	}
	return work, timeOf(*next), err
}

// place is the row of a pending delivery.
type place struct {
	id, event             [16]byte
	due                   int64
	test                  bool
	attempts, tries, code int
	duration              int64
	reason                string
}

func (p *place) scan(rows pgx.Rows) error {
	return rows.Scan(p.fields()...)
}

func (p *place) fields() []any {
	return []any{&p.id, &p.event, &p.due, &p.test, &p.attempts, &p.tries, &p.code, &p.duration, &p.reason}
}

// workOf reads the events of deliveries of a webhook. Those of one event share it.
func (t *tx) workOf(webhook peal.WebhookID, places []place) ([]peal.ClaimedDelivery, error) {
	if len(places) == 0 {
		return nil, nil
	}
	events := map[[16]byte]*peal.Event{}
	for i := range places {
		events[places[i].event] = nil
	}
	keys := make([][16]byte, 0, len(events))
	for key := range events {
		keys = append(keys, key)
	}
	if err := t.s.eventsByKey(t.ctx, t.Tx, keys, func(e *peal.Event, _ []byte) { events[e.Key] = e }); err != nil {
		return nil, err
	}
	work := make([]peal.ClaimedDelivery, 0, len(places))
	for i := range places {
		p := &places[i]
		event := events[p.event]
		if event == nil {
			return nil, peal.Errorf(peal.Internal, "delivery %s has no event", peal.DeliveryID(p.id))
		}
		work = append(work, peal.ClaimedDelivery{Delivery: p.pending(webhook, event), Event: event})
	}
	return work, nil
}

// pending is the row as the pending delivery that it is.
func (p *place) pending(webhook peal.WebhookID, event *peal.Event) peal.Delivery {
	return peal.Delivery{
		ID: p.id, Tenant: event.Tenant, WebhookID: webhook, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
		Status: peal.Pending, Attempts: p.attempts, Tries: p.tries, Due: timeOf(p.due),
		StatusCode: p.code, Duration: time.Duration(p.duration) * time.Microsecond, Reason: peal.Reason(p.reason), Test: p.test,
	}
}

// letGo moves the held deliveries that a condition names to waiting.
const letGo = `WITH chosen AS (SELECT id FROM peal.held WHERE %s ORDER BY id FOR UPDATE),
	moved AS (DELETE FROM peal.held h USING chosen c WHERE h.id = c.id RETURNING h.*)
	INSERT INTO peal.waiting (id, webhook, event, due, test, attempts, tries, code, duration, reason)
	SELECT id, webhook, event, due, test, attempts, tries, code, duration, reason FROM moved`

// letGoOfGone moves what nodes held that are not registered to waiting, and notes what is
// evidence against deliveries: the end of those nodes, and the marks that they had set.
var letGoOfGone = fmt.Sprintf(`WITH chosen AS (SELECT id FROM peal.held WHERE owner NOT IN (SELECT num FROM peal.nodes) ORDER BY id FOR UPDATE),
	moved AS (DELETE FROM peal.held h USING chosen c WHERE h.id = c.id RETURNING h.*),
	suspected AS (INSERT INTO peal.suspects AS s (delivery) SELECT id FROM moved WHERE due <= peal.now_micros() ORDER BY id
		ON CONFLICT (delivery) DO UPDATE SET ends = s.ends + 1, strikes = s.strikes + CASE s.mark WHEN %d THEN %d WHEN %d THEN %d ELSE 0 END, mark = 0)
	INSERT INTO peal.waiting (id, webhook, event, due, test, attempts, tries, code, duration, reason)
	SELECT id, webhook, event, due, test, attempts, tries, code, duration, reason FROM moved`,
	peal.MarkAlone, peal.StrikeAlone, peal.MarkWaiting, peal.StrikeWaiting)

// forgetSuspects deletes suspects that are not pending any more.
const forgetSuspects = `DELETE FROM peal.suspects s WHERE NOT EXISTS (SELECT FROM peal.held h WHERE h.id = s.delivery)
	AND NOT EXISTS (SELECT FROM peal.waiting w WHERE w.id = s.delivery)`

// unmark takes back the marks of a node that leaves.
const unmark = `UPDATE peal.suspects s SET mark = 0 WHERE s.mark <> 0
	AND s.delivery IN (SELECT h.id FROM peal.held h WHERE h.owner = (SELECT n.num FROM peal.nodes n WHERE n.id = $1))`

// MarkSuspect implements [peal.Store].
func (s *Store) MarkSuspect(ctx context.Context, node peal.NodeID, id peal.DeliveryID, mark peal.SuspectMark) error {
	err := s.transact(ctx, func(t *tx) error {
		if _, err := t.holder(node); err != nil {
			return err
		}
		if mark == peal.MarkCleared {
			_, err := t.exec(`DELETE FROM peal.suspects WHERE delivery = $1`, uuid(id))
			return err
		}
		_, err := t.exec(`UPDATE peal.suspects SET mark = $2 WHERE delivery = $1`, uuid(id), int(mark))
		return err
	})
	return translate("mark a delivery", err)
}
