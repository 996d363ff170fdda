package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
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

// openReplayOf reads a replay that must be running.
func openReplayOf(q configstore.Querier, id peal.JobID) (p openReplay, err error) {
	p.Replay, err = configstore.Running(q, id, "",
		configstore.Int("w.num", &p.webhook), configstore.Int("p.tenant", &p.tenant), configstore.Flag("w.num IS NULL OR w.deleted", &p.deleted),
		configstore.Int("p.next_delivery", &p.nextDelivery), configstore.Int("p.next_event", &p.nextEvent))
	p.end = seqFloor(p.Until)
	return p, err
}

// stepReplay is openReplay for a step that makes deliveries pending.
func (w *writer) stepReplay(id peal.JobID) (*openReplay, error) {
	p, err := openReplayOf(configTx{w}, id)
	if err == nil && p.deleted {
		err = peal.Errorf(peal.Conflict, "the replay's webhook is deleted")
	}
	return &p, refuseAnswer(err)
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
