package dashboard

import (
	"context"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

type deliveryPage struct {
	Delivery peal.Delivery
	Host     string
	Path     string // of its webhook; "" for a deleted one
	Pill     pill
	Rail     []railStep
	Attempts []attemptView // the latest first
	Chosen   *attemptView
	Remedy   string
	Said     string
	Why      string
	Curl     string
	Pending  bool
	Standing string // what it waits for, or how it ended
	Tried    string // that there was no attempt; "" after one
	State    string // changes when there is something new to see
}

// railStep is a station of a delivery's life.
type railStep struct {
	Name, Time string
	At         time.Time // shown instead of Time if set
	Until      time.Time // end of a countdown, if set
	Class      string
}

// delivery shows a delivery with its attempts.
func (d *Dashboard) delivery(c *call) error {
	delivery, err := c.findDelivery()
	if err != nil {
		return err
	}
	attempts, err := d.Store.Attempts(c.ctx(), c.tenant, delivery.ID)
	if err != nil {
		return err
	}
	data := deliveryPage{Delivery: delivery, Host: c.texts.get("delivery.gone"), Pending: delivery.Status == peal.Pending}
	data.Pill = c.texts.deliveryPill(delivery.Status)
	if data.Pending && delivery.Attempts > 0 {
		data.Pill.Word = c.texts.get("delivery.waiting_for", "n", delivery.Attempts+1)
	}
	data.Tried = c.texts.tried(&delivery)
	for i := len(attempts) - 1; i >= 0; i-- {
		data.Attempts = append(data.Attempts, c.attemptView(&attempts[i]))
	}
	if len(data.Attempts) > 0 {
		data.Chosen = &data.Attempts[0]
		for i := range data.Attempts {
			if strconv.Itoa(data.Attempts[i].Number) == c.r.URL.Query().Get("attempt") {
				data.Chosen = &data.Attempts[i]
			}
		}
		data.Chosen.Chosen = true
	}
	webhook, err := c.explain(&data)
	if err != nil {
		return err
	}
	facts := &deliveryFacts{Delivery: &delivery, Webhook: webhook, Now: c.now}
	if webhook != nil {
		facts.Hold, facts.Lane = d.Engine.Hold(&delivery, webhook), d.Engine.Lane(webhook.ID)
	}
	data.Standing = c.texts.standing(facts)
	data.Rail = c.texts.rail(&delivery, attempts, facts.Hold.Reason != "")
	if data.Pending {
		data.State = strconv.Itoa(delivery.Attempts) + " " + data.Standing
	}
	return c.page("delivery", delivery.EventType+" → "+data.Host, data)
}

// explain adds why the endpoint was called and what to do, and reconstructs the request. It returns
// the webhook, nil for a deleted one.
func (c *call) explain(data *deliveryPage) (*peal.Webhook, error) {
	w, err := c.d.Store.Webhook(c.ctx(), c.tenant, data.Delivery.WebhookID)
	if peal.CodeOf(err) == peal.NotFound {
		data.Why = c.texts.why(nil, &data.Delivery)
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	data.Host, data.Path = w.Title(), "/webhooks/"+w.ID.String()
	data.Why = c.texts.why(&w, &data.Delivery)
	if data.Chosen == nil {
		return &w, nil
	}
	if a := &data.Chosen.Attempt; !a.Succeeded() {
		p := c.texts.problem(&w, &peal.WebhookProblem{Reason: a.Reason, StatusCode: a.StatusCode, Error: a.Error})
		data.Remedy, data.Said = p.Remedy, a.Error
	}
	event, err := c.d.Store.Event(c.ctx(), c.tenant, data.Delivery.EventKey.String())
	if peal.CodeOf(err) == peal.NotFound {
		return &w, nil
	} else if err != nil {
		return nil, err
	}
	data.Chosen.Body = c.bodyOf(&w, &event)
	data.Chosen.Another = len(data.Chosen.Body) != data.Chosen.BodySize
	data.Curl = data.Chosen.curl()
	return &w, nil
}

// railAttempts is the number of attempts that the rail shows one by one: the last ones.
const railAttempts = 3

// rail returns the steps of a delivery from the publish to its end. Without a time for the next
// attempt if it is held, because that is unknown.
func (t *texts) rail(d *peal.Delivery, attempts []peal.Attempt, held bool) []railStep {
	born := d.CreatedAt()
	since := func(at time.Time) string { return "+" + t.duration(max(0, at.Sub(born))) }
	// An accepted event is a committed one: a publish is answered after its commit.
	steps := []railStep{{Name: t.get("rail.accepted"), At: born}, {Name: t.get("rail.committed"), Time: t.get("rail.on_disk")}}
	if len(attempts) > 0 {
		first := attempts[0]
		steps = append(steps, railStep{Name: t.get("rail.waited"), Time: t.duration(first.Timing.Wait)}, railStep{Name: t.get("rail.started"), Time: since(first.StartedAt)})
	}
	if skipped := len(attempts) - railAttempts; skipped > 0 {
		steps = append(steps, railStep{Name: t.count("rail.more", skipped), Class: "x"})
		attempts = attempts[skipped:]
	}
	for i := range attempts {
		a := &attempts[i]
		step := railStep{Name: t.ofAttempt(a), Time: since(a.StartedAt.Add(a.Timing.Total)), Class: "x"}
		if a.Succeeded() {
			step.Class = ""
		}
		steps = append(steps, step)
	}
	switch d.Status {
	case peal.Pending:
		next := railStep{Name: t.get("rail.attempt", "n", d.Attempts+1), Until: d.Due, Class: "w"}
		if held {
			next.Until, next.Time = time.Time{}, t.get("rail.held")
		}
		return append(steps, next)
	case peal.Success:
		return append(steps, railStep{Name: t.get("status.success"), Time: since(d.SettledAt)})
	case peal.Failed:
		return append(steps, railStep{Name: t.get("status.failed"), Time: since(d.SettledAt), Class: "x"})
	}
	return append(steps, railStep{Name: t.get("status.canceled"), Time: since(d.SettledAt), Class: "h"})
}

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

// The limits of one retry of a text search: the number of deliveries, and the time of the search,
// which may cover a long history.
const (
	maxRetried = 1000
	retryTime  = 10 * time.Second
)

// retryFound retries the deliveries of a text search one by one, because a replay cannot search.
// Retried ones no longer match, so that pressing the button again continues.
func (d *Dashboard) retryFound(c *call, f *deliveryFilter) error {
	begun := d.Now()
	retried := 0
	for {
		if err := c.recheck(); err != nil {
			return err
		}
		found, next, err := c.findDeliveries(f, min(pageRows, maxRetried-retried))
		if err != nil {
			return err
		}
		for i := range found {
			_, err := d.Engine.Retry(c.ctx(), c.tenant, found[i].ID)
			switch peal.CodeOf(err) {
			case peal.Conflict, peal.NotFound: // its webhook is disabled or deleted, or somebody else was first
				continue
			}
			if err != nil {
				return err
			}
			retried++
		}
		f.before = next
		if next == "" || retried == maxRetried || d.Now().Sub(begun) > retryTime {
			break
		}
	}
	if err := c.record("delivery.retry", "", strconv.Itoa(retried)+" that are "+f.Status+", found by words"); err != nil {
		return err
	}
	if f.before != "" {
		return c.redirect("/deliveries?done=retried_some")
	}
	if retried == 0 {
		return c.redirect("/deliveries?done=retried_none")
	}
	return c.redirect("/deliveries?done=retried_found")
}
