package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

var replays = table[peal.Replay]{
	` FROM peal.replays p JOIN peal.tenants n ON n.num = p.tenant`,
	func(p *peal.Replay) []Column {
		return []Column{
			Fixed("p.id", p.ID[:]), Text("n.name", &p.Tenant), Fixed("p.webhook", p.WebhookID[:]),
			Time("p.since", &p.Since), Time("p.until", &p.Until),
			decoded("p.choice", func(text string) error { return record.DecodeReplay(p, text) }),
			Text("p.status", &p.Status), Text("p.reason", &p.Reason), Int("p.total", &p.Total), Int("p.done", &p.Done),
			Int("p.replayed", &p.Replayed), Time("p.ended", &p.EndedAt),
		}
	},
}

func noReplay() error { return peal.Fail(peal.NotFound, message.NoReplay) }

// CreateReplay implements [storetest.ReplayStore].
func (s *Store) CreateReplay(ctx context.Context, p peal.Replay) error {
	conflict := peal.Fail(peal.Conflict, message.ReplayExists, p.ID)
	choice, err := record.EncodeReplay(&p)
	if err != nil {
		return s.db.Translate("create a replay", err)
	}
	err = s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		if _, err := FindLive(tx, p.Tenant, p.WebhookID); err != nil {
			return err
		}
		_, taken, err := number(tx, `SELECT 1 FROM peal.replays WHERE id = ?1`, ID(p.ID))
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		n, err := tx.Exec(`INSERT INTO peal.replays
			(id, tenant, webhook, since, until, choice, status, reason, total, done, replayed, next_delivery, next_event, ended)
			VALUES (?1, (SELECT num FROM peal.tenants WHERE name = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13)
			ON CONFLICT DO NOTHING`,
			ID(p.ID), p.Tenant, ID(p.WebhookID), p.Since, p.Until, choice, string(p.Status), p.Reason,
			p.Total, p.Done, p.Replayed,
			s.Floor(p.Since), p.EndedAt)
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	return s.db.Translate("create a replay", err)
}

// Replay implements [storetest.ReplayStore].
func (s *Store) Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error) {
	replay, err := replays.one(s.db.Reader(ctx), noReplay(), ` WHERE p.id = ?1 AND n.name = ?2`, ID(id), tenant)
	return replay, s.db.Translate("read a replay", err)
}

// Replays implements [storetest.ReplayStore].
func (s *Store) Replays(ctx context.Context, query peal.ReplayQuery) ([]peal.Replay, error) {
	var w where
	w.add(`p.webhook = ?`, ID(query.WebhookID))
	w.add(`n.name = ?`, query.Tenant)
	rest, values := newest(&w, "p.id", query.Before, query.Limit)
	list, err := replays.list(s.db.Reader(ctx), rest, values...)
	return list, s.db.Translate("list replays", err)
}

// OpenReplays implements [storetest.ReplayStore].
func (s *Store) OpenReplays(ctx context.Context, limit int) ([]peal.Replay, error) {
	list, err := replays.list(s.db.Reader(ctx), ` WHERE p.status = 'running' ORDER BY p.id LIMIT +?1`, limit)
	return list, s.db.Translate("list replays", err)
}

// LockReplay is the lock of [Running] for a change: other changes of the replay wait.
const LockReplay = ` [FOR UPDATE OF p]`

// Running reads a replay that must be running, and more columns of p (the replay) and w (its webhook;
// NULL if its row is gone). It returns the replay also with the error that it has ended.
func Running(q Querier, id peal.JobID, lock string, more ...Column) (p peal.Replay, err error) {
	err = Read(q, append(replays.columns(&p), more...), ` FROM peal.replays p LEFT JOIN peal.webhooks w ON w.id = p.webhook
		JOIN peal.tenants n ON n.num = p.tenant WHERE p.id = ?1`+lock, func() error { return nil }, ID(id))
	switch {
	case err != nil:
	case p.ID.IsZero():
		err = noReplay()
	case p.Status != peal.ReplayRunning:
		err = peal.Fail(peal.Conflict, message.ReplayEnded, p.Status)
	}
	return p, err
}

// EndReplay implements [storetest.ReplayStore].
func (s *Store) EndReplay(
	ctx context.Context, tenant string, id peal.JobID, status peal.ReplayStatus, reason string, at time.Time,
) error {
	err := s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		p, err := Running(tx, id, LockReplay)
		if !p.ID.IsZero() && p.Tenant != tenant {
			return noReplay()
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE peal.replays SET status = ?2, reason = ?3, ended = ?4 WHERE id = ?1`,
			ID(id), string(status), reason, at)
		return err
	})
	return s.db.Translate("end a replay", err)
}
