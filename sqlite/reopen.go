package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

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

// Cancel implements [peal.WorkStore].
func (s *Store) Cancel(ctx context.Context, tenant string, id peal.DeliveryID, at time.Time) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 3, run: func(w *writer) error {
		p, _, _, err := w.findOf(tenant, id)
		if err != nil {
			return err
		}
		if p.status != 0 {
			return refusef(peal.Conflict, "the delivery is final: %s", statusNames[p.status])
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

// Reopen implements [peal.WorkStore]. A delivery of a deleted webhook stays
// closed: that is a Conflict too.
func (s *Store) Reopen(ctx context.Context, node peal.NodeID, tenant string, id peal.DeliveryID, due time.Time) (peal.ClaimedDelivery, error) {
	var work []peal.ClaimedDelivery
	err := s.queue.submit(&change{ctx: ctx, rows: 3, run: func(w *writer) error {
		p, webhook, deleted, err := w.findOf(tenant, id)
		if err != nil {
			return err
		}
		if deleted {
			return refusef(peal.Conflict, "the delivery's webhook is deleted")
		}
		if p.table == "held" {
			return refusef(peal.Conflict, "the delivery is being attempted, or about to be")
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
