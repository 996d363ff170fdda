package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// spreadDoubt is the age at which any node writes the rows of a part: the node that wrote the part may
// not know that it did.
const spreadDoubt = time.Minute

// insertSpread is Insert for so many deliveries that one transaction would hold the locks
// of the routes for long. The first transaction makes everything durable: the events, and
// the deliveries as lists. After it nothing can fail any more but the writing of rows,
// which the sweeper of any node then finishes.
func (s *Store) insertSpread(ctx context.Context, in *insertion) ([]peal.InsertResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in.spread = true
	ctx = context.WithoutCancel(ctx)
	parts, err := s.writeSpread(ctx, in)
	if err != nil {
		return nil, translate("insert events", err)
	}
	crashpoint.Reach(crashpoint.SpreadDone)
	for i := range parts {
		held, err := s.expand(ctx, parts[i].ID, in.node)
		if err != nil {
			s.sweeper.adopt(parts[i].ID)
			s.doubtPart(in.node, &parts[i], err)
		}
		if !held {
			record.Released(in.insertions, &parts[i])
		}
	}
	return in.inserted, nil
}

// doubtPart schedules the release of what a node may hold without knowing.
func (s *Store) doubtPart(node peal.NodeID, part *record.Part, err error) {
	if isDefinite(err) {
		return
	}
	spread, err := record.ParseSpread(part.List)
	if err != nil {
		return // PartsOf made the list
	}
	var ids []peal.DeliveryID
	for i := range spread {
		if spread[i].Held {
			ids = append(ids, spread[i].Delivery)
		}
	}
	s.doubts.add(node, ids, true)
}

// writeSpread writes the events and the lists of their deliveries, and looks up duplicates
// until there are no others.
func (s *Store) writeSpread(ctx context.Context, in *insertion) (parts []record.Part, err error) {
	group := []*call[*insertion]{{ctx: ctx, work: in}}
	for len(in.left) > 0 {
		ctx, end := limited()
		defer end()
		left := make(map[int]bool, len(in.left))
		for _, i := range in.left {
			left[i] = true
		}
		parts = record.PartsOf(in.insertions, func(i int) bool { return left[i] })
		rows := rowsOf(s.lockKey, group)
		var out []outcome
		write := func() error {
			return s.transact(ctx, func(t *tx) (err error) {
				out, err = t.writeSpread(in, rows, parts)
				return err
			})
		}
		err := write()
		if missesDay(err) {
			if err = ensureDaysOf(ctx, s, rows.keys()); err == nil {
				err = write()
			}
		}
		err = unanswered(ctx, err)
		switch {
		case err != nil:
			if isLost(err) { // it may have been written
				time.AfterFunc(spreadDoubt+time.Second, s.sweeper.signal)
			}
			return nil, err
		case len(out) == 0:
			return parts, nil
		case out[0].why == "stale":
			return nil, peal.ErrStaleRoutes
		}
		if err := unanswered(ctx, s.findDuplicates(ctx, in)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (t *tx) writeSpread(in *insertion, rows *insertRows, parts []record.Part) (out []outcome, err error) {
	if err := t.each(insertText, func(r pgx.Rows) error {
		var o outcome
		err := r.Scan(&o.call, &o.why)
		out = append(out, o)
		return err
	}, rows.args()...); err != nil || len(out) > 0 {
		return out, err
	}
	if in.holds() {
		if _, err := t.holder(in.node); err != nil {
			return nil, err
		}
	}
	for i := range parts {
		p := &parts[i]
		if _, err := t.exec(`INSERT INTO peal.spreads (id, node, first, last, list) VALUES ($1, $2, $3, $4, $5)`,
			uuid(p.ID), uuid(in.node), uuid(p.First), uuid(p.Last), p.List); err != nil {
			return nil, err
		}
	}
	crashpoint.Reach(crashpoint.SpreadWritten)
	return nil, nil
}

// holds reports whether the node is to hold any of the deliveries.
func (in *insertion) holds() bool {
	for _, i := range in.left {
		for _, d := range in.insertions[i].Deliveries {
			if d.Held {
				return true
			}
		}
	}
	return false
}

// expand writes the rows of the deliveries of a part. If node is registered, it holds those that were
// inserted as held, and held is true.
func (s *Store) expand(ctx context.Context, id peal.DeliveryID, node peal.NodeID) (held bool, err error) {
	deleted := false
	err = s.transact(ctx, func(t *tx) (err error) {
		held, deleted, err = t.expand(id, node)
		return err
	})
	if deleted {
		s.sweeper.signal()
	}
	return held && err == nil, err
}

func (t *tx) expand(id peal.DeliveryID, node peal.NodeID) (held, deleted bool, err error) {
	// Who ends a node or deletes a webhook waits, and then finds the rows.
	if _, err := t.exec(`SELECT pg_advisory_xact_lock_shared($1, $2)`, lockRoutes, t.s.lockKey); err != nil {
		return false, false, err
	}
	var list []byte
	found, err := t.one(`DELETE FROM peal.spreads WHERE id = $1 RETURNING list`, []any{uuid(id)}, &list)
	if err != nil || !found {
		return false, false, err
	}
	spread, err := record.ParseSpread(list)
	if err != nil {
		return false, false, err
	}
	var owner int32
	if !node.IsZero() {
		if held, err = t.one(`SELECT num FROM peal.nodes WHERE id = $1`, []any{uuid(node)}, &owner); err != nil {
			return false, false, err
		}
	}
	if _, err := t.one(`SELECT EXISTS (SELECT FROM peal.webhooks WHERE id = ANY ($1) AND deleted)`, []any{hooksOf(spread)}, &deleted); err != nil {
		return false, false, err
	}
	for _, table := range [...]string{"held", "waiting"} {
		rows := expandedRows(spread, func(d *record.Spread) bool { return (d.Held && held) == (table == "held") })
		column, value := "", ""
		args := []any{rows.ids, rows.hooks, rows.events, rows.due, rows.test}
		if table == "held" {
			column, value, args = ", owner", ", $6", append(args, owner)
		}
		if len(rows.ids) == 0 {
			continue
		}
		if _, err := t.exec(fmt.Sprintf(`INSERT INTO peal.%s (id, webhook, event, due, test%s) SELECT u.id, w.num, u.event, u.due, u.test%s
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::boolean[]) u(id, hook, event, due, test) JOIN peal.webhooks w ON w.id = u.hook`,
			table, column, value), args...); err != nil {
			return false, false, err
		}
	}
	if !held {
		err = t.signal(peal.NodeSignal{Kind: peal.SignalWork})
	}
	crashpoint.Reach(crashpoint.SpreadPart)
	return held, deleted, err
}

// expanded are the rows of deliveries, a list for each column.
type expanded struct {
	ids, hooks, events pgtype.FlatArray[pgtype.UUID]
	due                pgtype.FlatArray[int64]
	test               pgtype.FlatArray[bool]
}

func expandedRows(spread []record.Spread, wanted func(*record.Spread) bool) (rows expanded) {
	now := time.Now().UnixMicro()
	for i := range spread {
		d := &spread[i]
		if !wanted(d) {
			continue
		}
		rows.ids, rows.hooks, rows.events = append(rows.ids, uuid(d.Delivery)), append(rows.hooks, uuid(d.Webhook)), append(rows.events, uuid(d.Event))
		rows.due, rows.test = append(rows.due, min(d.Delivery.Time().UnixMicro(), now)), append(rows.test, d.Test)
	}
	return rows
}

func hooksOf(spread []record.Spread) (hooks pgtype.FlatArray[pgtype.UUID]) {
	seen := map[peal.WebhookID]bool{}
	for i := range spread {
		if id := spread[i].Webhook; !seen[id] {
			seen[id], hooks = true, append(hooks, uuid(id))
		}
	}
	return hooks
}

// eachSpread calls each with those of some deliveries that are not rows yet.
func (s *Store) eachSpread(ctx context.Context, q querier, ids []peal.DeliveryID, each func(*peal.Delivery)) error {
	var pending []record.Spread
	if err := s.each(ctx, q, `SELECT list FROM peal.spreads ORDER BY id`, func(rows pgx.Rows) error {
		var list []byte
		if err := rows.Scan(&list); err != nil {
			return err
		}
		spread, err := record.ParseSpread(list)
		pending = append(pending, spread...)
		return err
	}); err != nil || len(pending) == 0 {
		return err
	}
	wanted := make(map[peal.DeliveryID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	tenants := map[peal.WebhookID]string{}
	if err := s.each(ctx, q, `SELECT w.id, n.name FROM peal.webhooks w JOIN peal.tenants n ON n.num = w.tenant WHERE w.id = ANY ($1)`, func(rows pgx.Rows) error {
		var id [16]byte
		var name string
		err := rows.Scan(&id, &name)
		tenants[id] = name
		return err
	}, hooksOf(pending)); err != nil {
		return err
	}
	for i := range pending {
		d := &pending[i]
		if tenant, known := tenants[d.Webhook]; known && wanted[d.Delivery] {
			each(&peal.Delivery{
				ID: d.Delivery, Tenant: tenant, WebhookID: d.Webhook, EventKey: d.Event, EventID: d.Event.String(), Status: peal.Pending, Due: timeOf(micros(d.Delivery.Time())), Test: d.Test,
			})
		}
	}
	return nil
}

// takeSpreads writes the rows that nodes left unwritten when they ended, so that later queries for due
// deliveries find them all.
func (s *Store) takeSpreads(ctx context.Context) {
	for {
		did, err := s.sweepSpreads(ctx)
		if err != nil {
			s.sweeper.signal() // it tries again
		}
		if err != nil || !did {
			return
		}
	}
}

// sweepSpreads writes the rows of parts if their writer is gone, has failed or cannot know of them.
func (s *Store) sweepSpreads(ctx context.Context) (did bool, err error) {
	parts := s.sweeper.adopted()
	if len(parts) == 0 {
		if err := s.query(ctx, `SELECT id FROM peal.spreads WHERE node IS NULL OR node NOT IN (SELECT id FROM peal.nodes)
			OR at < peal.now_micros() - $1 ORDER BY id LIMIT 10`, func(rows pgx.Rows) error {
			var id [16]byte
			err := rows.Scan(&id)
			parts = append(parts, id)
			return err
		}, spreadDoubt.Microseconds()); err != nil {
			return false, err
		}
	}
	for _, id := range parts {
		if _, err := s.expand(ctx, id, peal.NodeID{}); err != nil {
			return false, err
		}
		s.sweeper.done(id)
	}
	return len(parts) > 0, nil
}
