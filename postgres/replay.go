package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/message"
)

// openReplay is a running replay as a step needs it.
type openReplay struct {
	peal.Replay
	webhook, tenant int32
	deleted         bool
	// The IDs from which it continues, and the one before which its range ends.
	nextDelivery, nextEvent, end [16]byte
}

// openReplayOf reads a replay that must be running.
func openReplayOf(q configstore.Querier, id peal.JobID, lock string) (p openReplay, err error) {
	p.Replay, err = configstore.Running(q, id, lock,
		configstore.Int("w.num", &p.webhook), configstore.Int("p.tenant", &p.tenant), configstore.Flag("w.num IS NULL OR w.deleted", &p.deleted),
		configstore.Fixed("p.next_delivery", p.nextDelivery[:]), configstore.Fixed("p.next_event", p.nextEvent[:]))
	p.end = floor(p.Until)
	return p, err
}

// stepReplay is openReplay for a step that makes deliveries pending.
func (t *tx) stepReplay(id peal.JobID) (*openReplay, error) {
	p, err := openReplayOf(t.configTx(), id, configstore.LockReplay)
	if err == nil && p.deleted {
		err = peal.Fail(peal.Conflict, message.ReplayOrphan)
	}
	return &p, err
}

// ReplayDeliveries implements [storetest.ReplayStore].
func (s *Store) ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (replayed int, more bool, err error) {
	err = s.transact(ctx, func(t *tx) error {
		replayed, more = 0, false
		p, err := t.stepReplay(id)
		if err != nil {
			return err
		}
		all, chosen, err := t.replayPage(p, limit)
		if err != nil {
			return err
		}
		next := p.end
		if more = len(all) == limit; more {
			next = following(all[limit-1])
		}
		if replayed = len(chosen); replayed > 0 {
			if err := t.recordLast("settled", chosen...); err != nil {
				return err
			}
			if err := t.reopen("settled", `id = ANY ($1)`, "waiting", ``, ``, uuids(chosen...), micros(due)); err != nil {
				return err
			}
		}
		_, err = t.exec(`UPDATE peal.replays SET done = done + $2, replayed = replayed + $2, next_delivery = $3 WHERE id = $1`, uuid(id), replayed, uuid(next))
		crashpoint.Reach(crashpoint.ReplayWritten)
		return err
	})
	if err != nil {
		return 0, false, translate("replay deliveries", err)
	}
	return replayed, more, nil
}

// replayPage reads the next settled deliveries, and chooses those that the replay is
// about: no tests, and of events that are still there and have one of its types.
func (t *tx) replayPage(p *openReplay, limit int) (all, chosen []peal.DeliveryID, err error) {
	var deliveries []peal.Delivery
	if err := t.each(selectFrom(`SELECT `+settledRow+` FROM unnest($2::integer[]) f(status)
			CROSS JOIN LATERAL (SELECT * FROM peal.settled WHERE webhook = $1 AND status = f.status AND id >= $3 AND id < $4 ORDER BY id LIMIT $5) x`)+`
			ORDER BY d.id LIMIT $5`, func(rows pgx.Rows) error {
		d, err := scanDelivery(rows)
		deliveries = append(deliveries, d)
		return err
	}, p.webhook, replayStatuses(&p.Replay), uuid(p.nextDelivery), uuid(p.end), limit); err != nil {
		return nil, nil, err
	}
	if err := t.s.fillEvents(t.ctx, t.Tx, deliveries); err != nil {
		return nil, nil, err
	}
	for i := range deliveries {
		d := &deliveries[i]
		all = append(all, d.ID)
		if !d.Test && d.EventType != "" && p.WantsType(d.EventType) {
			chosen = append(chosen, d.ID)
		}
	}
	return all, chosen, nil
}

func replayStatuses(p *peal.Replay) []int32 {
	numbers := []int32{}
	for _, status := range p.Statuses {
		numbers = append(numbers, statusNumbers[status])
	}
	return numbers
}

// countPage is the number of events that one query of a count looks at.
const countPage = 1000

// CountReplay implements [storetest.ReplayStore].
func (s *Store) CountReplay(ctx context.Context, replay peal.Replay, wants func(string) bool) (peal.ReplayCount, error) {
	count, err := s.countReplay(ctx, replay, wants)
	return count, translate("count what a replay sends", err)
}

func (s *Store) countReplay(ctx context.Context, replay peal.Replay, wants func(string) bool) (count peal.ReplayCount, err error) {
	p := &openReplay{Replay: replay, nextEvent: floor(replay.Since), end: floor(replay.Until)}
	found, err := s.one(ctx, s.pool, `SELECT w.num, w.tenant FROM peal.webhooks w JOIN peal.tenants n ON n.num = w.tenant WHERE w.id = $1 AND n.name = $2`,
		[]any{uuid(p.WebhookID), clean(p.Tenant)}, &p.webhook, &p.tenant)
	if err != nil || !found {
		return count, err
	}
	if err := s.query(ctx, `SELECT t.name, count(*) FROM peal.settled x JOIN peal.events e ON e.key = x.event JOIN peal.types t ON t.num = e.type
		WHERE x.webhook = $1 AND x.status = ANY ($2) AND x.id >= $3 AND x.id < $4 AND NOT x.test GROUP BY t.name`, func(rows pgx.Rows) error {
		var name string
		var n int
		err := rows.Scan(&name, &n)
		if p.WantsType(name) {
			count.Deliveries += n
		}
		return err
	}, p.webhook, replayStatuses(&p.Replay), uuid(p.nextEvent), uuid(p.end)); err != nil || !p.Missed {
		return count, err
	}
	m := missedEvents{ctx: ctx, s: s, replay: p, wants: wants}
	for {
		page, err := m.next(countPage)
		if err != nil || page.looked == 0 {
			return count, err
		}
		count.Events += len(page.missed)
	}
}

// missedBytes is about how much data of events a batch has at most.
const missedBytes = 4 << 20

// MissedEvents implements [storetest.ReplayStore].
func (s *Store) MissedEvents(ctx context.Context, id peal.JobID, wants func(string) bool, limit int) (peal.MissedEvents, error) {
	missed, err := s.missed(ctx, id, wants, limit)
	if err != nil {
		return peal.MissedEvents{}, translate("look for missed events", err)
	}
	return missed, nil
}

func (s *Store) missed(ctx context.Context, id peal.JobID, wants func(string) bool, limit int) (missed peal.MissedEvents, err error) {
	p, err := openReplayOf(s.db.Reader(ctx), id, ``)
	if err != nil {
		return missed, err
	}
	m := missedEvents{ctx: ctx, s: s, replay: &p, wants: wants}
	page, err := m.next(limit)
	if err != nil || page.looked == 0 {
		return missed, err
	}
	missed.Through = page.through
	// A few at a time, so that large events do not all come into memory.
	const some = 8
	bytes := 0
	for keys := range slices.Chunk(page.missed, some) {
		if bytes > missedBytes {
			missed.Through = missed.Events[len(missed.Events)-1].Key
			break
		}
		part := len(missed.Events)
		if err := s.eventsByKey(ctx, s.pool, keys, func(e *peal.Event, _ []byte) {
			missed.Events, bytes = append(missed.Events, *e), bytes+len(e.Data)
		}); err != nil {
			return missed, err
		}
		slices.SortFunc(missed.Events[part:], func(a, b peal.Event) int { return a.Key.Compare(b.Key) })
	}
	return missed, nil
}

// missedEvents walks over the events of a replay's range. Those of each type that it
// is about are a stretch of an index in order of time.
type missedEvents struct {
	ctx    context.Context
	s      *Store
	replay *openReplay
	wants  func(string) bool
	types  []int32 // nil until they are known
}

// missedPage is a stretch of events: how many were looked at, and those missed.
type missedPage struct {
	looked  int
	missed  [][16]byte
	through peal.EventKey // the last one's
}

func (m *missedEvents) next(limit int) (missedPage, error) {
	var page missedPage
	if m.types == nil {
		if err := m.findTypes(); err != nil {
			return page, err
		}
	}
	var keys [][16]byte
	var deliveries [][]peal.DeliveryID
	var all []peal.DeliveryID
	if err := m.s.query(m.ctx, `SELECT x.key, x.deliveries FROM unnest($2::integer[]) lane(type)
			CROSS JOIN LATERAL (SELECT key, deliveries FROM peal.events WHERE tenant = $1 AND type = lane.type AND key >= $3 AND key < $4 ORDER BY key LIMIT $5) x
		ORDER BY x.key LIMIT $5`, func(rows pgx.Rows) error {
		var key [16]byte
		var list []byte
		err := rows.Scan(&key, &list)
		of := idsIn[peal.DeliveryID](list)
		keys, deliveries, all = append(keys, key), append(deliveries, of), append(all, of...)
		return err
	}, m.replay.tenant, m.types, uuid(m.replay.nextEvent), uuid(m.replay.end), limit); err != nil || len(keys) == 0 {
		return page, err
	}
	// Those that go to the webhook already, and tests: the event of a test is for nobody else.
	got := map[peal.DeliveryID]bool{}
	if err := m.s.deliveriesByID(m.ctx, m.s.pool, all, func(d *peal.Delivery) {
		got[d.ID] = d.Test || d.WebhookID == m.replay.WebhookID
	}); err != nil {
		return page, err
	}
	for i, key := range keys {
		if !slices.ContainsFunc(deliveries[i], func(id peal.DeliveryID) bool { return got[id] }) {
			page.missed = append(page.missed, key)
		}
	}
	page.looked, page.through = len(keys), keys[len(keys)-1]
	m.replay.nextEvent = following(page.through)
	return page, nil
}

// findTypes finds those of the tenant's types that the replay is about.
func (m *missedEvents) findTypes() error {
	m.types = []int32{}
	return m.s.query(m.ctx, `WITH RECURSIVE every (type) AS (
			SELECT min(type) FROM peal.events WHERE tenant = $1 AND key >= $2 AND key < $3
			UNION ALL
			SELECT (SELECT min(type) FROM peal.events WHERE tenant = $1 AND type > every.type AND key >= $2 AND key < $3) FROM every WHERE type IS NOT NULL)
		SELECT t.num, t.name FROM every JOIN peal.types t ON t.num = every.type`, func(rows pgx.Rows) error {
		var num int32
		var name string
		err := rows.Scan(&num, &name)
		if m.replay.WantsType(name) && m.wants(name) {
			m.types = append(m.types, num)
		}
		return err
	}, m.replay.tenant, uuid(m.replay.nextEvent), uuid(m.replay.end))
}

// ReplayMissed implements [storetest.ReplayStore].
func (s *Store) ReplayMissed(ctx context.Context, id peal.JobID, missed peal.MissedEvents, deliveries []peal.MissedDelivery) (replayed int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		replayed = 0
		p, err := t.stepReplay(id)
		if err != nil {
			return err
		}
		if missed.Through.Compare(p.nextEvent) < 0 {
			return peal.Fail(peal.Conflict, message.ReplayAhead)
		}
		for i := range deliveries {
			added, err := t.addMissed(p, &deliveries[i])
			if err != nil {
				return err
			}
			if added {
				replayed++
			}
		}
		_, err = t.exec(`UPDATE peal.replays SET done = done + $2, replayed = replayed + $3, next_event = $4 WHERE id = $1`,
			uuid(id), len(missed.Events), replayed, uuid(following(missed.Through)))
		return err
	})
	if err != nil {
		return 0, translate("replay missed events", err)
	}
	return replayed, nil
}

// addMissed adds a delivery of an event for the replay's webhook, unless there is one or the event is
// gone.
func (t *tx) addMissed(p *openReplay, d *peal.MissedDelivery) (bool, error) {
	var list []byte
	found, err := t.one(`SELECT deliveries FROM peal.events WHERE key = $1 AND tenant = $2 FOR UPDATE`, []any{uuid(d.EventKey), p.tenant}, &list)
	if err != nil || !found {
		return false, err
	}
	has := false
	if err := t.s.deliveriesByID(t.ctx, t.Tx, idsIn[peal.DeliveryID](list), func(d *peal.Delivery) {
		has = has || d.WebhookID == p.WebhookID
	}); err != nil || has {
		return false, err
	}
	if _, err := t.exec(`INSERT INTO peal.waiting (id, webhook, event, due) VALUES ($1, $2, $3, least($4, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint))`,
		uuid(d.ID), p.webhook, uuid(d.EventKey), micros(d.ID.Time())); err != nil {
		return false, err
	}
	_, err = t.exec(`UPDATE peal.events SET deliveries = $2 WHERE key = $1`, uuid(d.EventKey), append(list, d.ID[:]...))
	return err == nil, err
}
