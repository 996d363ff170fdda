package sqlite

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// The statuses as numbers.
var statusNumbers = map[peal.DeliveryStatus]int64{peal.Pending: 0, peal.Success: 1, peal.Failed: 2, peal.Canceled: 3}

var statusNames = [...]peal.DeliveryStatus{peal.Pending, peal.Success, peal.Failed, peal.Canceled}

// settles moves deliveries from held to settled, many at once: the usual end of
// an attempt. What is not where it is usually found goes through move.
type settles struct {
	insert, remove multi
	among          map[int64]struct{} // the keys in insert
}

func newSettles() settles {
	return settles{
		insert: multi{
			before: `WITH v (seq, tail, status, tries, code, duration, reason, at, last) AS (VALUES `,
			width:  9,
			after: `) INSERT INTO settled (seq, head, tail, webhook, event, status, test, attempts, tries, code, duration, reason, at, last)
				SELECT h.seq, h.head, h.tail, h.webhook, h.event, v.status, h.test, h.attempts + 1, v.tries, v.code, v.duration, v.reason, v.at, v.last
				FROM v CROSS JOIN held h ON h.seq = v.seq WHERE h.tail = v.tail AND h.head IS NULL AND h.owner = ?`,
		},
		remove: multi{before: `DELETE FROM held WHERE seq IN (`, width: 1, after: `)`},
		among:  map[int64]struct{}{},
	}
}

// Settle implements [peal.Store]. A settlement of a delivery that the store
// does not know (any more) is left out.
func (s *Store) Settle(ctx context.Context, node peal.NodeID, settlements []peal.Settlement) error {
	failed := !slices.ContainsFunc(settlements, func(s peal.Settlement) bool { return s.Attempt.Succeeded() })
	c := &change{ctx: ctx, patient: failed, rows: 2 * len(settlements), run: func(w *writer) error { return w.settle(node, settlements) }}
	for i := range settlements {
		c.bytes += record.AttemptSize(&settlements[i].Attempt)
	}
	return translate("settle deliveries", s.queue.submit(c))
}

func (w *writer) settle(node peal.NodeID, settlements []peal.Settlement) error {
	owner, err := w.node(node)
	if err != nil {
		return err
	}
	for len(settlements) > 0 {
		n := w.settles.gather(settlements)
		if n == 0 {
			if err := w.settleOne(owner, &settlements[0]); err != nil {
				return err
			}
			settlements = settlements[1:]
			continue
		}
		if err := w.settleMany(owner, settlements[:n]); err != nil {
			return err
		}
		settlements = settlements[n:]
	}
	crashpoint.Reach(crashpoint.SettleWritten)
	return nil
}

// gather buffers the settlements at the front that are final and of different deliveries, and returns
// their number.
func (b *settles) gather(settlements []peal.Settlement) int {
	clear(b.among)
	for i := range settlements {
		s := &settlements[i]
		id := halve(s.Attempt.DeliveryID)
		seq := id.seq()
		_, twice := b.among[seq]
		if twice || s.Status == peal.Pending || id.storedHead(seq) != nil {
			return i
		}
		b.among[seq] = struct{}{}
		a := &s.Attempt
		record := record.AppendAttempt(make([]byte, 0, record.AttemptSize(a)), a)
		b.insert.add(seq, id.tail, statusNumbers[s.Status], int64(s.Tries), int64(a.StatusCode), a.Timing.Total.Microseconds(),
			orNull(string(a.Reason)), micros(s.SettledAt), record)
		b.remove.add(seq)
	}
	return len(settlements)
}

// settleMany writes what gather has buffered.
func (w *writer) settleMany(owner int64, settlements []peal.Settlement) error {
	b := &w.settles
	changed, err := b.insert.flush(w.conn, owner)
	if err != nil {
		b.remove.discard()
		return err
	}
	if changed == int64(len(settlements)) {
		if _, err := b.remove.flush(w.conn); err != nil {
			return err
		}
		for i := range settlements {
			w.tally.count(&settlements[i])
			w.notes.delivery(halve(settlements[i].Attempt.DeliveryID).seq())
		}
		return nil
	}
	// Some were not held: those that are in held and in settled now have been moved.
	b.remove.discard()
	var others []*peal.Settlement
	for i := range settlements {
		seq := halve(settlements[i].Attempt.DeliveryID).seq()
		n, err := w.conn.exec(`DELETE FROM held WHERE seq = ?1 AND seq IN (SELECT seq FROM settled WHERE seq = ?1)`, seq)
		if err != nil {
			return err
		}
		if n == 0 {
			others = append(others, &settlements[i])
			continue
		}
		w.tally.count(&settlements[i])
		w.notes.delivery(seq)
	}
	for _, s := range others {
		if err := w.settleOne(owner, s); err != nil {
			return err
		}
	}
	return nil
}

// settleOne settles a delivery wherever it is.
func (w *writer) settleOne(owner int64, s *peal.Settlement) error {
	a := &s.Attempt
	d, err := w.find(a.DeliveryID)
	if err != nil || d == nil {
		return err
	}
	if recorded, err := w.hasAttempt(d.seq, a.ID); err != nil || recorded {
		return err
	}
	w.tally.count(s)
	w.notes.delivery(d.seq)
	record := record.AppendAttempt(nil, a)
	d.attempts++
	d.code, d.duration, d.reason = int64(a.StatusCode), a.Timing.Total.Microseconds(), string(a.Reason)
	mine := d.owner == owner || d.owner == 0 && owner != nobody
	if d.status != 0 || !mine && s.Status != peal.Success {
		// Final already, or in the hands of others, who continue with it.
		if err := w.addAttempt(d.seq, a.ID, record); err != nil {
			return err
		}
		return w.rewrite(d)
	}
	d.tries = int64(s.Tries)
	if s.Status != peal.Pending {
		d.last = record
		return w.moveToSettled(d, statusNumbers[s.Status], s.SettledAt)
	}
	if err := w.addAttempt(d.seq, a.ID, record); err != nil {
		return err
	}
	d.due = micros(s.Due)
	if s.Held {
		return w.moveToHeld(d, owner)
	}
	return w.moveToWaiting(d)
}

func (w *writer) addAttempt(delivery int64, id peal.AttemptID, record []byte) error {
	_, err := w.conn.exec(`INSERT INTO attempts (delivery, id, record) VALUES (?, ?, ?)`, delivery, id[:], record)
	return err
}

// hasAttempt reports whether an attempt is on record.
func (w *writer) hasAttempt(delivery int64, id peal.AttemptID) (bool, error) {
	_, found, err := w.conn.number(`SELECT 1 FROM attempts WHERE delivery = ?1 AND id = ?2
		UNION ALL SELECT 1 FROM settled WHERE seq = ?1 AND substr(last, 2, 16) = ?2`, delivery, id[:])
	return found, err
}
