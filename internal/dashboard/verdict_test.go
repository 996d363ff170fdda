package dashboard_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/testkit"
)

// verdictsNow is when the states of [TestVerdicts] are looked at.
var verdictsNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// before and after are times around it.
func before(d time.Duration) time.Time { return verdictsNow.Add(-d) }
func after(d time.Duration) time.Time  { return verdictsNow.Add(d) }

// webhookState is a state of a webhook that sentences are made of.
type webhookState struct {
	name     string
	webhook  peal.Webhook
	activity peal.WebhookActivity
	lane     dispatch.Lane
}

func webhookStates() []webhookState {
	arrived := peal.WebhookActivity{LastSuccess: before(time.Hour)}
	failed := peal.WebhookActivity{LastSuccess: before(3 * time.Hour), LastFailure: before(time.Hour)}
	held := peal.WebhookActivity{LastSuccess: before(time.Hour), Pending: 12, Oldest: before(90 * time.Minute)}
	failing := peal.WebhookHealth{FailingSince: before(2 * time.Hour)}
	closed := dispatch.Lane{Breaker: dispatch.Closed, Limit: 4}
	of := func(status peal.WebhookStatus, health peal.WebhookHealth) peal.Webhook {
		return peal.Webhook{Status: status, Health: health}
	}
	return []webhookState{
		{"active, never tried", of(peal.Active, peal.WebhookHealth{}), peal.WebhookActivity{}, closed},
		{"active, never tried, deliveries wait", of(peal.Active, peal.WebhookHealth{}), peal.WebhookActivity{Pending: 3, Oldest: before(time.Second)}, closed},
		{"active, tried only by a test that arrived", of(peal.Active, peal.WebhookHealth{}), arrived, closed},
		{"active, the last delivery arrived", of(peal.Active, peal.WebhookHealth{}), arrived, closed},
		{"active, the last delivery failed, failures forgotten by a resume", of(peal.Active, peal.WebhookHealth{}), failed, closed},
		{"active, the last attempt failed, nothing ended yet", of(peal.Active, failing), peal.WebhookActivity{Pending: 1, Oldest: before(2 * time.Hour)}, closed},
		{"active, failing, breaker open", of(peal.Active, failing), failed, dispatch.Lane{Breaker: dispatch.Open, NextProbe: after(time.Minute), Limit: 4}},
		{"active, failing, breaker open, probe due", of(peal.Active, failing), failed, dispatch.Lane{Breaker: dispatch.Open, NextProbe: before(time.Minute), Limit: 4}},
		{"active, failing, probe under way", of(peal.Active, failing), failed, dispatch.Lane{Breaker: dispatch.HalfOpen, InFlight: 1, Limit: 4}},
		{"active, failing, resting by Retry-After", of(peal.Active, failing), arrived, dispatch.Lane{Breaker: dispatch.Closed, RestsUntil: after(time.Hour), Limit: 4}},
		{"active, failing, breaker open and resting", of(peal.Active, failing), arrived, dispatch.Lane{Breaker: dispatch.Open, NextProbe: after(time.Hour), RestsUntil: after(time.Hour), Limit: 4}},
		{"active, more waits than is counted", of(peal.Active, peal.WebhookHealth{}), peal.WebhookActivity{LastSuccess: before(time.Second), Pending: peal.MaxPendingCount, Oldest: before(50 * time.Hour)}, closed},
		{"paused, nothing waits", of(peal.Paused, peal.WebhookHealth{}), arrived, closed},
		{"paused, never tried, deliveries wait", of(peal.Paused, peal.WebhookHealth{}), peal.WebhookActivity{Pending: 3, Oldest: before(time.Minute)}, closed},
		{"paused, deliveries wait", of(peal.Paused, peal.WebhookHealth{}), held, closed},
		{"paused while failing, breaker open", of(peal.Paused, failing), held, dispatch.Lane{Breaker: dispatch.Open, NextProbe: after(time.Minute), Limit: 4}},
		{"paused, more waits than is counted", of(peal.Paused, peal.WebhookHealth{}), peal.WebhookActivity{Pending: peal.MaxPendingCount, Oldest: before(time.Hour)}, closed},
		{"disabled by hand, nothing waits", of(peal.Disabled, peal.WebhookHealth{}), arrived, closed},
		{"disabled by hand, never tried", of(peal.Disabled, peal.WebhookHealth{}), peal.WebhookActivity{}, closed},
		{"disabled by failures or 410, deliveries wait", of(peal.Disabled, failing), held, closed},
	}
}

// deliveryState is a state of a delivery.
type deliveryState struct {
	name     string
	delivery peal.Delivery
	webhook  *peal.Webhook
	hold     dispatch.Hold
	lane     dispatch.Lane
}

func deliveryStates() []deliveryState {
	active := &peal.Webhook{Status: peal.Active, Events: []string{"task.*"}}
	limited := &peal.Webhook{Status: peal.Active, Events: []string{"task.*"}, RateLimit: &peal.RateLimit{PerSecond: 1, Burst: 1}}
	filtered := &peal.Webhook{Status: peal.Active, Events: []string{"*"}, Filter: "data.id > 1"}
	changed := &peal.Webhook{Status: peal.Active, Events: []string{"*"}, Filter: "data.id > 1", UpdatedAt: time.Now().AddDate(100, 0, 0)}
	other := &peal.Webhook{Status: peal.Active, Events: []string{"comment.*"}}
	id := peal.NewDeliveryID()
	of := func(status peal.DeliveryStatus, attempts int) peal.Delivery {
		d := peal.Delivery{ID: id, EventType: "task.created", Status: status, Attempts: attempts, Tries: attempts}
		if status != peal.Pending {
			d.SettledAt = before(time.Hour)
		}
		return d
	}
	due := func(attempts int, at time.Time) peal.Delivery {
		d := of(peal.Pending, attempts)
		d.Due = at
		return d
	}
	failed := func(reason peal.Reason) peal.Delivery {
		d := of(peal.Failed, 10)
		d.Reason = reason
		return d
	}
	retried := of(peal.Success, 12)
	retried.Tries = 2
	test := of(peal.Failed, 1)
	test.Test = true
	free := dispatch.Lane{Breaker: dispatch.Closed, Limit: 4}
	return []deliveryState{
		{"pending, due now: under way, in memory, or at another node", due(0, verdictsNow), active, dispatch.Hold{}, free},
		{"pending, due for long", due(2, before(time.Hour)), filtered, dispatch.Hold{}, free},
		{"pending, due later", due(1, after(5*time.Minute)), changed, dispatch.Hold{}, free},
		{"pending, the lane is full", due(0, before(time.Second)), active, dispatch.Hold{}, dispatch.Lane{Breaker: dispatch.Closed, InFlight: 4, Limit: 4}},
		{"pending, a rate limit", due(0, before(time.Second)), limited, dispatch.Hold{}, free},
		{"pending, the webhook is paused", due(0, before(time.Second)), active, dispatch.Hold{Reason: dispatch.HeldPaused}, free},
		{"pending, the webhook is disabled", due(3, before(time.Second)), other, dispatch.Hold{Reason: dispatch.HeldDisabled}, free},
		{"pending, the breaker is open", due(3, before(time.Second)), active, dispatch.Hold{Reason: dispatch.HeldDown, Until: after(time.Minute)}, free},
		{"pending, a probe is under way", due(3, before(time.Second)), active, dispatch.Hold{Reason: dispatch.HeldDown, Until: verdictsNow}, free},
		{"pending, the endpoint rests", due(3, before(time.Second)), active, dispatch.Hold{Reason: dispatch.HeldAsked, Until: after(time.Hour)}, free},
		{"pending, the webhook is deleted", due(3, before(time.Second)), nil, dispatch.Hold{}, free},
		{"delivered at once", of(peal.Success, 1), active, dispatch.Hold{}, free},
		{"delivered, retried by hand", retried, active, dispatch.Hold{}, free},
		{"failed: status", failed(peal.ReasonStatus), active, dispatch.Hold{}, free},
		{"failed: dns", failed(peal.ReasonDNS), active, dispatch.Hold{}, free},
		{"failed: set aside", failed(peal.ReasonPoison), active, dispatch.Hold{}, free},
		{"failed: a test", test, active, dispatch.Hold{}, free},
		{"failed, the webhook is deleted since", failed(peal.ReasonTimeout), nil, dispatch.Hold{}, free},
		{"canceled without an attempt", of(peal.Canceled, 0), active, dispatch.Hold{}, free},
		{"canceled after attempts", of(peal.Canceled, 2), active, dispatch.Hold{}, free},
		{"canceled as the webhook was deleted", of(peal.Canceled, 0), nil, dispatch.Hold{}, free},
	}
}

// attempts are all ends of one attempt.
func attemptStates() []peal.Attempt {
	all := []peal.Attempt{{StatusCode: 204, Timing: peal.AttemptTiming{Total: 18 * time.Millisecond}}}
	for _, reason := range peal.Reasons() {
		a := peal.Attempt{Reason: reason}
		switch reason {
		case peal.ReasonStatus:
			a.StatusCode = 503
		case peal.ReasonRedirect:
			a.StatusCode = 301
		}
		all = append(all, a)
	}
	return all
}

// TestVerdicts writes what the pages say of every state of a webhook, a delivery and an attempt, in
// every language, beside the state: a reader can check that each sentence is true.
func TestVerdicts(t *testing.T) {
	for _, language := range []string{"en", "de"} {
		say, err := dashboard.VerdictsIn(language)
		if err != nil {
			t.Fatal(err)
		}
		var table strings.Builder
		add := func(state string, sentences ...string) {
			fmt.Fprintf(&table, "%s\n", state)
			for _, sentence := range sentences {
				if regexp.MustCompile(`\{\w+\}|^\w+(\.\w+)+$`).MatchString(sentence) || strings.Contains(sentence, "0001-01-01") {
					t.Errorf("%s, %s: %q is no sentence", language, state, sentence)
				}
				if sentence != "" {
					fmt.Fprintf(&table, "    %s\n", sentence)
				}
			}
		}
		for _, s := range webhookStates() {
			add("webhook: "+s.name, say.Webhook(&s.webhook, s.activity, s.lane, verdictsNow)...)
		}
		for _, s := range deliveryStates() {
			add("delivery: "+s.name, say.Delivery(&s.delivery, s.webhook, s.hold, s.lane, verdictsNow)...)
		}
		for _, a := range attemptStates() {
			name := "attempt: " + string(a.Reason)
			if a.Succeeded() {
				name = "attempt: success"
			}
			add(name, say.Attempt(&a)...)
		}
		failures := peal.DeliveryCounts{Answered: 5}
		failures.Failures[0] = 2
		for _, s := range []struct {
			name    string
			counts  *peal.DeliveryCounts
			failing int
			looked  int
		}{
			{"no attempt", &peal.DeliveryCounts{}, 0, 0}, {"all attempts succeeded", &peal.DeliveryCounts{Answered: 5}, 0, 0}, {"attempts failed, all is well again", &failures, 0, 0},
			{"attempts failed, webhooks fail whose problems are older", &failures, 2, 0}, {"nothing is counted", nil, 0, 0},
			{"one fails of those looked at", &failures, 1, 500}, {"none fails of those looked at", &failures, 0, 500},
		} {
			add("overview without a problem: "+s.name, say.NoProblems(s.counts, s.failing, s.looked))
		}
		for _, s := range []struct {
			name    string
			backlog peal.DeliveryBacklog
		}{
			{"nothing", peal.DeliveryBacklog{}}, {"nothing held", peal.DeliveryBacklog{Pending: 5, Oldest: before(time.Minute)}}, {"some held", peal.DeliveryBacklog{Pending: 5, Held: 2, Oldest: before(time.Minute)}},
			{"more held than is counted", peal.DeliveryBacklog{Pending: peal.MaxBacklogCount, Held: peal.MaxBacklogCount, Oldest: before(50 * time.Hour)}},
		} {
			add("pending of a tenant: "+s.name, say.Backlog(&s.backlog, verdictsNow))
		}
		testkit.Golden(t, "testdata/verdicts."+language+".txt", table.String())
	}
}

// TestVerdictsHold checks the sentences independently of their words: none claims that a webhook
// sends if it does not, or works if it was never tried.
func TestVerdictsHold(t *testing.T) {
	say, err := dashboard.VerdictsIn("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range webhookStates() {
		said := say.Webhook(&s.webhook, s.activity, s.lane, verdictsNow)
		has := func(text string) bool {
			return slices.ContainsFunc(said, func(one string) bool { return strings.Contains(one, text) })
		}
		sends := s.webhook.Status == peal.Active && s.lane.Breaker == dispatch.Closed && s.lane.RestsUntil.IsZero()
		if has("Deliveries are sent") != sends {
			t.Errorf("%s: %q", s.name, said)
		}
		if s.activity.LastSuccess.IsZero() && has("that arrived did so") || s.webhook.Status == peal.Active && has("held") || s.webhook.Status != peal.Paused && has("paused") {
			t.Errorf("%s: %q", s.name, said)
		}
	}
	for _, s := range deliveryStates() {
		said := strings.Join(say.Delivery(&s.delivery, s.webhook, s.hold, s.lane, verdictsNow), "\n")
		for word, holds := range map[string]bool{
			"paused": s.hold.Reason == dispatch.HeldPaused, "disabled": s.hold.Reason == dispatch.HeldDisabled, "It arrived": s.delivery.Status == peal.Success,
			"never tried": s.delivery.Status != peal.Pending && s.delivery.Attempts == 0, "Attempt ": s.delivery.Status == peal.Pending && s.hold.Reason == "" && s.webhook != nil,
		} {
			if strings.Contains(said, word) != holds {
				t.Errorf("%s: %q said is %t: %s", s.name, word, !holds, said)
			}
		}
	}
}
