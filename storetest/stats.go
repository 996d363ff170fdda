package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// statsOf reads a webhook's buckets of a width.
func (h *harness) statsOf(w peal.Webhook, width peal.BucketWidth) []peal.StatsBucket {
	h.t.Helper()
	buckets, err := h.store.Stats(h.ctx, peal.StatsQuery{Tenant: h.tenant, WebhookID: w.ID, Width: width,
		Since: time.Unix(0, 0), Until: time.Now().Add(48 * time.Hour)})
	h.must(err)
	return buckets
}

// settleAt settles a delivery with an attempt that ended at the given time.
func (h *harness) settleAt(id peal.DeliveryID, status peal.DeliveryStatus, ended time.Time) peal.Settlement {
	h.t.Helper()
	s := settlement(h.delivery(id), status)
	s.Attempt.Timing.Total = time.Millisecond
	s.Attempt.StartedAt = ended.Add(-time.Millisecond)
	h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
	return s
}

func (h *harness) problems(w peal.WebhookID, since time.Time) []peal.WebhookProblem {
	h.t.Helper()
	problems, err := h.store.Problems(h.ctx, peal.ProblemQuery{Tenant: h.tenant, WebhookID: w, Since: since, Limit: 10})
	h.must(err)
	return problems
}

var statsTests = map[string]func(*testing.T, *harness){
	"adds problems that are no attempts": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		at := time.Now().UTC().Truncate(time.Microsecond)
		first := peal.WebhookProblem{WebhookID: w.ID, Reason: peal.ReasonFilter, Error: "fails", First: at, Last: at,
			Attempts: 1}
		h.must(h.store.AddProblem(h.ctx, first))
		h.equal(h.problems(w.ID, at), []peal.WebhookProblem{first}, "the first")
		more := peal.WebhookProblem{WebhookID: w.ID, Reason: peal.ReasonFilter, Error: "fails again",
			First: at.Add(time.Second), Last: at.Add(time.Minute), Attempts: 7}
		h.must(h.store.AddProblem(h.ctx, more))
		more.First, more.Attempts = at, 8
		h.equal(h.problems(w.ID, at), []peal.WebhookProblem{more}, "the first and the others")
		later := peal.WebhookProblem{WebhookID: w.ID, Reason: peal.ReasonFilter, Error: "later",
			First: at.Add(peal.ProblemPause + time.Hour), Last: at.Add(peal.ProblemPause + time.Hour), Attempts: 2}
		h.must(h.store.AddProblem(h.ctx, later))
		h.equal(h.problems(w.ID, at), []peal.WebhookProblem{later}, "after a pause")
		h.equal(len(h.problems(other.ID, at)), 0, "problems of another webhook")
		later.WebhookID = peal.NewWebhookID()
		h.must(h.store.AddProblem(h.ctx, later))
	},
	"reports the state of all tenants together": func(t *testing.T, h *harness) {
		well, failing, paused := h.webhook(), h.webhook(), h.webhook()
		now := time.Now().UTC().Truncate(time.Microsecond)
		since := now.Add(-time.Hour)
		h.must(h.store.SetHealth(h.ctx, failing.ID, peal.WebhookHealth{ExhaustedInRow: 1, FailingSince: since}))
		h.must(h.store.SetHealth(h.ctx, paused.ID, peal.WebhookHealth{ExhaustedInRow: 1, FailingSince: since}))
		paused.Status, paused.Health = peal.Paused, peal.WebhookHealth{}
		paused, err := h.store.UpdateWebhook(h.ctx, paused)
		h.must(err)
		h.settleAt(h.deliver(failing, true), peal.Failed, now)
		h.settleAt(h.deliver(well, true), peal.Success, now)
		first := h.deliver(well, false)
		h.deliver(well, false)
		standing, err := h.store.AttentionReport(h.ctx, now.Add(-time.Minute), 1000)
		h.must(err)
		var ours peal.AttentionReport // others work on the same database
		for _, f := range standing.Failing {
			if f.Tenant == h.tenant {
				ours.Failing = append(ours.Failing, f)
			}
		}
		for _, p := range standing.Problems {
			if p.Tenant == h.tenant {
				ours.Problems = append(ours.Problems, p)
			}
		}
		for _, w := range standing.Waiting {
			if w.Tenant == h.tenant {
				ours.Waiting = append(ours.Waiting, w)
			}
		}
		h.equal(ours.Failing, []peal.FailingWebhook{{Tenant: h.tenant, WebhookID: failing.ID, Since: since}},
			"failing webhooks")
		problems := h.problems(failing.ID, now.Add(-time.Minute))
		h.equal(len(problems), 1, "problems of the failing webhook")
		h.equal(ours.Problems, []peal.TenantProblem{{Tenant: h.tenant, WebhookProblem: problems[0]}}, "problems")
		h.equal(len(ours.Waiting), 1, "tenants that wait")
		h.equal(ours.Waiting[0].Deliveries, 2, "deliveries that wait")
		if age := first.Time().Sub(ours.Waiting[0].Oldest).Abs(); age > time.Second {
			t.Errorf("the oldest is %s off", age)
		}
		none, err := h.store.AttentionReport(h.ctx, now.Add(time.Hour), 0)
		h.must(err)
		h.equal(none, peal.AttentionReport{}, "of no rows")
	},
	"counts in a bucket of each width": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		base := time.Now().UTC().Truncate(24 * time.Hour)
		at := base.Add(13*time.Hour + 25*time.Minute + 7*time.Second)
		var want peal.DeliveryCounts
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Pending, peal.Failed, peal.Success} {
			s := h.settleAt(h.deliver(w, true), status, at)
			want.Count(&s)
		}
		h.settleAt(h.deliver(other, true), peal.Success, at)
		if want.Delivered != 2 || want.Failed != 1 || want.Answered != 2 || want.FailedAttempts() != 2 || want.Prompt != 2 {
			t.Fatalf("the test counts %+v", want)
		}
		for width, start := range map[peal.BucketWidth]time.Time{
			peal.PerMinute: base.Add(13*time.Hour + 25*time.Minute), peal.PerHour: base.Add(13 * time.Hour), peal.PerDay: base,
		} {
			h.equal(h.statsOf(w, width), []peal.StatsBucket{{WebhookID: w.ID, Start: start, DeliveryCounts: want}},
				string(width))
		}
		all, err := h.store.Stats(h.ctx, peal.StatsQuery{Tenant: h.tenant, Width: peal.PerDay, Since: base,
			Until: base.Add(time.Hour)})
		h.must(err)
		h.equal(len(all), 2, "webhooks of the tenant")
		none, err := h.store.Stats(h.ctx, peal.StatsQuery{Tenant: "another-" + h.tenant, WebhookID: w.ID,
			Width: peal.PerDay, Since: base, Until: base.Add(time.Hour)})
		h.must(err)
		h.equal(len(none), 0, "buckets of another tenant")
	},
	"totals are the sums of buckets": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		hour := time.Now().UTC().Truncate(time.Hour)
		for i, one := range []struct {
			webhook peal.Webhook
			status  peal.DeliveryStatus
			hour    int
		}{{w, peal.Failed, 0}, {other, peal.Failed, 0}, {other, peal.Success, 0}, {w, peal.Failed, 1}, {other, peal.Success,
			2}, {other, peal.Success, 4}} {
			h.settleAt(h.deliver(one.webhook, true), one.status, hour.Add(time.Duration(one.hour)*time.Hour+time.Duration(i)*time.Second))
		}
		query := peal.StatsQuery{Tenant: h.tenant, Width: peal.PerHour, Since: hour, Until: hour.Add(3 * time.Hour)}
		for range 2 { // of both webhooks, then of one
			buckets, err := h.store.Stats(h.ctx, query)
			h.must(err)
			want := map[int64]peal.DeliveryCounts{}
			failed := map[peal.WebhookID]bool{}
			for i := range buckets {
				sum := want[buckets[i].Start.Unix()]
				sum.Add(&buckets[i].DeliveryCounts)
				want[buckets[i].Start.Unix()] = sum
				if buckets[i].Failed > 0 {
					failed[buckets[i].WebhookID] = true
				}
			}
			totals, err := h.store.Totals(h.ctx, query)
			h.must(err)
			h.equal(totals.Failed, len(failed), "webhooks with a failed delivery")
			h.equal(len(totals.Buckets), len(want), "starts")
			for i, b := range totals.Buckets {
				h.equal(b, peal.StatsBucket{Start: b.Start, DeliveryCounts: want[b.Start.Unix()]}, "sum of "+b.Start.String())
				if i > 0 && !b.Start.After(totals.Buckets[i-1].Start) {
					t.Errorf("%s comes after %s", b.Start, totals.Buckets[i-1].Start)
				}
			}
			if query.WebhookID.IsZero() {
				h.equal(totals.Failed, 2, "webhooks with a failed delivery of two")
				h.equal(totals.Buckets[0].Failed, 2, "failed deliveries of the first hour")
			} else {
				h.equal(totals.Failed, 1, "webhooks with a failed delivery of one")
			}
			query.WebhookID = w.ID
		}
		query.Tenant = "another-" + h.tenant
		none, err := h.store.Totals(h.ctx, query)
		h.must(err)
		h.equal(none, peal.StatsTotals{}, "totals of another tenant")
	},
	"bounds are from since on and before until": func(t *testing.T, h *harness) {
		w := h.webhook()
		hour := time.Now().UTC().Truncate(time.Hour)
		for i := range 3 {
			h.settleAt(h.deliver(w, true), peal.Success, hour.Add(time.Duration(i)*time.Hour))
		}
		for until, want := range map[time.Time]int{hour: 0, hour.Add(time.Microsecond): 1, hour.Add(2 * time.Hour): 2,
			hour.Add(3 * time.Hour): 3} {
			got, err := h.store.Stats(h.ctx, peal.StatsQuery{Tenant: h.tenant, Width: peal.PerHour, Since: hour, Until: until})
			h.must(err)
			h.equal(len(got), want, "buckets before "+until.String())
			for i := range got {
				h.equal(got[i].Start, hour.Add(time.Duration(i)*time.Hour), "start")
			}
		}
	},
	"an attempt counts once, tests never": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		s := settlement(h.delivery(id), peal.Success)
		for range 3 {
			h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s, s}))
		}
		test := settlement(h.delivery(h.deliver(w, true)), peal.Failed)
		test.Test = true
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{test}))
		got := h.statsOf(w, peal.PerDay)
		h.equal(len(got), 1, "buckets")
		h.equal(got[0].Delivered, 1, "delivered")
		h.equal(got[0].Failed, 0, "failed tests")
		h.equal(len(h.problems(w.ID, time.Time{})), 0, "problems of tests")
	},
	"counts stay when the store is opened again": func(t *testing.T, h *harness) {
		own := h.own()
		w := own.webhook()
		at := moment()
		own.settleAt(own.deliver(w, true), peal.Success, at)
		own.must(own.store.Close())
		own.store = own.open(t, own.place)
		own.settleAt(own.deliver(w, true), peal.Success, at)
		own.equal(own.statsOf(w, peal.PerDay)[0].Delivered, 2, "delivered")
		own.must(own.store.Close())
	},
	"activity": func(t *testing.T, h *harness) {
		w, idle := h.webhook(), h.webhook()
		first := h.deliver(w, true)
		h.deliver(w, false)
		ok := h.settle(h.deliver(w, true), peal.Success)
		bad := h.settle(h.deliver(w, true), peal.Failed)
		got, err := h.store.Activity(h.ctx, h.tenant, []peal.WebhookID{idle.ID, w.ID, peal.NewWebhookID()})
		h.must(err)
		h.equal(len(got), 3, "rows")
		h.equal(got[0], peal.WebhookActivity{}, "idle")
		h.equal(got[1].Pending, 2, "pending")
		near(t, got[1].Oldest, first.Time(), "oldest")
		h.equal(got[1].LastSuccess, ok.SettledAt, "last success")
		h.equal(got[1].LastFailure, bad.SettledAt, "last failure")
		h.equal(got[1].Last(), bad.SettledAt, "last")
		h.equal(got[2], peal.WebhookActivity{}, "unknown")
		foreign, err := h.store.Activity(h.ctx, "another-"+h.tenant, []peal.WebhookID{w.ID})
		h.must(err)
		h.equal(foreign[0], peal.WebhookActivity{}, "of another tenant")
	},
	"backlog": func(t *testing.T, h *harness) {
		none, err := h.store.Backlog(h.ctx, h.tenant)
		h.must(err)
		h.equal(none, peal.DeliveryBacklog{}, "backlog of nothing")
		w, paused := h.webhook(), h.webhook()
		first := h.deliver(w, true)
		h.deliver(w, false)
		h.deliver(paused, false)
		paused.Status = peal.Paused
		_, err = h.store.UpdateWebhook(h.ctx, paused)
		h.must(err)
		got, err := h.store.Backlog(h.ctx, h.tenant)
		h.must(err)
		h.equal(got.Pending, 3, "pending")
		h.equal(got.Held, 1, "held")
		near(t, got.Oldest, first.Time(), "oldest")
	},
	"backlog of all tenants": func(t *testing.T, h *harness) {
		own := h.own()
		none, err := own.store.Backlog(own.ctx, "")
		own.must(err)
		own.equal(none, peal.DeliveryBacklog{}, "backlog of nothing")
		held, paused, gone := own.webhook(), own.webhook(), own.webhook()
		first := own.deliver(held, true)
		own.settle(own.deliver(held, true), peal.Success)
		own.deliver(gone, false)
		own.must(own.store.DeleteWebhook(own.ctx, own.tenant, gone.ID))
		own.tenant += "-another"
		other := own.webhook()
		own.deliver(other, false)
		own.tenant = paused.Tenant
		own.deliver(paused, false)
		own.deliver(paused, true)
		paused.Status = peal.Paused
		_, err = own.store.UpdateWebhook(own.ctx, paused)
		own.must(err)
		got, err := own.store.Backlog(own.ctx, "")
		own.must(err)
		own.equal(got.Pending, 4, "pending")
		own.equal(got.Held, 2, "held")
		near(t, got.Oldest, first.Time(), "oldest")
	},
	"problems are runs of one kind": func(t *testing.T, h *harness) {
		w := h.webhook()
		at := moment().Add(-20 * time.Hour)
		id := h.deliver(w, true)
		h.settleAt(id, peal.Pending, at)
		last := h.settleAt(id, peal.Pending, at.Add(peal.ProblemPause))
		problem := peal.WebhookProblem{
			WebhookID: w.ID, Reason: peal.ReasonStatus, StatusCode: 500, Error: last.Attempt.Error,
			First: at, Last: at.Add(peal.ProblemPause), Attempts: 2,
		}
		h.equal(h.problems(w.ID, at), []peal.WebhookProblem{problem}, "one run")
		h.equal(h.problems(peal.WebhookID{}, problem.Last), []peal.WebhookProblem{problem}, "of the tenant")
		h.equal(len(h.problems(w.ID, problem.Last.Add(time.Microsecond))), 0, "seen later")

		begun := problem.Last.Add(peal.ProblemPause + time.Microsecond)
		h.settleAt(id, peal.Pending, begun)
		problem.First, problem.Last, problem.Attempts = begun, begun, 1
		h.equal(h.problems(w.ID, at), []peal.WebhookProblem{problem}, "a run after a pause")

		s := settlement(h.delivery(id), peal.Failed)
		s.Attempt.Reason, s.Attempt.StatusCode, s.Attempt.Error = peal.ReasonTimeout, 0, "no answer"
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		got := h.problems(w.ID, at)
		h.equal(len(got), 2, "kinds")
		h.equal(got[0].Reason, peal.ReasonTimeout, "the latest first")

		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		h.equal(len(h.problems(peal.WebhookID{}, at)), 0, "problems of a deleted webhook")
	},
	"purge": func(t *testing.T, h *harness) {
		own := h.own()
		w := own.webhook()
		at := time.Now().UTC().Truncate(24 * time.Hour)
		id := own.deliver(w, true)
		own.settleAt(id, peal.Pending, at)
		own.settleAt(own.deliver(w, true), peal.Success, at)
		purge := func(now time.Time) {
			for purged := (peal.PurgeResult{More: true}); purged.More; {
				var err error
				purged, err = own.store.Purge(own.ctx, peal.PurgeParams{Stats: now})
				own.must(err)
			}
		}
		for _, width := range peal.BucketWidths() {
			purge(at.Add(width.Retention()))
			own.equal(len(own.statsOf(w, width)), 1, "kept buckets of a "+string(width))
			purge(at.Add(width.Retention() + time.Microsecond))
			own.equal(len(own.statsOf(w, width)), 0, "buckets of a "+string(width))
		}
		own.equal(len(own.problems(w.ID, time.Unix(0, 0))), 0, "problems")
	},
}

// near compares a time that a store may keep to the microsecond only.
func near(t *testing.T, got, want time.Time, what string) {
	t.Helper()
	if d := got.Sub(want); d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
