package dashboard

import (
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
	Hold     string // why it is not sent although its time has come; "" for nothing
	State    string // changes when there is something new to see
}

// railStep is a station of a delivery's life.
type railStep struct {
	Name, Time string
	At         time.Time // shown instead of Time where it is set
	Until      time.Time // counted down to, where it is set
	Class      string
}

// delivery tells what exactly happened.
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
	data.Rail = c.texts.rail(&delivery, attempts)
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
	if err := c.explain(&data); err != nil {
		return err
	}
	if data.Pending {
		data.State = strconv.Itoa(delivery.Attempts) + " " + data.Hold
	}
	return c.page("delivery", delivery.EventType+" → "+data.Host, data)
}

// explain says why the endpoint was called and what to do, and makes the request anew.
func (c *call) explain(data *deliveryPage) error {
	w, err := c.d.Store.Webhook(c.ctx(), c.tenant, data.Delivery.WebhookID)
	if peal.CodeOf(err) == peal.NotFound {
		data.Why = c.texts.get("why.deleted")
		return nil
	} else if err != nil {
		return err
	}
	data.Host, data.Path = w.Title(), "/webhooks/"+w.ID.String()
	data.Why = c.whyCalled(&w, &data.Delivery)
	if hold := c.d.Engine.Hold(&data.Delivery, &w); hold.Reason != "" {
		at := c.texts.get("hold.soon")
		if hold.Until.After(c.now) {
			at = iso(hold.Until)
		}
		data.Hold = c.texts.get("hold."+string(hold.Reason), "time", at)
	}
	if data.Chosen == nil {
		return nil
	}
	if a := &data.Chosen.Attempt; !a.Succeeded() {
		p := c.texts.problem(&w, &peal.Problem{Reason: a.Reason, StatusCode: a.StatusCode, Error: a.Error})
		data.Remedy, data.Said = p.Remedy, a.Error
	}
	event, err := c.d.Store.Event(c.ctx(), c.tenant, data.Delivery.EventKey.String())
	if peal.CodeOf(err) == peal.NotFound {
		return nil
	} else if err != nil {
		return err
	}
	data.Chosen.Body = c.bodyOf(&w, &event)
	data.Chosen.Another = len(data.Chosen.Body) != data.Chosen.BodySize
	data.Curl = data.Chosen.curl()
	return nil
}

func (c *call) whyCalled(w *peal.Webhook, d *peal.Delivery) string {
	if d.Test {
		return c.texts.get("why.test")
	}
	for _, pattern := range w.Events {
		if peal.MatchPattern(pattern, d.EventType) {
			if w.Filter != "" {
				return c.texts.get("why.filter", "pattern", pattern, "type", d.EventType, "filter", w.Filter)
			}
			return c.texts.get("why.pattern", "pattern", pattern, "type", d.EventType)
		}
	}
	return c.texts.get("why.changed", "type", d.EventType)
}

// railAttempts is how many attempts the rail shows one by one: the last ones.
const railAttempts = 3

// rail is a delivery's life from the publish to its end.
func (t *texts) rail(d *peal.Delivery, attempts []peal.Attempt) []railStep {
	born := d.CreatedAt()
	since := func(at time.Time) string { return "+" + t.duration(max(0, at.Sub(born))) }
	// An accepted event is a committed one: a publish is answered after its commit.
	steps := []railStep{{Name: t.get("rail.accepted"), At: born}, {Name: t.get("rail.committed"), Time: t.get("rail.on_disk")}}
	if len(attempts) > 0 {
		first := attempts[0]
		steps = append(steps, railStep{Name: t.get("rail.waited"), Time: t.duration(first.Timing.Wait)}, railStep{Name: t.get("rail.sent"), Time: since(first.StartedAt)})
	}
	if skipped := len(attempts) - railAttempts; skipped > 0 {
		steps = append(steps, railStep{Name: t.count("rail.more", skipped), Class: "x"})
		attempts = attempts[skipped:]
	}
	for i := range attempts {
		a := &attempts[i]
		step := railStep{Name: t.get("rail.no_answer"), Time: since(a.StartedAt.Add(a.Timing.Total)), Class: "x"}
		if a.StatusCode != 0 {
			step.Name = t.get("rail.answered", "code", a.StatusCode)
		}
		if a.Succeeded() {
			step.Class = ""
		}
		steps = append(steps, step)
	}
	switch d.Status {
	case peal.Pending:
		next := railStep{Name: t.get("rail.attempt", "n", d.Attempts+1), Until: d.Due, Class: "w"}
		return append(steps, next)
	case peal.Success:
		return append(steps, railStep{Name: t.get("status.success"), Time: since(d.SettledAt)})
	case peal.Failed:
		return append(steps, railStep{Name: t.get("status.failed"), Time: since(d.SettledAt), Class: "x"})
	}
	return append(steps, railStep{Name: t.get("status.canceled"), Time: since(d.SettledAt), Class: "h"})
}
