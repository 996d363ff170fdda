package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

func noDelivery(id peal.DeliveryID) error {
	return peal.Fail(peal.NotFound, message.NoDelivery, id)
}

// found is a delivery that a change is about, its row locked.
type found struct {
	table   string // held, waiting or settled
	webhook peal.WebhookID
	deleted bool
	status  peal.DeliveryStatus
}

// find finds a delivery of a tenant for a change to it. The error is NotFound when
// there is none.
func (t *tx) find(tenant string, id peal.DeliveryID) (*found, error) {
	var table *string
	if _, err := t.one(`SELECT peal.find_delivery($1)`, []any{uuid(id)}, &table); err != nil {
		return nil, err
	}
	if table == nil {
		return nil, noDelivery(id)
	}
	f := &found{table: *table}
	status := `0`
	if f.table == "settled" {
		status = `d.status`
	}
	var number int
	there, err := t.one(fmt.Sprintf(`SELECT w.id, w.deleted, %s FROM peal.%s d JOIN peal.webhooks w ON w.num = d.webhook JOIN peal.tenants n ON n.num = w.tenant
		WHERE d.id = $1 AND n.name = $2`, status, f.table), []any{uuid(id), tenant}, (*[16]byte)(&f.webhook), &f.deleted, &number)
	if err == nil && !there {
		err = noDelivery(id)
	}
	f.status = statusNames[number]
	return f, err
}

// moveCanceled moves rows of waiting or, with cancelHeld, of held to settled.
const moveCanceled = `WITH gone AS (DELETE FROM peal.%s WHERE %s RETURNING *)
	INSERT INTO peal.settled (id, webhook, event, status, test, attempts, tries, code, duration, reason, at)
	SELECT id, webhook, event, 3, test, attempts, tries, code, duration, reason, $2 FROM gone`

// cancelHeld lets the holders learn of it.
const cancelHeld = `WITH gone AS (DELETE FROM peal.%s WHERE %s RETURNING *),
	noted AS (INSERT INTO peal.canceled (node, at, delivery) SELECT owner, peal.now_micros(), id FROM gone ON CONFLICT DO NOTHING)
	INSERT INTO peal.settled (id, webhook, event, status, test, attempts, tries, code, duration, reason, at)
	SELECT id, webhook, event, 3, test, attempts, tries, code, duration, reason, $2 FROM gone`

// cancel moves rows of held or waiting to settled and returns their number.
func (t *tx) cancel(table, where string, value any, at time.Time) (int64, error) {
	text := moveCanceled
	if table == "held" {
		text = cancelHeld
	}
	n, err := t.exec(fmt.Sprintf(text, table, where), value, micros(at))
	if err == nil && n > 0 && table == "held" {
		err = t.signal(peal.NodeSignal{Kind: peal.SignalCanceled})
	}
	return n, err
}

// Cancel implements [peal.Store].
func (s *Store) Cancel(ctx context.Context, tenant string, id peal.DeliveryID, at time.Time) error {
	err := s.withDays(ctx, 1, [][16]byte{id}, func(t *tx) error {
		f, err := t.find(tenant, id)
		if err != nil {
			return err
		}
		if f.status != peal.Pending {
			return peal.Fail(peal.Conflict, message.DeliveryFinal, f.status)
		}
		_, err = t.cancel(f.table, `id = $1`, uuid(id), at)
		return err
	})
	return translate("cancel a delivery", err)
}

// withDays is transactFor for changes that write into the partitions of IDs.
func (s *Store) withDays(ctx context.Context, calls int, ids [][16]byte, run func(*tx) error) error {
	err := s.transactFor(ctx, calls, run)
	if missesDay(err) {
		if err := ensureDaysOf(ctx, s, ids); err != nil {
			return err
		}
		err = s.transactFor(ctx, calls, run)
	}
	return err
}

// Reopen implements [peal.Store]. A delivery of a deleted webhook stays
// closed: that is a Conflict too.
func (s *Store) Reopen(ctx context.Context, node peal.NodeID, tenant string, id peal.DeliveryID, due time.Time) (peal.ClaimedDelivery, error) {
	var work []peal.ClaimedDelivery
	if err := s.endDoubts(ctx, false); err != nil {
		return peal.ClaimedDelivery{}, translate("reopen a delivery", err)
	}
	err := s.withDays(ctx, 1, [][16]byte{id}, func(t *tx) error {
		work = nil
		owner, fenced := t.holder(node)
		if fenced != nil && fenced != peal.ErrFenced {
			return fenced
		}
		f, err := t.find(tenant, id)
		switch {
		case err != nil:
			return err
		case f.deleted:
			return peal.Fail(peal.Conflict, message.DeliveryOrphan)
		case f.table == "held":
			return peal.Fail(peal.Conflict, message.DeliveryUnderWay)
		}
		if fenced != nil {
			return fenced
		}
		if err := t.recordLast(f.table, id); err != nil {
			return err
		}
		if err := t.reopen(f.table, `id = $1`, `held`, `, owner`, `, $3`, uuid(id), micros(due), owner); err != nil {
			return err
		}
		var p place
		if err := t.each(`SELECT id, event, due, test, attempts, tries, code, duration, coalesce(reason, '') FROM peal.held WHERE id = $1`, func(rows pgx.Rows) error {
			return p.scan(rows)
		}, uuid(id)); err != nil {
			return err
		}
		work, err = t.workOf(f.webhook, []place{p})
		return err
	})
	if err != nil {
		s.doubtClaim(node, err, work...)
		return peal.ClaimedDelivery{}, translate("reopen a delivery", err)
	}
	return work[0], nil
}

// recordLast puts the attempt that settled a delivery among the earlier ones.
func (t *tx) recordLast(table string, ids ...peal.DeliveryID) error {
	if table != "settled" {
		return nil
	}
	type last struct {
		delivery        [16]byte
		facts, exchange []byte
	}
	var all []last
	if err := t.each(`SELECT id, facts, exchange FROM peal.settled WHERE id = ANY ($1) AND facts IS NOT NULL`, func(rows pgx.Rows) error {
		var l last
		err := rows.Scan(&l.delivery, &l.facts, &l.exchange)
		all = append(all, l)
		return err
	}, uuids(ids...)); err != nil {
		return err
	}
	for i := range all {
		attempt := record.ReadJoined(all[i].facts, all[i].exchange)
		if _, err := t.exec(`INSERT INTO peal.attempts (delivery, id, facts, exchange) VALUES ($1, $2, $3, $4)`,
			uuid(all[i].delivery), uuid(attempt.ID), all[i].facts, all[i].exchange); err != nil {
			return err
		}
	}
	return nil
}

// reopen moves rows from waiting or settled to a table of pending ones, due at $2. A final delivery
// starts a new round.
func (t *tx) reopen(from, where, to, column, value string, args ...any) error {
	tries := `tries`
	if from == "settled" {
		tries = `0`
	}
	_, err := t.exec(fmt.Sprintf(`WITH gone AS (DELETE FROM peal.%s WHERE %s RETURNING *)
		INSERT INTO peal.%s (id, webhook, event, due, test, attempts, tries, code, duration, reason%s)
		SELECT id, webhook, event, $2, test, attempts, %s, code, duration, reason%s FROM gone`, from, where, to, column, tries, value), args...)
	return err
}

// releaseBatch is the number of deliveries that one transaction releases.
const releaseBatch = 1000

// Release implements [peal.Store]. Deliveries that cannot be released now are released later.
func (s *Store) Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error {
	if len(ids) > releaseBatch { // no row is locked for long
		if err := s.Release(ctx, node, ids[:releaseBatch]); err != nil {
			s.doubts.add(node, ids[releaseBatch:], false)
			return err
		}
		return s.Release(ctx, node, ids[releaseBatch:])
	}
	if ids != nil {
		_, err := s.exec(ctx, fmt.Sprintf(letGo, `id = ANY ($2) AND owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node), uuids(ids...))
		if err != nil {
			s.doubts.add(node, ids, false)
		}
		return translate("release deliveries", err)
	}
	_, err := s.exec(ctx, fmt.Sprintf(letGo, `owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(node))
	return translate("release deliveries", err)
}
