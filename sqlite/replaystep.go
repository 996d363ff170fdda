package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// openReplay is a running replay as a step needs it.
type openReplay struct {
	peal.Replay
	webhook, tenant int64
	deleted         bool
	// The seq from which it goes on, and before which its range ends.
	nextDelivery, nextEvent, end int64
}

const selectOpenReplay = `SELECT p.id, n.name, p.webhook, p.since, p.until, p.choice, p.status, p.reason, p.total, p.done, p.replayed, p.ended,
		w.num, p.tenant, w.num IS NULL OR w.deleted, p.next_delivery, p.next_event
	FROM replays p LEFT JOIN webhooks w ON w.id = p.webhook JOIN tenants n ON n.num = p.tenant WHERE p.id = ?`

// scan reads a row of selectOpenReplay.
func (p *openReplay) scan(r row) (err error) {
	p.Replay, err = scanReplay(r)
	p.webhook, p.tenant, p.deleted = r.int(12), r.int(13), r.int(14) != 0
	p.nextDelivery, p.nextEvent, p.end = r.int(15), r.int(16), seqFloor(p.Until)
	return err
}

// check refuses what is not there or not running.
func (p *openReplay) check() error {
	switch {
	case p.ID.IsZero():
		return refuse(noReplay())
	case p.Status != peal.ReplayRunning:
		return refusef(peal.Conflict, "the replay has ended: %s", p.Status)
	}
	return nil
}

func (w *writer) openReplay(id peal.JobID) (*openReplay, error) {
	var p openReplay
	if err := w.conn.query(selectOpenReplay, p.scan, id[:]); err != nil {
		return nil, err
	}
	return &p, p.check()
}

// stepReplay is openReplay for a step that makes deliveries pending.
func (w *writer) stepReplay(id peal.JobID) (*openReplay, error) {
	p, err := w.openReplay(id)
	if err == nil && p.deleted {
		err = refusef(peal.Conflict, "the replay's webhook is deleted")
	}
	return p, err
}

// ReplayDeliveries implements [peal.ReplayStore].
func (s *Store) ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (replayed int, more bool, err error) {
	err = s.queue.submit(&change{ctx: ctx, rows: 3 * limit, run: func(w *writer) error {
		replayed, more = 0, false
		p, err := w.stepReplay(id)
		if err != nil {
			return err
		}
		places, types, err := w.replayPage(p, limit)
		if err != nil {
			return err
		}
		next := p.end
		if more = len(places) == limit; more {
			next = places[limit-1].seq + 1
		}
		for i := range places {
			if places[i].test != 0 || types[i] == "" || !p.WantsType(types[i]) {
				continue // "": its event is gone
			}
			if err := w.replay(&places[i], due); err != nil {
				return err
			}
			replayed++
		}
		crashpoint.Reach(crashpoint.ReplayWritten)
		_, err = w.conn.exec(`UPDATE replays SET done = done + ?1, replayed = replayed + ?1, next_delivery = ?2 WHERE id = ?3`, int64(replayed), next, id[:])
		return err
	}})
	if err != nil {
		return 0, false, translate("replay deliveries", err)
	}
	return replayed, more, nil
}

// replayPage reads the next settled deliveries with the types of their events.
func (w *writer) replayPage(p *openReplay, limit int) (places []place, types []string, err error) {
	err = w.conn.query(`SELECT s.seq, s.head, s.tail, s.webhook, s.event, 'settled', s.status, 0, 0, s.test, s.attempts, s.tries, s.code, s.duration, s.reason, s.at, s.last, t.name
		FROM settled s LEFT JOIN events e ON e.seq = s.event LEFT JOIN types t ON t.num = e.type
		WHERE s.seq IN (
			SELECT x.seq FROM json_each(?2) lane CROSS JOIN settled x ON x.seq IN (
				SELECT seq FROM settled INDEXED BY settled_webhook WHERE webhook = ?1 AND status = lane.value AND seq >= ?3 AND seq < ?4 ORDER BY seq LIMIT +?5)
			ORDER BY x.seq LIMIT +?5)
		ORDER BY s.seq`, func(r row) error {
		places, types = append(places, scanPlace(r)), append(types, r.text(17))
		return nil
	}, p.webhook, replayStatuses(&p.Replay), p.nextDelivery, p.end, int64(limit))
	return places, types, err
}

// replayStatuses are the numbers of the statuses, as a JSON array.
func replayStatuses(p *peal.Replay) string {
	numbers := []int64{}
	for _, status := range p.Statuses {
		numbers = append(numbers, statusNumbers[status])
	}
	text, err := json.Marshal(numbers)
	if err != nil { // numbers always can be
		panic(err)
	}
	return string(text)
}

// replay makes a settled delivery wait for a new round.
func (w *writer) replay(p *place, due time.Time) error {
	if p.last != nil {
		if err := w.addAttempt(p.seq, record.ReadAttempt(p.last).ID, p.last); err != nil {
			return err
		}
	}
	p.tries, p.due = 0, micros(due)
	return w.moveToWaiting(p)
}
