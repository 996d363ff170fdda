package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// insertSpread is Insert for so many deliveries that one transaction would keep others
// waiting. The first transaction makes everything durable: the events, and the
// deliveries as lists. After it nothing can fail any more but the writing of rows, which
// the sweeper then finishes, also after a crash.
func (s *Store) insertSpread(ctx context.Context, node peal.NodeID, version int64, insertions []peal.Insertion) ([]peal.InsertResult, error) {
	var inserted []peal.InsertResult
	var parts []record.Part
	c := &change{ctx: ctx, appends: true, run: func(w *writer) (err error) {
		inserted, parts, err = w.spread(node, version, insertions)
		return err
	}}
	c.of(insertions)
	c.rows = len(insertions) + (c.rows-len(insertions))/record.PartDeliveries + 1
	if err := s.queue.submit(c); err != nil {
		return nil, translate("insert events", err)
	}
	crashpoint.Reach(crashpoint.SpreadDone)
	ctx = context.WithoutCancel(ctx)
	for i := range parts {
		held, err := s.expand(ctx, c.tenant, parts[i].ID, node)
		if err != nil {
			s.sweeper.adopt(parts[i].ID)
		}
		if !held {
			record.Released(insertions, &parts[i])
		}
	}
	return inserted, nil
}

// spread is insert with the deliveries as lists.
func (w *writer) spread(node peal.NodeID, version int64, insertions []peal.Insertion) ([]peal.InsertResult, []record.Part, error) {
	inserted, _, err := w.check(node, version, insertions)
	if err != nil {
		return nil, nil, err
	}
	for i := range insertions {
		if inserted[i].Duplicate {
			continue
		}
		if err := w.append(nobody, &insertions[i], w.reserve); err != nil {
			return nil, nil, err
		}
		inserted[i].Event = insertions[i].Event
	}
	parts := record.PartsOf(insertions, func(i int) bool { return !inserted[i].Duplicate })
	for i := range parts {
		p := &parts[i]
		if _, err := w.conn.exec(`INSERT INTO spreads (id, node, first, last, list) VALUES (?, ?, ?, ?, ?)`, p.ID[:], node[:], p.First[:], p.Last[:], p.List); err != nil {
			return nil, nil, err
		}
	}
	crashpoint.Reach(crashpoint.SpreadWritten)
	return inserted, parts, nil
}

// reserve keeps the place of a delivery that will be a row later. Should another ID of
// the same moment have it all the same, expandRow finds another one.
func (w *writer) reserve(_, _ int64, d *peal.NewDelivery) (int64, error) {
	seq := halve(d.ID).seq()
	if w.inserts.taken.isFree(seq) {
		w.inserts.taken.add(seq)
	}
	return seq, nil
}

// expand writes the rows of the deliveries of a part. If node is registered, it holds those that were
// inserted as held, and held is true.
func (s *Store) expand(ctx context.Context, tenant string, id peal.DeliveryID, node peal.NodeID) (held bool, err error) {
	deleted := false
	err = s.queue.submit(&change{ctx: ctx, tenant: tenant, rows: record.PartDeliveries, run: func(w *writer) (err error) {
		held, deleted, err = w.expand(id, node)
		return err
	}})
	if deleted {
		s.sweeper.signal()
	}
	return held && err == nil, err
}

func (w *writer) expand(id peal.DeliveryID, node peal.NodeID) (held, deleted bool, err error) {
	spread, err := w.spreadOf(id)
	if err != nil || len(spread) == 0 {
		return false, false, err
	}
	owner := int64(nobody)
	if !node.IsZero() {
		if owner, err = w.node(node); err != nil {
			return false, false, err
		}
	}
	var event peal.EventKey
	var seq int64
	for i := range spread {
		d := &spread[i]
		if d.Event != event {
			found := false
			if seq, found, err = w.eventSeq(d.Event); err != nil {
				return false, false, err
			} else if !found {
				continue
			}
			event = d.Event
			w.notes.event(seq)
		}
		webhook, found, err := w.webhook(d.Webhook)
		if err != nil {
			return false, false, err
		}
		if !found {
			continue
		}
		deleted = deleted || webhook.deleted
		if err := w.expandRow(owner, seq, webhook.num, d, !node.IsZero()); err != nil {
			return false, false, err
		}
	}
	if owner == nobody {
		w.signal(peal.NodeSignal{Kind: peal.SignalWork})
	}
	if _, err := w.conn.exec(`DELETE FROM spreads WHERE id = ?`, id[:]); err != nil {
		return false, false, err
	}
	crashpoint.Reach(crashpoint.SpreadPart)
	return owner != nobody, deleted, nil
}

// expandRow puts a delivery into the buffers. Its place is free for sure when it was
// reserved by this process, as long as nothing has failed.
func (w *writer) expandRow(owner, event, webhook int64, d *record.Spread, reserved bool) error {
	id := halve(d.Delivery)
	seq := id.seq()
	if !reserved || w.alone {
		if err := w.flush(); err != nil {
			return err
		}
		free, err := freeSeq(w.conn, "deliveries", id)
		if err != nil {
			return fmt.Errorf("place delivery %s: %w", d.Delivery, err)
		}
		if free != seq {
			if err := w.move(event, seq, free); err != nil {
				return err
			}
			seq = free
		}
		w.inserts.taken.add(seq)
	}
	due := min(d.Delivery.Time().UnixMicro(), time.Now().UnixMicro())
	if d.Held && owner != nobody {
		w.inserts.held.add(seq, id.storedHead(seq), id.tail, webhook, event, owner, due, flag(d.Test))
	} else {
		w.inserts.waiting.add(seq, id.storedHead(seq), id.tail, webhook, event, due, flag(d.Test))
	}
	return nil
}

// move changes the place of a delivery in its event's list.
func (w *writer) move(event, from, to int64) error {
	var places []byte
	if err := w.conn.query(`SELECT deliveries FROM events WHERE seq = ?`, func(r row) error {
		places = bytes.Clone(r.blob(0))
		return nil
	}, event); err != nil {
		return err
	}
	for i := 0; i+8 <= len(places); i += 8 {
		if at := places[i : i+8]; int64(binary.BigEndian.Uint64(at)) == from {
			binary.BigEndian.PutUint64(at, uint64(to))
			break
		}
	}
	_, err := w.conn.exec(`UPDATE events SET deliveries = ? WHERE seq = ?`, places, event)
	return err
}

// spreadOf reads a part; none when it has become rows.
func (w *writer) spreadOf(id peal.DeliveryID) (spread []record.Spread, err error) {
	err = w.conn.query(`SELECT list FROM spreads WHERE id = ?`, func(r row) (err error) {
		spread, err = record.ParseSpread(r.blob(0))
		return err
	}, id[:])
	return spread, err
}

// eachSpread calls each with every delivery that is not a row yet.
func eachSpread(ctx context.Context, q querier, each func(*record.Spread)) error {
	return q.query(ctx, `SELECT list FROM spreads ORDER BY id`, func(r row) error {
		spread, err := record.ParseSpread(r.blob(0))
		for i := range spread {
			each(&spread[i])
		}
		return err
	})
}

// spreading are the events that may have deliveries which are not rows yet, as ranges.
func spreading(ctx context.Context, q querier) (ranges []span, err error) {
	err = q.query(ctx, `SELECT first, last FROM spreads`, func(r row) error {
		from, until := halve([16]byte(r.blob(0))).seq(), halve([16]byte(r.blob(1))).seq()
		ranges = append(ranges, span{from, until + maxShift})
		return nil
	})
	return ranges, err
}

// takeSpreads writes the rows that nodes left unwritten when they ended, so that later queries for due
// deliveries find them all.
func (s *Store) takeSpreads(ctx context.Context) {
	for {
		did, err := s.sweepSpread(ctx)
		if err != nil {
			s.sweeper.signal() // it tries again
		}
		if err != nil || !did {
			return
		}
	}
}

// sweepSpread writes the rows of a part if its writer is gone or has failed.
func (s *Store) sweepSpread(ctx context.Context) (did bool, err error) {
	id, found := s.sweeper.adopted()
	if !found {
		if err := s.query(ctx, `SELECT id FROM spreads WHERE node IS NULL OR node NOT IN (SELECT id FROM nodes) LIMIT 1`, func(r row) error {
			id, found = peal.DeliveryID(r.blob(0)), true
			return nil
		}); err != nil || !found {
			return false, err
		}
	}
	_, err = s.expand(ctx, "", id, peal.NodeID{})
	if err == nil {
		s.sweeper.done(id)
	}
	return true, err
}
