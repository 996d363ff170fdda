package sqlite

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// openReplay is a running replay as a step needs it.
type openReplay struct {
	peal.Replay
	webhook, tenant int64
	deleted         bool
	// The seqs from which it continues, and the one before which its range ends.
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
		err = peal.Fail(peal.Conflict, message.ReplayOrphan)
	}
	return &p, refuseAnswer(err)
}

// replayTenant returns the tenant among whose changes the steps of a replay wait; "" for no replay.
func (s *Store) replayTenant(ctx context.Context, id peal.JobID) (tenant string, err error) {
	err = s.query(ctx, `SELECT n.name FROM replays p JOIN tenants n ON n.num = p.tenant WHERE p.id = ?`, func(r row) error {
		tenant = r.text(0)
		return nil
	}, id[:])
	return tenant, err
}

// ReplayDeliveries implements [storetest.ReplayStore].
func (s *Store) ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (replayed int, more bool, err error) {
	tenant, err := s.replayTenant(ctx, id)
	if err != nil {
		return 0, false, translate("replay deliveries", err)
	}
	err = s.queue.submit(&change{ctx: ctx, tenant: tenant, rows: 3 * limit, run: func(w *writer) error {
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

// replay returns a settled delivery to waiting, for a new round.
func (w *writer) replay(p *place, due time.Time) error {
	if p.last != nil {
		if err := w.addAttempt(p.seq, record.ReadAttempt(p.last).ID, p.last); err != nil {
			return err
		}
	}
	p.tries, p.due = 0, micros(due)
	return w.moveToWaiting(p)
}

// missedBytes is about how much data of events a batch has at most.
const missedBytes = 4 << 20

var errEnough = errors.New("the batch is large enough")

// MissedEvents implements [storetest.ReplayStore].
func (s *Store) MissedEvents(ctx context.Context, id peal.JobID, wants func(string) bool, limit int) (peal.MissedEvents, error) {
	var missed peal.MissedEvents
	err := s.snapshot(ctx, func(q querier) error {
		p, err := openReplayOf(reader{q, ctx}, id)
		if err != nil {
			return err
		}
		m := missedEvents{ctx: ctx, q: q, replay: &p, wants: wants}
		page, err := m.next(limit)
		if err != nil || len(page.seqs) == 0 {
			return err
		}
		missed.Through = page.through
		text, err := json.Marshal(page.missed)
		if err != nil {
			return err
		}
		bytes := 0
		err = q.query(ctx, selectEvent+` WHERE e.seq IN (SELECT value FROM json_each(?)) ORDER BY e.seq`, func(r row) error {
			if bytes > missedBytes {
				return errEnough
			}
			event := scanEvent(r)
			missed.Events, bytes = append(missed.Events, event), bytes+len(event.Data)
			return nil
		}, string(text))
		if errors.Is(err, errEnough) {
			missed.Through, err = missed.Events[len(missed.Events)-1].Key, nil
		}
		return err
	})
	if err != nil {
		return peal.MissedEvents{}, translate("look for missed events", err)
	}
	return missed, nil
}

// missedEvents walks over the events of a replay's range. Those of each type that it
// is about are a stretch of an index in order of time.
type missedEvents struct {
	ctx    context.Context
	q      querier
	replay *openReplay
	wants  func(string) bool
	types  string // their numbers, as a JSON array; "" until they are known
}

// missedPage is a stretch of events: all that were looked at, and those missed.
type missedPage struct {
	seqs, missed []int64
	through      peal.EventKey // the last one's
}

func (m *missedEvents) next(limit int) (missedPage, error) {
	var page missedPage
	if m.types == "" {
		if err := m.findTypes(); err != nil {
			return page, err
		}
	}
	var deliveries [][]int64
	all := []int64{}
	if err := m.q.query(m.ctx, `SELECT e.seq, e.head, e.tail, e.deliveries FROM json_each(?2) lane CROSS JOIN events e ON e.seq IN (
			SELECT seq FROM events WHERE tenant = ?1 AND type = lane.value AND seq >= ?3 AND seq < ?4 ORDER BY seq LIMIT +?5)
		ORDER BY e.seq LIMIT +?5`, func(r row) error {
		of := seqsOf(r.blob(3))
		page.seqs, page.through = append(page.seqs, r.int(0)), idAt(r.int(0), r[1], r.int(2))
		deliveries, all = append(deliveries, of), append(all, of...)
		return nil
	}, m.replay.tenant, m.types, m.replay.nextEvent, m.replay.end, int64(limit)); err != nil || len(page.seqs) == 0 {
		return page, err
	}
	got, err := m.got(all)
	if err != nil {
		return page, err
	}
	for i, seq := range page.seqs {
		has := false
		for _, d := range deliveries[i] {
			has = has || got[d]
		}
		if !has {
			page.missed = append(page.missed, seq)
		}
	}
	m.replay.nextEvent = page.seqs[len(page.seqs)-1] + 1
	return page, nil
}

// got returns those of some deliveries that go to the replay's webhook or are tests: the event of a
// test is for nobody else.
func (m *missedEvents) got(seqs []int64) (map[int64]bool, error) {
	text, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	got := map[int64]bool{}
	if err := eachSpread(m.ctx, m.q, func(d *record.Spread) {
		if d.Test || d.Webhook == m.replay.WebhookID {
			got[halve(d.Delivery).seq()] = true
		}
	}); err != nil {
		return nil, err
	}
	return got, m.q.query(m.ctx, `SELECT seq FROM deliveries WHERE seq IN (SELECT value FROM json_each(?1)) AND (webhook = ?2 OR test)`, func(r row) error {
		got[r.int(0)] = true
		return nil
	}, string(text), m.replay.webhook)
}

// findTypes finds those of the tenant's types that the replay is about.
func (m *missedEvents) findTypes() error {
	types := []int64{}
	if err := m.q.query(m.ctx, `WITH RECURSIVE every (type) AS (
			SELECT min(type) FROM events WHERE tenant = ?1
			UNION ALL
			SELECT (SELECT min(type) FROM events WHERE tenant = ?1 AND type > every.type) FROM every WHERE type IS NOT NULL)
		SELECT num, name FROM every CROSS JOIN types ON num = type`, func(r row) error {
		if m.replay.WantsType(r.text(1)) && m.wants(r.text(1)) {
			types = append(types, r.int(0))
		}
		return nil
	}, m.replay.tenant); err != nil {
		return err
	}
	text, err := json.Marshal(types)
	m.types = string(text)
	return err
}

// ReplayMissed implements [storetest.ReplayStore].
func (s *Store) ReplayMissed(ctx context.Context, id peal.JobID, missed peal.MissedEvents, deliveries []peal.MissedDelivery) (replayed int, err error) {
	tenant, err := s.replayTenant(ctx, id)
	if err != nil {
		return 0, translate("replay missed events", err)
	}
	err = s.queue.submit(&change{ctx: ctx, tenant: tenant, rows: 4 * len(deliveries), run: func(w *writer) error {
		replayed = 0
		p, err := w.stepReplay(id)
		if err != nil {
			return err
		}
		through, found, err := w.eventSeq(missed.Through)
		if err != nil {
			return err
		}
		if !found { // it has been deleted meanwhile
			through = halve(missed.Through).seq()
		}
		if through < p.nextEvent {
			return refuseAs(peal.Conflict, message.ReplayAhead)
		}
		for i := range deliveries {
			added, err := w.addMissed(p, &deliveries[i])
			if err != nil {
				return err
			}
			if added {
				replayed++
			}
		}
		_, err = w.conn.exec(`UPDATE replays SET done = done + ?, replayed = replayed + ?, next_event = ? WHERE id = ?`,
			int64(len(missed.Events)), int64(replayed), through+1, id[:])
		return err
	}})
	if err != nil {
		return 0, translate("replay missed events", err)
	}
	return replayed, nil
}

// addMissed adds a delivery of an event for the replay's webhook, unless there is one or the event is
// gone.
func (w *writer) addMissed(p *openReplay, d *peal.MissedDelivery) (bool, error) {
	seq, found, err := w.eventSeq(d.EventKey)
	if err != nil || !found {
		return false, err
	}
	found = false // it may be another tenant's
	var places []byte
	if err := w.conn.query(`SELECT deliveries FROM events WHERE seq = ? AND tenant = ?`, func(r row) error {
		places, found = append(places, r.blob(0)...), true
		return nil
	}, seq, p.tenant); err != nil || !found {
		return false, err
	}
	webhooks, err := w.webhooksAt(places)
	if err != nil {
		return false, err
	}
	for _, id := range webhooks {
		if id == p.WebhookID {
			return false, nil
		}
	}
	place, err := w.appendDelivery(0, seq, &peal.NewDelivery{ID: d.ID, WebhookID: p.WebhookID})
	if err != nil {
		return false, err
	}
	w.notes.event(seq)
	_, err = w.conn.exec(`UPDATE events SET deliveries = ? WHERE seq = ?`, binary.BigEndian.AppendUint64(places, uint64(place)), seq)
	return err == nil, err
}

// eventSeq finds the key of an event's row.
func (w *writer) eventSeq(key peal.EventKey) (int64, bool, error) {
	return seqOf(context.Background(), snapshot{w.conn}, "events", halve(key))
}

// countPage is the number of events that one query of a count looks at.
const countPage = 1000

// CountReplay implements [storetest.ReplayStore].
func (s *Store) CountReplay(ctx context.Context, replay peal.Replay, wants func(string) bool) (peal.ReplayCount, error) {
	count, err := s.countReplay(ctx, replay, wants)
	return count, translate("count what a replay sends", err)
}

func (s *Store) countReplay(ctx context.Context, replay peal.Replay, wants func(string) bool) (count peal.ReplayCount, err error) {
	p := &openReplay{Replay: replay, nextEvent: seqFloor(replay.Since), end: seqFloor(replay.Until)}
	if err := s.query(ctx, `SELECT w.num, w.tenant FROM webhooks w JOIN tenants n ON n.num = w.tenant WHERE w.id = ? AND n.name = ?`, func(r row) error {
		p.webhook, p.tenant = r.int(0), r.int(1)
		return nil
	}, p.WebhookID[:], p.Tenant); err != nil || p.webhook == 0 {
		return count, err
	}
	if err := s.query(ctx, `SELECT t.name, count(*) FROM json_each(?2) lane
			CROSS JOIN settled x INDEXED BY settled_webhook ON x.webhook = ?1 AND x.status = lane.value AND x.seq >= ?3 AND x.seq < ?4
			CROSS JOIN events e ON e.seq = x.event JOIN types t ON t.num = e.type
		WHERE NOT x.test GROUP BY e.type`, func(r row) error {
		if p.WantsType(r.text(0)) {
			count.Deliveries += int(r.int(1))
		}
		return nil
	}, p.webhook, replayStatuses(&p.Replay), p.nextEvent, p.end); err != nil || !p.Missed {
		return count, err
	}
	// Page by page, so that no long reading holds the log up.
	m := missedEvents{ctx: ctx, q: s.readers, replay: p, wants: wants}
	for {
		page, err := m.next(countPage)
		if err != nil || len(page.seqs) == 0 {
			return count, err
		}
		count.Events += len(page.missed)
	}
}
