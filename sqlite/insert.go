package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// inserts are the rows of new events that wait to be written: those of all calls
// in a group go into the same statements.
type inserts struct {
	events, held, waiting multi
	// troubled are the few events on which filters failed: the column for that costs
	// the others nothing.
	troubled multi
	taken    taken
	// ids are the publishers' own ids among the events.
	ids map[givenID]struct{}
}

type givenID struct {
	tenant int64
	id     string
}

func newInserts() inserts {
	return inserts{
		events:   multi{before: `INSERT INTO events (seq, head, tail, tenant, type, ext_id, subject, time, deliveries, data) VALUES `, width: 10},
		troubled: multi{before: `INSERT INTO events (seq, head, tail, tenant, type, ext_id, subject, time, deliveries, data, filter_errors) VALUES `, width: 11},
		held:     multi{before: `INSERT INTO held (seq, head, tail, webhook, event, owner, due, test) VALUES `, width: 8},
		waiting:  multi{before: `INSERT INTO waiting (seq, head, tail, webhook, event, due, test) VALUES `, width: 7},
		ids:      map[givenID]struct{}{},
	}
}

func (b *inserts) flush(conn *connection) error {
	for _, m := range []*multi{&b.events, &b.troubled, &b.held, &b.waiting} {
		if len(m.values) == 0 {
			continue
		}
		if _, err := m.flush(conn); err != nil {
			return err
		}
	}
	clear(b.ids)
	return nil
}

func (b *inserts) discard() {
	b.events.discard()
	b.troubled.discard()
	b.held.discard()
	b.waiting.discard()
	clear(b.ids)
}

// Insert implements [peal.Store].
func (s *Store) Insert(ctx context.Context, node peal.NodeID, version int64, insertions []peal.Insertion) ([]peal.InsertResult, error) {
	if record.DeliveriesIn(insertions) > record.MostTogether {
		return s.insertSpread(ctx, node, version, insertions)
	}
	var inserted []peal.InsertResult
	c := &change{ctx: ctx, appends: true, run: func(w *writer) (err error) {
		inserted, err = w.insert(node, version, insertions)
		return err
	}}
	c.of(insertions)
	if err := s.queue.submit(c); err != nil {
		return nil, translate("insert events", err)
	}
	return inserted, nil
}

// of notes what a change is to insert.
func (c *change) of(insertions []peal.Insertion) {
	for i := range insertions {
		c.rows += 1 + len(insertions[i].Deliveries)
		c.bytes += len(insertions[i].Event.Data)
		c.tenant = insertions[i].Event.Tenant
	}
}

// insert checks everything first, then fills the buffers.
func (w *writer) insert(node peal.NodeID, version int64, insertions []peal.Insertion) ([]peal.InsertResult, error) {
	inserted, owner, err := w.check(node, version, insertions)
	if err != nil {
		return nil, err
	}
	for i := range insertions {
		if inserted[i].Duplicate {
			continue
		}
		if err := w.append(owner, &insertions[i], w.appendDelivery); err != nil {
			return nil, err
		}
		inserted[i].Event = insertions[i].Event
	}
	crashpoint.Reach(crashpoint.InsertGathered)
	return inserted, nil
}

// check finds the duplicates and refuses what cannot be inserted. owner is the number of
// the node, where it is to hold anything.
func (w *writer) check(node peal.NodeID, version int64, insertions []peal.Insertion) (inserted []peal.InsertResult, owner int64, err error) {
	if w.routes > version {
		return nil, nobody, refuse(peal.ErrStaleRoutes)
	}
	if inserted, err = w.findDuplicates(insertions); err != nil {
		return nil, nobody, err
	}
	holds := false
	for i := range insertions {
		for _, d := range insertions[i].Deliveries {
			holds = holds || d.Held
			if _, found, err := w.webhook(d.WebhookID); err != nil {
				return nil, nobody, err
			} else if !found {
				return nil, nobody, refuse(peal.Errorf(peal.Internal, "events[%d] has a delivery for %s, which does not exist", i, d.WebhookID))
			}
		}
	}
	if owner = nobody; holds {
		owner, err = w.holder(node)
	}
	return inserted, owner, err
}

// append puts an event into the buffers, and its deliveries by means of add, which
// returns the place of each.
func (w *writer) append(owner int64, in *peal.Insertion, add func(owner, event int64, d *peal.NewDelivery) (int64, error)) error {
	e := in.Event
	tenant, err := w.ensureTenant(e.Tenant, e.AcceptedAt())
	if err != nil {
		return err
	}
	typeNum, err := w.typeNum(e.Type)
	if err != nil {
		return err
	}
	key := halve(e.Key)
	seq := key.seq()
	if w.alone { // perhaps because two keys had the same place
		if err := w.flush(); err != nil {
			return err
		}
		if seq, err = freeSeq(w.conn, "events", key); err != nil {
			return fmt.Errorf("place event %s: %w", e.Key, err)
		}
	}
	w.notes.event(seq)
	var deliveries any
	if len(in.Deliveries) > 0 {
		places := make([]byte, 0, 8*len(in.Deliveries))
		for i := range in.Deliveries {
			place, err := add(owner, seq, &in.Deliveries[i])
			if err != nil {
				return err
			}
			places = binary.BigEndian.AppendUint64(places, uint64(place))
		}
		deliveries = places
	}
	var extID, subject any
	if in.IDGiven {
		extID = e.ID
		w.inserts.ids[givenID{tenant, e.ID}] = struct{}{}
	}
	if e.Subject != "" {
		subject = e.Subject
	}
	if len(in.FilterErrors) > 0 {
		failures, err := record.EncodeFilterErrors(in.FilterErrors)
		if err != nil {
			return fmt.Errorf("keep the filter errors of event %s: %w", e.Key, err)
		}
		w.inserts.troubled.add(seq, key.storedHead(seq), key.tail, tenant, typeNum, extID, subject, storedTime(e), deliveries, []byte(e.Data), failures)
		return nil
	}
	w.inserts.events.add(seq, key.storedHead(seq), key.tail, tenant, typeNum, extID, subject, storedTime(e), deliveries, []byte(e.Data))
	return nil
}

// storedTime is the event's time as a column's value: nil for the moment in its key.
func storedTime(e *peal.Event) any {
	if e.Time == peal.TimestampOf(e.AcceptedAt()) {
		return nil
	}
	return e.Time.String()
}

// appendDelivery puts a delivery into the buffers and returns its place.
func (w *writer) appendDelivery(owner, event int64, d *peal.NewDelivery) (int64, error) {
	webhook, _, err := w.webhook(d.WebhookID)
	if err != nil {
		return 0, err
	}
	id := halve(d.ID)
	seq := id.seq()
	if w.alone || !w.inserts.taken.isFree(seq) {
		if err := w.flush(); err != nil {
			return 0, err
		}
		if seq, err = freeSeq(w.conn, "deliveries", id); err != nil {
			return 0, fmt.Errorf("place delivery %s: %w", d.ID, err)
		}
	}
	w.inserts.taken.add(seq)
	// IDs never go back, but the clock can: a delivery is due now, even if its ID is later.
	due := min(d.ID.Time().UnixMicro(), time.Now().UnixMicro())
	if d.Held {
		w.inserts.held.add(seq, id.storedHead(seq), id.tail, webhook.num, event, owner, due, flag(d.Test))
	} else {
		w.inserts.waiting.add(seq, id.storedHead(seq), id.tail, webhook.num, event, due, flag(d.Test))
	}
	return seq, nil
}

// multi collects rows for one statement that takes many of them: a statement for
// each row would cost more than the row.
type multi struct {
	// The statement is before, a parenthesis of width parameters for each row, after.
	before, after string
	width         int
	sizes         [3]*statement
	values        []any
	args          []driver.NamedValue
}

// The numbers of rows that statements are prepared for.
var multiSizes = [3]int{32, 8, 1}

func (m *multi) add(values ...any) { m.values = append(m.values, values...) }

// discard forgets the rows.
func (m *multi) discard() {
	clear(m.values)
	m.values = m.values[:0]
}

// flush writes the rows and forgets them. It returns the number of rows that the statements changed.
// In each statement, the tail values follow those of the rows.
func (m *multi) flush(conn *connection, tail ...any) (changed int64, err error) {
	defer m.discard()
	rest := m.values
	for i, size := range multiSizes {
		for len(rest) >= size*m.width {
			if m.sizes[i] == nil {
				if m.sizes[i], err = conn.prepare(m.text(size)); err != nil {
					return changed, err
				}
			}
			n, err := m.sizes[i].exec(m.bind(rest[:size*m.width], tail))
			if err != nil {
				return changed, err
			}
			changed += n
			rest = rest[size*m.width:]
		}
	}
	return changed, nil
}

func (m *multi) bind(values, tail []any) []driver.NamedValue {
	for n := len(m.args); n < len(values)+len(tail); n++ {
		m.args = append(m.args, driver.NamedValue{Ordinal: n + 1})
	}
	for i, value := range values {
		m.args[i].Value = value
	}
	for i, value := range tail {
		m.args[len(values)+i].Value = value
	}
	return m.args[:len(values)+len(tail)]
}

func (m *multi) text(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", m.width), ",") + ")"
	return m.before + strings.TrimSuffix(strings.Repeat(row+",", rows), ",") + m.after
}
