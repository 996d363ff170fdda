package dashboard

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// retryDelivery makes a delivery due now.
func (d *Dashboard) retryDelivery(c *call) error {
	delivery, err := c.findDelivery()
	if err != nil {
		return err
	}
	retried, err := d.Engine.Retry(c.ctx(), c.tenant, delivery.ID)
	if err != nil {
		return err
	}
	done := "retried_soon"
	if c.awaitAttempt(&retried) {
		done = "retried"
	}
	if err := c.record("delivery.retry", delivery.ID.String(), delivery.EventType); err != nil {
		return err
	}
	return c.redirect("/deliveries/" + delivery.ID.String() + "?done=" + done)
}

// answerTime is the time that a page waits for the outcome of a retry by hand.
const answerTime = 3 * time.Second

// awaitAttempt waits up to answerTime for another attempt to be stored, and reports whether it was.
func (c *call) awaitAttempt(before *peal.Delivery) bool {
	ctx, cancel := context.WithTimeout(c.ctx(), answerTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := c.d.Store.Delivery(ctx, c.tenant, before.ID)
		if err != nil || now.Attempts > before.Attempts {
			return err == nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

// cancelDelivery ends a pending delivery.
func (d *Dashboard) cancelDelivery(c *call) error {
	delivery, err := c.findDelivery()
	if err != nil {
		return err
	}
	if _, err := d.Engine.Cancel(c.ctx(), c.tenant, delivery.ID); err != nil {
		return err
	}
	if err := c.record("delivery.cancel", delivery.ID.String(), delivery.EventType); err != nil {
		return err
	}
	return c.redirect("/deliveries/" + delivery.ID.String() + "?done=canceled")
}

// retryMany replays all deliveries of a filter with a background job for each webhook.
func (d *Dashboard) retryMany(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	f := c.readFilter(c.r.PostForm)
	if f.query.Status != peal.Failed && f.query.Status != peal.Canceled {
		return peal.Errorf(peal.Invalid, "%s", c.texts.get("deliveries.bulk_status"))
	}
	if f.Text != "" {
		return d.retryFound(c, &f)
	}
	if err := c.mustSee(peal.PartReplays); err != nil {
		return err
	}
	since := f.query.Since
	if since.IsZero() {
		since = c.now.AddDate(-1, 0, 0)
	}
	webhooks, err := c.tenantWebhooks()
	if err != nil {
		return err
	}
	begun := 0
	var last string
	for i := range webhooks {
		w := &webhooks[i]
		if !f.query.WebhookID.IsZero() && w.ID != f.query.WebhookID || w.Status == peal.Disabled {
			continue
		}
		one := peal.DeliveryQuery{Tenant: c.tenant, WebhookID: w.ID, Status: f.query.Status, Since: since, Limit: 1}
		if found, err := d.Store.Deliveries(c.ctx(), one); err != nil {
			return err
		} else if len(found) == 0 {
			continue
		}
		replay := peal.Replay{Tenant: c.tenant, WebhookID: w.ID, Since: since, Statuses: []peal.DeliveryStatus{f.query.Status}}
		if f.Type != "" {
			replay.EventTypes = []string{f.Type}
		}
		job, err := d.Engine.Replay(c.ctx(), replay)
		if err != nil {
			return err
		}
		if err := c.record("webhook.replay", w.ID.String(), "deliveries that are "+string(f.query.Status)); err != nil {
			return err
		}
		begun++
		last = "/webhooks/" + w.ID.String() + "/replays/" + job.ID.String()
	}
	switch begun {
	case 0:
		return c.redirect("/deliveries?done=retried_none")
	case 1:
		return c.redirect(last)
	}
	return c.redirect("/deliveries?done=retried_many")
}
