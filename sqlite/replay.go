package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const selectReplay = `SELECT p.id, n.name, p.webhook, p.since, p.until, p.choice, p.status, p.reason, p.total, p.done, p.replayed, p.ended
	FROM replays p JOIN tenants n ON n.num = p.tenant`

func scanReplay(r row) (peal.Replay, error) {
	p := peal.Replay{
		ID: peal.JobID(r.blob(0)), Tenant: r.text(1), WebhookID: peal.WebhookID(r.blob(2)),
		Since: timeOf(r.int(3)), Until: timeOf(r.int(4)), Status: peal.ReplayStatus(r.text(6)), Reason: r.text(7),
		Total: int(r.int(8)), Done: int(r.int(9)), Replayed: int(r.int(10)), EndedAt: timeOf(r.int(11)),
	}
	return p, record.DecodeReplay(&p, r.text(5))
}

func noReplay() error { return peal.Errorf(peal.NotFound, "there is no such replay") }

// CreateReplay implements [peal.ReplayStore].
func (s *Store) CreateReplay(ctx context.Context, p peal.Replay) error {
	choice, err := record.EncodeReplay(&p)
	if err != nil {
		return translate("create a replay", err)
	}
	err = s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		if _, _, _, err := w.liveWebhook(p.Tenant, p.WebhookID); err != nil {
			return err
		}
		if _, taken, err := w.conn.number(`SELECT 1 FROM replays WHERE id = ?`, p.ID[:]); err != nil {
			return err
		} else if taken {
			return refusef(peal.Conflict, "there is a replay %s already", p.ID)
		}
		from := seqFloor(p.Since)
		_, err := w.conn.exec(`INSERT INTO replays (id, tenant, webhook, since, until, choice, status, reason, total, done, replayed, next_delivery, next_event, ended)
			VALUES (?, (SELECT num FROM tenants WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID[:], p.Tenant, p.WebhookID[:], micros(p.Since), micros(p.Until), choice, string(p.Status), p.Reason,
			int64(p.Total), int64(p.Done), int64(p.Replayed), from, from, micros(p.EndedAt))
		return err
	}})
	return translate("create a replay", err)
}

// Replay implements [peal.ReplayStore].
func (s *Store) Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error) {
	replays, err := s.replays(ctx, ` WHERE p.id = ? AND n.name = ?`, id[:], tenant)
	if err == nil && len(replays) == 0 {
		err = noReplay()
	}
	if err != nil {
		return peal.Replay{}, translate("read a replay", err)
	}
	return replays[0], nil
}

// Replays implements [peal.ReplayStore].
func (s *Store) Replays(ctx context.Context, tenant string, webhook peal.WebhookID, before peal.JobID, limit int) ([]peal.Replay, error) {
	var bound any
	if !before.IsZero() {
		bound = before[:]
	}
	replays, err := s.replays(ctx, ` WHERE p.webhook = ?2 AND n.name = ?1 AND (?3 IS NULL OR p.id < ?3)
		ORDER BY p.id DESC LIMIT +?4`, tenant, webhook[:], bound, int64(limit))
	return replays, translate("list replays", err)
}

// OpenReplays implements [peal.ReplayStore].
func (s *Store) OpenReplays(ctx context.Context, limit int) ([]peal.Replay, error) {
	replays, err := s.replays(ctx, ` WHERE p.status = 'running' ORDER BY p.id LIMIT +?`, int64(limit))
	return replays, translate("list replays", err)
}

func (s *Store) replays(ctx context.Context, where string, values ...any) ([]peal.Replay, error) {
	var replays []peal.Replay
	err := s.query(ctx, selectReplay+where, func(r row) error {
		replay, err := scanReplay(r)
		replays = append(replays, replay)
		return err
	}, values...)
	return replays, err
}

// EndReplay implements [peal.ReplayStore].
func (s *Store) EndReplay(ctx context.Context, tenant string, id peal.JobID, status peal.ReplayStatus, reason string, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		p, err := w.openReplay(id)
		if p != nil && p.Tenant != tenant {
			return refuse(noReplay())
		}
		if err != nil {
			return err
		}
		_, err = w.conn.exec(`UPDATE replays SET status = ?, reason = ?, ended = ? WHERE id = ?`, string(status), reason, micros(at), id[:])
		return err
	}})
	return translate("end a replay", err)
}
