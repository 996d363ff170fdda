package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// The IDs of these tests are of today, the fake clock starts in 2000: so history is old when the
// clock has passed today by the retention.
func TestHistoryGoesWhenItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		w := newWorld(t)
		registry := prometheus.NewRegistry()
		e, stop := w.engine(func(o *dispatch.Options) {
			o.Retention = dispatch.Retention{History: 30 * day, Every: 20 * day}
			o.DueSync = 100 * 365 * day
			o.Metrics = registry
		})
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), nil)
		held := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Status = peal.Paused })
		published := w.publish(e, event(1))[0].Event
		w.settled(hook.ID, 1)

		has := func(want bool, when string) {
			t.Helper()
			_, err := w.store.Event(w.ctx, tenant, published.ID)
			if got := err == nil; got != want || err != nil && peal.CodeOf(err) != peal.NotFound {
				t.Errorf("%s the event is there: %v (%v), want %v", when, got, err, want)
			}
		}
		until := func(age time.Duration) { time.Sleep(time.Until(published.AcceptedAt().Add(age))) }
		until(30*day - time.Hour)
		has(true, "before its time")
		if d := w.deliveries(held.ID); len(d) != 1 || d[0].Status != peal.Pending {
			t.Errorf("before its time the paused webhook has %+v", d)
		}
		until(51 * day)
		has(true, "while what was held back shows as canceled")
		if d := w.deliveries(held.ID); len(d) != 1 || d[0].Status != peal.Canceled || time.Since(d[0].SettledAt) > 21*day {
			t.Errorf("after its time the paused webhook has %+v", d)
		}
		until(102 * day)
		has(false, "after that")
		if n := len(w.deliveries(hook.ID)) + len(w.deliveries(held.ID)); n != 0 {
			t.Errorf("%d deliveries are left", n)
		}
		for kind, want := range map[string]float64{"event": 1, "delivery": 2, "attempt": 1, "canceled": 1, "record": 0} {
			if got := counter(t, registry, "peal_retention_purged_total", kind); got != want {
				t.Errorf("the metrics count %v of kind %s, want %v", got, kind, want)
			}
		}
		if bytes := counter(t, registry, "peal_database_bytes", ""); bytes <= 0 {
			t.Errorf("the database has %v bytes", bytes)
		} else if kept := e.Kept(); float64(kept.Bytes) != bytes || kept.Used <= 0 || time.Since(kept.At) > 20*day {
			t.Errorf("the engine says %+v of it", kept)
		}
	})
}

// counter returns the value of a counter or gauge, by the value of its only label.
func counter(t *testing.T, registry *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s %s", name, label)
	return 0
}

func TestRetentionOptions(t *testing.T) {
	ok := dispatch.DefaultRetention()
	for field, change := range map[string]func(*dispatch.Retention){
		"":                    func(r *dispatch.Retention) { r.History, r.Attempts, r.MaxBytes = 0, 0, 0 },
		"retention.history":   func(r *dispatch.Retention) { r.History = time.Second },
		"retention.attempts":  func(r *dispatch.Retention) { r.Attempts = -time.Hour },
		"retention.max_bytes": func(r *dispatch.Retention) { r.MaxBytes = 1000 },
		"retention.every":     func(r *dispatch.Retention) { r.Every = 0 },
	} {
		r := ok
		change(&r)
		got := ""
		if err, refused := r.Validate().(*peal.Error); refused {
			got = err.Field
		}
		if got != field {
			t.Errorf("%+v is refused for %q, want %q", r, got, field)
		}
	}
}
