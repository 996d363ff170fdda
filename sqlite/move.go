package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// place is a delivery's row in any of the tables, with all columns that may change.
type place struct {
	seq, webhook, event   int64
	head                  any
	tail                  int64
	table                 string
	status, owner, due    int64
	test, attempts, tries int64
	code, duration        int64
	reason                string
	at                    int64
	last                  []byte
}

func (p *place) id() peal.DeliveryID { return idAt(p.seq, p.head, p.tail) }

const (
	placeHeld    = `SELECT seq, head, tail, webhook, event, 'held', 0, owner, due, test, attempts, tries, code, duration, reason, 0, NULL FROM held`
	placeWaiting = `SELECT seq, head, tail, webhook, event, 'waiting', 0, 0, due, test, attempts, tries, code, duration, reason, 0, NULL FROM waiting`
	placeSettled = `SELECT seq, head, tail, webhook, event, 'settled', status, 0, 0, test, attempts, tries, code, duration, reason, at, last FROM settled`
)

func scanPlace(r row) place {
	return place{
		seq: r.int(0), head: r[1], tail: r.int(2), webhook: r.int(3), event: r.int(4), table: r.text(5),
		status: r.int(6), owner: r.int(7), due: r.int(8), test: r.int(9), attempts: r.int(10), tries: r.int(11),
		code: r.int(12), duration: r.int(13), reason: r.text(14), at: r.int(15), last: r.blob(16),
	}
}

// find returns a delivery's row; nil if there is none.
func (w *writer) find(id peal.DeliveryID) (*place, error) {
	var found *place
	each := func(r row) error {
		if p := scanPlace(r); p.id() == id {
			found = &p
		}
		return nil
	}
	natural := halve(id).seq()
	for _, span := range [...]int64{1, maxShift} { // displaced rows are rare: look there last
		for _, from := range [...]string{placeHeld, placeWaiting, placeSettled} {
			if err := w.conn.query(from+` WHERE seq >= ? AND seq < ? AND tail = ?`, each, natural, natural+span, halve(id).tail); err != nil || found != nil {
				return found, err
			}
		}
	}
	return nil, nil
}

func (w *writer) remove(p *place) error {
	_, err := w.conn.exec(`DELETE FROM `+p.table+` WHERE seq = ?`, p.seq)
	return err
}

func (w *writer) moveToHeld(p *place, owner int64) error {
	if p.table == "held" { // a retry that stays in memory
		_, err := w.conn.exec(`UPDATE held SET owner = ?, due = ?, test = ?, attempts = ?, tries = ?, code = ?, duration = ?, reason = ? WHERE seq = ?`,
			owner, p.due, p.test, p.attempts, p.tries, p.code, p.duration, orNull(p.reason), p.seq)
		return err
	}
	if err := w.remove(p); err != nil {
		return err
	}
	_, err := w.conn.exec(`INSERT INTO held (seq, head, tail, webhook, event, owner, due, test, attempts, tries, code, duration, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.seq, p.head, p.tail, p.webhook, p.event, owner, p.due, p.test, p.attempts, p.tries, p.code, p.duration, orNull(p.reason))
	return err
}

func (w *writer) moveToWaiting(p *place) error {
	if err := w.remove(p); err != nil {
		return err
	}
	_, err := w.conn.exec(`INSERT INTO waiting (seq, head, tail, webhook, event, due, test, attempts, tries, code, duration, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.seq, p.head, p.tail, p.webhook, p.event, p.due, p.test, p.attempts, p.tries, p.code, p.duration, orNull(p.reason))
	return err
}

func (w *writer) moveToSettled(p *place, status int64, at time.Time) error {
	if err := w.remove(p); err != nil {
		return err
	}
	w.notes.delivery(p.seq)
	_, err := w.conn.exec(`INSERT INTO settled (seq, head, tail, webhook, event, status, test, attempts, tries, code, duration, reason, at, last)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.seq, p.head, p.tail, p.webhook, p.event, status, p.test, p.attempts, p.tries, p.code, p.duration, orNull(p.reason), micros(at), orNil(p.last))
	return err
}

// rewrite writes what an attempt came to into the row, where it is.
func (w *writer) rewrite(p *place) error {
	_, err := w.conn.exec(`UPDATE `+p.table+` SET attempts = ?, code = ?, duration = ?, reason = ? WHERE seq = ?`,
		p.attempts, p.code, p.duration, orNull(p.reason), p.seq)
	return err
}

// findOf finds a delivery of a tenant for a change to it. It refuses with
// NotFound when there is none.
func (w *writer) findOf(tenant string, id peal.DeliveryID) (p *place, webhook peal.WebhookID, deleted bool, err error) {
	p, err = w.find(id)
	if err != nil {
		return nil, webhook, false, err
	}
	if p == nil {
		return nil, webhook, false, refuse(noDelivery(id))
	}
	found := false
	err = w.conn.query(`SELECT w.id, w.deleted FROM webhooks w JOIN tenants n ON n.num = w.tenant WHERE w.num = ? AND n.name = ?`, func(r row) error {
		webhook, deleted, found = peal.WebhookID(r.blob(0)), r.int(1) != 0, true
		return nil
	}, p.webhook, tenant)
	if err == nil && !found {
		err = refuse(noDelivery(id))
	}
	return p, webhook, deleted, err
}

// Cancel implements [peal.Store].
func (s *Store) Cancel(ctx context.Context, tenant string, id peal.DeliveryID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 3, run: func(w *writer) error {
		p, _, _, err := w.findOf(tenant, id)
		if err != nil {
			return err
		}
		if p.status != 0 {
			return refuseAs(peal.Conflict, message.DeliveryFinal, statusNames[p.status])
		}
		if p.owner != 0 {
			if err := w.noteCanceled(p.owner, id); err != nil {
				return err
			}
		}
		return w.moveToSettled(p, statusNumbers[peal.Canceled], at)
	}})
	return translate("cancel a delivery", err)
}

// Reopen implements [peal.Store]. A delivery of a deleted webhook stays
// closed: that is a Conflict too.
func (s *Store) Reopen(ctx context.Context, node peal.NodeID, tenant string, id peal.DeliveryID, due time.Time) (peal.ClaimedDelivery, error) {
	var work []peal.ClaimedDelivery
	err := s.queue.submit(&change{ctx: ctx, rows: 3, run: func(w *writer) error {
		p, webhook, deleted, err := w.findOf(tenant, id)
		if err != nil {
			return err
		}
		if deleted {
			return refuseAs(peal.Conflict, message.DeliveryOrphan)
		}
		if p.table == "held" {
			return refuseAs(peal.Conflict, message.DeliveryUnderWay)
		}
		if work, err = w.reopen(node, webhook, p, due); err != nil {
			return err
		}
		return nil
	}})
	if err != nil {
		return peal.ClaimedDelivery{}, translate("reopen a delivery", err)
	}
	return work[0], nil
}

func (w *writer) reopen(node peal.NodeID, webhook peal.WebhookID, p *place, due time.Time) ([]peal.ClaimedDelivery, error) {
	owner, err := w.holder(node)
	if err != nil {
		return nil, err
	}
	if p.last != nil {
		if err := w.addAttempt(p.seq, record.ReadAttempt(p.last).ID, p.last); err != nil {
			return nil, err
		}
	}
	if p.status != 0 {
		p.tries = 0
	}
	p.due = micros(due)
	if err := w.moveToHeld(p, owner); err != nil {
		return nil, err
	}
	return w.workOf(webhook, []place{*p})
}
