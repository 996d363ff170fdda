package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// Due implements [peal.Store]. It takes one step in an index for each webhook
// that has deliveries waiting, however many those are.
func (s *Store) Due(ctx context.Context, after peal.WebhookID, limit int) ([]peal.DueWebhook, error) {
	var due []peal.DueWebhook
	err := s.query(ctx, `WITH RECURSIVE every (webhook) AS (
			SELECT min(webhook) FROM waiting
			UNION ALL
			SELECT (SELECT min(webhook) FROM waiting WHERE webhook > every.webhook) FROM every WHERE webhook IS NOT NULL)
		SELECT w.id, (SELECT min(due) FROM waiting WHERE webhook = w.num), (SELECT max(due) FROM waiting WHERE webhook = w.num)
		FROM every JOIN webhooks w ON w.num = every.webhook WHERE w.id > ? AND NOT w.deleted ORDER BY w.id LIMIT +?`, func(r row) error {
		due = append(due, peal.DueWebhook{WebhookID: peal.WebhookID(r.blob(0)), Due: timeOf(r.int(1)), Latest: timeOf(r.int(2))})
		return nil
	}, after[:], int64(limit))
	return due, translate("list due webhooks", err)
}

// AdvanceDue implements [peal.Store].
func (s *Store) AdvanceDue(ctx context.Context, params peal.AdvanceParams) (int, error) {
	var n int64
	err := s.queue.submit(&change{ctx: ctx, patient: true, rows: params.Limit, run: func(w *writer) error {
		hook, found, err := w.webhook(params.WebhookID)
		if err != nil || !found {
			return err
		}
		n, err = w.conn.exec(`UPDATE waiting SET due = CASE attempts WHEN 0 THEN ?3 ELSE ?4 END
			WHERE seq IN (SELECT seq FROM waiting WHERE webhook = ?1 AND due > ?2 ORDER BY due LIMIT +?5)`,
			hook.num, params.Latest.UnixMicro(), params.Now.UnixMicro(), params.Retry.UnixMicro(), int64(params.Limit))
		return err
	}})
	return int(n), translate("advance due times", err)
}

// Claim implements [peal.Store].
func (s *Store) Claim(ctx context.Context, node peal.NodeID, webhook peal.WebhookID, now time.Time, limit int) ([]peal.ClaimedDelivery, time.Time, error) {
	var work []peal.ClaimedDelivery
	var next time.Time
	err := s.queue.submit(&change{ctx: ctx, rows: 3 * limit, run: func(w *writer) (err error) {
		work, next, err = w.claim(node, webhook, now, limit)
		return err
	}})
	if err != nil {
		return nil, time.Time{}, translate("claim deliveries", err)
	}
	return work, next, nil
}

func (w *writer) claim(node peal.NodeID, id peal.WebhookID, now time.Time, limit int) ([]peal.ClaimedDelivery, time.Time, error) {
	owner, err := w.holder(node)
	if err != nil {
		return nil, time.Time{}, err
	}
	webhook, found, err := w.webhook(id)
	if err != nil || !found || webhook.deleted {
		return nil, time.Time{}, err
	}
	var places []place
	if err := w.conn.query(placeWaiting+` WHERE webhook = ? AND due <= ? ORDER BY due, seq LIMIT +?`, func(r row) error {
		places = append(places, scanPlace(r))
		return nil
	}, webhook.num, now.UnixMicro(), int64(limit)); err != nil {
		return nil, time.Time{}, err
	}
	var work []peal.ClaimedDelivery
	if len(places) > 0 {
		for i := range places {
			if err := w.moveToHeld(&places[i], owner); err != nil {
				return nil, time.Time{}, err
			}
		}
		if work, err = w.workOf(id, places); err != nil {
			return nil, time.Time{}, err
		}
		if err := w.suspicions(places, work); err != nil {
			return nil, time.Time{}, err
		}
		crashpoint.Reach(crashpoint.ClaimWritten)
	}
	next, _, err := w.conn.number(`SELECT min(due) FROM waiting WHERE webhook = ?`, webhook.num)
	return work, timeOf(next), err
}

// workOf reads deliveries of a webhook with their events. Those of one event share it.
func (w *writer) workOf(webhook peal.WebhookID, places []place) ([]peal.ClaimedDelivery, error) {
	events := map[int64]*peal.Event{}
	work := make([]peal.ClaimedDelivery, 0, len(places))
	for i := range places {
		p := &places[i]
		event := events[p.event]
		if event == nil {
			if err := w.conn.query(selectEvent+` WHERE e.seq = ?`, func(r row) error {
				event = new(scanEvent(r))
				return nil
			}, p.event); err != nil {
				return nil, err
			}
			if event == nil {
				return nil, fmt.Errorf("delivery %s has no event", p.id())
			}
			events[p.event] = event
		}
		work = append(work, peal.ClaimedDelivery{Delivery: p.pending(webhook, event), Event: event})
	}
	return work, nil
}

// pending is the row as the pending delivery that it is.
func (p *place) pending(webhook peal.WebhookID, event *peal.Event) peal.Delivery {
	return peal.Delivery{
		ID: p.id(), Tenant: event.Tenant, WebhookID: webhook, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
		Status: peal.Pending, Attempts: int(p.attempts), Tries: int(p.tries), Due: timeOf(p.due),
		StatusCode: int(p.code), Duration: time.Duration(p.duration) * time.Microsecond, Reason: peal.Reason(p.reason), Test: p.test != 0,
	}
}

const heldColumns = `seq, head, tail, webhook, event, due, test, attempts, tries, code, duration, reason`

// Release implements [peal.Store].
func (s *Store) Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	for len(ids) > releaseBatch { // others come between
		if err := s.release(ctx, node, ids[:releaseBatch]); err != nil {
			return err
		}
		ids = ids[releaseBatch:]
	}
	return s.release(ctx, node, ids)
}

// releaseBatch is the number of deliveries that one transaction releases.
const releaseBatch = 250

func (s *Store) release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 2*len(ids) + 1, run: func(w *writer) error {
		owner, err := w.node(node)
		if err != nil {
			return err
		}
		if ids == nil {
			_, err := w.letGo(`owner = ?`, owner)
			return err
		}
		for _, id := range ids {
			p, err := w.find(id)
			if err != nil {
				return err
			}
			if p == nil || p.owner != owner {
				continue
			}
			if err := w.moveToWaiting(p); err != nil {
				return err
			}
		}
		return nil
	}})
	return translate("release deliveries", err)
}

// letGo moves the held deliveries that a condition names to waiting.
func (w *writer) letGo(condition string, values ...any) (int64, error) {
	n, err := w.conn.exec(`INSERT INTO waiting (`+heldColumns+`) SELECT `+heldColumns+` FROM held WHERE `+condition, values...)
	if err != nil || n == 0 {
		return 0, err
	}
	_, err = w.conn.exec(`DELETE FROM held WHERE `+condition, values...)
	return n, err
}

// suspectTheGone notes what is evidence against deliveries: the end of nodes that are not
// registered any more, and the marks that they had set.
func (w *writer) suspectTheGone(now time.Time) error {
	n, err := w.conn.exec(strike, now.UnixMicro())
	if err != nil || n == 0 {
		return err
	}
	_, err = w.conn.exec(`DELETE FROM suspects WHERE NOT EXISTS (SELECT 1 FROM held h WHERE h.seq = suspects.seq)
		AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.seq = suspects.seq)`)
	return err
}

var strike = fmt.Sprintf(`INSERT INTO suspects (seq) SELECT seq FROM held WHERE owner NOT IN (SELECT num FROM nodes) AND due <= ?
	ON CONFLICT (seq) DO UPDATE SET ends = ends + 1, strikes = strikes + CASE mark WHEN %d THEN %d WHEN %d THEN %d ELSE 0 END, mark = 0`,
	peal.MarkAlone, peal.StrikeAlone, peal.MarkWaiting, peal.StrikeWaiting)

// unmark takes back the marks of a node that leaves.
func (w *writer) unmark(node int64) error {
	_, err := w.conn.exec(`UPDATE suspects SET mark = 0 WHERE mark <> 0 AND seq IN (SELECT seq FROM held WHERE owner = ?)`, node)
	return err
}

// suspicions fills in what is known against claimed deliveries.
func (w *writer) suspicions(places []place, work []peal.ClaimedDelivery) error {
	_, any, err := w.conn.number(`SELECT 1 FROM suspects LIMIT 1`)
	if err != nil || !any {
		return err
	}
	for i := range places {
		if err := w.conn.query(`SELECT ends, strikes FROM suspects WHERE seq = ?`, func(r row) error {
			work[i].Suspicion = peal.Suspicion{Ends: int(r.int(0)), Strikes: int(r.int(1))}
			return nil
		}, places[i].seq); err != nil {
			return err
		}
	}
	return nil
}

// MarkSuspect implements [peal.Store].
func (s *Store) MarkSuspect(ctx context.Context, node peal.NodeID, id peal.DeliveryID, mark peal.SuspectMark) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		if _, err := w.holder(node); err != nil {
			return err
		}
		p, err := w.find(id)
		if err != nil || p == nil {
			return err
		}
		if mark == peal.MarkCleared {
			_, err = w.conn.exec(`DELETE FROM suspects WHERE seq = ?`, p.seq)
		} else {
			_, err = w.conn.exec(`UPDATE suspects SET mark = ? WHERE seq = ?`, int64(mark), p.seq)
		}
		return err
	}})
	return translate("mark a delivery", err)
}
