package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
)

// openReplay is a running replay as a step needs it.
type openReplay struct {
	peal.Replay
	webhook, tenant int32
	deleted         bool
	// The IDs from which it goes on, and before which its range ends.
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
		err = peal.Errorf(peal.Conflict, "the replay's webhook is deleted")
	}
	return &p, err
}

// ReplayDeliveries implements [peal.ReplayStore].
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

// countPage is how many events are looked at in one query of a count.
const countPage = 1000

// CountReplay implements [peal.ReplayStore].
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
