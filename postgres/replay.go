package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const replayColumns = `p.id, n.name, p.webhook, p.since, p.until, p.choice, p.status, p.reason, p.total, p.done, p.replayed, p.ended`

const selectReplay = `SELECT ` + replayColumns + ` FROM peal.replays p JOIN peal.tenants n ON n.num = p.tenant`

// scanReplay reads the columns of selectReplay, and those that follow them into more.
func scanReplay(rows pgx.Rows, more ...any) (peal.Replay, error) {
	var p peal.Replay
	var since, until, ended int64
	var choice, status string
	if err := rows.Scan(append([]any{
		(*[16]byte)(&p.ID), &p.Tenant, (*[16]byte)(&p.WebhookID), &since, &until, &choice, &status, &p.Reason, &p.Total, &p.Done, &p.Replayed, &ended,
	}, more...)...); err != nil {
		return p, err
	}
	p.Since, p.Until, p.EndedAt, p.Status = timeOf(since), timeOf(until), timeOf(ended), peal.ReplayStatus(status)
	return p, record.DecodeReplay(&p, choice)
}

func noReplay() error { return peal.Errorf(peal.NotFound, "there is no such replay") }

// CreateReplay implements [peal.ReplayStore].
func (s *Store) CreateReplay(ctx context.Context, p peal.Replay) error {
	choice, err := record.EncodeReplay(&p)
	if err != nil {
		return translate("create a replay", err)
	}
	err = s.transact(ctx, func(t *tx) error {
		if _, _, _, err := t.liveWebhook(p.Tenant, p.WebhookID); err != nil {
			return err
		}
		from := uuid(floor(p.Since))
		n, err := t.exec(`INSERT INTO peal.replays (id, tenant, webhook, since, until, choice, status, reason, total, done, replayed, next_delivery, next_event, ended)
			VALUES ($1, (SELECT num FROM peal.tenants WHERE name = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13) ON CONFLICT DO NOTHING`,
			uuid(p.ID), p.Tenant, uuid(p.WebhookID), micros(p.Since), micros(p.Until), choice, string(p.Status), clean(p.Reason),
			p.Total, p.Done, p.Replayed, from, micros(p.EndedAt))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is a replay %s already", p.ID)
		}
		return err
	})
	return translate("create a replay", err)
}

// Replay implements [peal.ReplayStore].
func (s *Store) Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error) {
	replays, err := s.replays(ctx, ` WHERE p.id = $1 AND n.name = $2`, uuid(id), clean(tenant))
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
	replays, err := s.replays(ctx, ` WHERE p.webhook = $2 AND n.name = $1 AND ($3::uuid IS NULL OR p.id < $3) ORDER BY p.id DESC LIMIT $4`,
		clean(tenant), uuid(webhook), orNoID(before), limit)
	return replays, translate("list replays", err)
}

// OpenReplays implements [peal.ReplayStore].
func (s *Store) OpenReplays(ctx context.Context, limit int) ([]peal.Replay, error) {
	replays, err := s.replays(ctx, ` WHERE p.status = 'running' ORDER BY p.id LIMIT $1`, limit)
	return replays, translate("list replays", err)
}

func (s *Store) replays(ctx context.Context, where string, args ...any) ([]peal.Replay, error) {
	var replays []peal.Replay
	err := s.query(ctx, selectReplay+where, func(rows pgx.Rows) error {
		replay, err := scanReplay(rows)
		replays = append(replays, replay)
		return err
	}, args...)
	return replays, err
}

// EndReplay implements [peal.ReplayStore].
func (s *Store) EndReplay(ctx context.Context, tenant string, id peal.JobID, status peal.ReplayStatus, reason string, at time.Time) error {
	err := s.transact(ctx, func(t *tx) error {
		p, err := t.openReplay(id)
		if p != nil && p.Tenant != tenant {
			return noReplay()
		}
		if err != nil {
			return err
		}
		_, err = t.exec(`UPDATE peal.replays SET status = $2, reason = $3, ended = $4 WHERE id = $1`, uuid(id), string(status), clean(reason), micros(at))
		return err
	})
	return translate("end a replay", err)
}
