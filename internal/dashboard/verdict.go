package dashboard

import (
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// Every sentence about the state of a webhook or a delivery is made here, from facts alone, and
// TestVerdicts checks each against each state. A time in a sentence is RFC 3339; see [timed].

// webhookFacts are the facts for sentences about a webhook.
type webhookFacts struct {
	Webhook  *peal.Webhook
	Activity peal.WebhookActivity
	Lane     dispatch.Lane // on this node
	Now      time.Time
}

// webhookPill returns the webhook's status: failing if it is active and its last attempt failed.
// For an inactive one it adds the number of held deliveries.
func (t *texts) webhookPill(w *peal.Webhook, pending int) pill {
	word, class := "status.active", "ok"
	switch {
	case w.Status == peal.Paused:
		word, class = "status.paused", "held"
	case w.Status == peal.Disabled:
		word, class = "status.disabled", "held"
	case !w.Health.FailingSince.IsZero():
		word, class = "status.failing", "bad"
	}
	if w.Status != peal.Active && pending > 0 {
		return pill{t.get("status.holding", "status", t.get(word), "n", t.counted(pending, peal.MaxPendingCount)), class}
	}
	return pill{t.get(word), class}
}

// counted formats a count that stops at a limit.
func (t *texts) counted(n, limit int) string {
	if n >= limit {
		return t.number(limit) + "+"
	}
	return t.number(n)
}

// health describes the outcome of the last attempts.
func (t *texts) health(f *webhookFacts) string {
	a := &f.Activity
	switch since := f.Webhook.Health.FailingSince; {
	case !since.IsZero():
		return t.get("verdict.failing", "time", iso(since))
	case a.LastSuccess.IsZero() && a.LastFailure.IsZero():
		return t.get("verdict.untried")
	case a.LastSuccess.IsZero():
		return t.get("verdict.all_failed", "time", iso(a.LastFailure))
	case a.LastFailure.IsZero():
		return t.get("verdict.all_arrived", "time", iso(a.LastSuccess))
	}
	return t.get("verdict.both", "arrived", iso(a.LastSuccess), "failed", iso(a.LastFailure))
}

// sending describes whether deliveries are sent now, and if not, why.
func (t *texts) sending(f *webhookFacts) string {
	lane := &f.Lane
	switch {
	case f.Webhook.Status == peal.Disabled:
		return t.get("verdict.sends_disabled")
	case f.Webhook.Status == peal.Paused:
		return t.get("verdict.sends_paused")
	case lane.Breaker == dispatch.HalfOpen:
		return t.get("verdict.sends_probing")
	case !lane.RestsUntil.IsZero():
		return t.get("verdict.sends_resting", "time", iso(lane.RestsUntil))
	case lane.Breaker == dispatch.Open && lane.NextProbe.After(f.Now):
		return t.get("verdict.sends_down", "time", iso(lane.NextProbe))
	case lane.Breaker == dispatch.Open:
		return t.get("verdict.sends_down_now")
	}
	return t.get("verdict.sends")
}

// waits describes how long the oldest pending delivery has waited, and whether it is held.
func (t *texts) waits(f *webhookFacts) string {
	oldest := t.duration(max(0, f.Now.Sub(f.Activity.Oldest)))
	switch {
	case f.Activity.Pending == 0:
		return t.get("overview.nothing_waits")
	case f.Webhook.Status != peal.Active:
		return t.get("verdict.all_held", "oldest", oldest)
	}
	return t.get("overview.oldest", "oldest", oldest)
}

// backlog describes the pending deliveries of many webhooks.
func (t *texts) backlog(b *peal.DeliveryBacklog, now time.Time) string {
	oldest := t.duration(max(0, now.Sub(b.Oldest)))
	switch {
	case b.Pending == 0:
		return t.get("overview.nothing_waits")
	case b.Held > 0:
		return t.get("overview.held", "n", t.counted(b.Held, peal.MaxBacklogCount), "oldest", oldest)
	}
	return t.get("overview.oldest", "oldest", oldest)
}

// noProblems describes a period without problems: its attempts, which are nil if not counted, and
// the number of webhooks that fail now. looked is the number of webhooks examined if there may be
// more, and 0 if that was all.
func (t *texts) noProblems(counts *peal.DeliveryCounts, failing, looked int) string {
	switch {
	case failing > 0 && looked > 0:
		return t.get("verdict.webhooks_fail.other", "n", t.number(failing)+"+")
	case failing > 0:
		return t.count("verdict.webhooks_fail", failing)
	case looked > 0:
		return t.get("verdict.looked", "n", t.number(looked))
	case counts == nil:
		return t.get("verdict.none_fail")
	}
	switch failed := counts.FailedAttempts(); {
	case counts.Answered+failed == 0:
		return t.get("verdict.no_attempts")
	case failed == 0:
		return t.get("verdict.all_succeeded")
	default:
		return t.count("verdict.failed_before", failed)
	}
}

// deliveryFacts are the facts for sentences about a delivery.
type deliveryFacts struct {
	Delivery *peal.Delivery
	Webhook  *peal.Webhook // nil for a deleted one
	Hold     dispatch.Hold
	Lane     dispatch.Lane // of its webhook, on this node
	Now      time.Time
}

// deliveryPill returns a delivery's status.
func (t *texts) deliveryPill(status peal.DeliveryStatus) pill {
	class := map[peal.DeliveryStatus]string{peal.Pending: "wait", peal.Success: "ok", peal.Failed: "bad", peal.Canceled: "held"}[status]
	return pill{t.get("status." + string(status)), class}
}

// standing describes what a delivery waits for, or how it ended.
func (t *texts) standing(f *deliveryFacts) string {
	d := f.Delivery
	ended, attempts := iso(d.SettledAt), t.count("verdict.after", d.Attempts)
	if d.Attempts == 0 {
		attempts = t.get("verdict.before_any")
	}
	switch {
	case d.Status == peal.Success:
		return t.get("verdict.arrived", "time", ended, "attempts", attempts)
	case d.Status == peal.Failed && d.Reason == peal.ReasonPoison:
		return t.get("verdict.set_aside", "time", ended)
	case d.Status == peal.Failed:
		return t.get("verdict.failed", "time", ended, "attempts", attempts)
	case d.Status == peal.Canceled && f.Webhook == nil:
		return t.get("verdict.canceled_gone", "time", ended, "attempts", attempts)
	case d.Status == peal.Canceled:
		return t.get("verdict.canceled", "time", ended, "attempts", attempts)
	case f.Webhook == nil:
		return t.get("verdict.gone")
	}
	return t.pending(f)
}

// pending describes what a delivery waits for.
func (t *texts) pending(f *deliveryFacts) string {
	d, lane := f.Delivery, &f.Lane
	number := strconv.Itoa(d.Attempts + 1)
	soon := !f.Hold.Until.After(f.Now)
	switch reason := f.Hold.Reason; {
	case reason == dispatch.HeldDown && soon:
		return t.get("hold.endpoint_down_now")
	case reason != "":
		return t.get("hold."+string(reason), "time", iso(f.Hold.Until))
	case d.Due.After(f.Now):
		return t.get("verdict.due_later", "n", number, "time", iso(d.Due))
	case lane.InFlight >= lane.Limit && lane.Limit > 0:
		return t.get("verdict.due_full", "n", number, "flight", lane.InFlight, "limit", lane.Limit)
	case f.Webhook.RateLimit != nil:
		return t.get("verdict.due_rate", "n", number)
	}
	return t.get("verdict.due", "n", number)
}

// tried reports in a few words that a delivery was not attempted; "" if there are attempts to show.
func (t *texts) tried(d *peal.Delivery) string {
	switch {
	case d.Attempts > 0:
		return ""
	case d.Status == peal.Pending:
		return t.get("verdict.not_tried_yet")
	}
	return t.get("verdict.never_tried")
}

// ofAttempt describes how an attempt ended: with a response, or why there was none.
func (t *texts) ofAttempt(a *peal.Attempt) string {
	if a.StatusCode != 0 {
		return t.get("rail.answered", "code", a.StatusCode)
	}
	return t.get("reason." + string(a.Reason))
}

// why explains why an endpoint was called for a delivery, by the current settings of its webhook.
func (t *texts) why(w *peal.Webhook, d *peal.Delivery) string {
	switch {
	case d.Test:
		return t.get("why.test")
	case w == nil:
		return t.get("why.deleted")
	}
	for _, pattern := range w.Events {
		switch {
		case !peal.MatchPattern(pattern, d.EventType):
			continue
		case w.UpdatedAt.After(d.CreatedAt()):
			return t.get("why.since", "pattern", pattern, "type", d.EventType)
		case w.Filter != "":
			return t.get("why.filter", "pattern", pattern, "type", d.EventType, "filter", w.Filter)
		}
		return t.get("why.pattern", "pattern", pattern, "type", d.EventType)
	}
	return t.get("why.changed", "type", d.EventType)
}

// testResult describes how a test ended.
func (t *texts) testResult(a *peal.Attempt) string {
	switch {
	case a.Succeeded():
		return t.get("test.taken", "code", a.StatusCode, "time", t.duration(a.Timing.Total))
	case a.StatusCode != 0:
		return t.get("test.refused", "code", a.StatusCode)
	}
	return t.get("test.failed", "reason", t.get("problem."+string(a.Reason)+".title"))
}
