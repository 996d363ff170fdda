package sqlite

import (
	"context"

	"github.com/pealhq/peal"
)

// countPage is how many events are looked at in one query of a count.
const countPage = 1000

// CountReplay implements [peal.ReplayStore].
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
