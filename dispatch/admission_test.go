package dispatch_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// A tenant may have so much pending and not more; what has arrived makes room again. The
// default tenant has no limit.
func TestPendingQuotas(t *testing.T) {
	for name, quotas := range map[string]peal.Quotas{
		"deliveries": {peal.QuotaPendingDeliveries: 10},
		"bytes":      {peal.QuotaPendingBytes: 10 * int64(len(event(1).Data))},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			open := make(chan struct{})
			r := w.receive("hooks", func(rw http.ResponseWriter, r *http.Request, n int) { <-open })
			e, _ := w.engine(func(o *dispatch.Options) { o.Quotas = quotas })
			hook := w.webhook(e, r.url(), nil)
			second := w.webhook(e, r.url(), nil)
			w.publish(e, event(1), event(2), event(3), event(4))
			w.publish(e, event(5))
			_, err := e.Publish(t.Context(), tenant, event(6))
			var refused *peal.Error
			if !errors.As(err, &refused) || refused.Code != peal.RateLimited || refused.RetryAfter <= 0 || !strings.Contains(err.Error(), "the quota pending_"+name+" is used up") {
				t.Fatalf("beyond the limit: %v", err)
			}
			if _, err := e.Publish(t.Context(), peal.DefaultTenant, event(1)); err != nil {
				t.Errorf("of another tenant: %v", err)
			}
			close(open)
			w.settled(hook.ID, 5)
			w.settled(second.ID, 5)
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
				if _, err = e.Publish(t.Context(), tenant, event(7)); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("after all has arrived: %v", err)
				}
			}
		})
	}
}

// Many at once do not pass the limit together.
func TestPendingQuotaAtOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		open := make(chan struct{})
		r := w.receive("hooks", func(rw http.ResponseWriter, r *http.Request, n int) { <-open })
		defer close(open)
		e, _ := w.engine(func(o *dispatch.Options) { o.Quotas = peal.Quotas{peal.QuotaPendingDeliveries: 20} })
		w.webhook(e, r.url(), nil)
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				if _, err := e.Publish(t.Context(), tenant, event(i)); err == nil {
					accepted.Add(1)
				} else if peal.CodeOf(err) != peal.RateLimited {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if accepted.Load() != 20 {
			t.Errorf("%d are accepted, want 20", accepted.Load())
		}
	})
}

func TestEventsPerSecond(t *testing.T) {
	w := newWorld(t)
	e, _ := w.engine(func(o *dispatch.Options) { o.Quotas = peal.Quotas{peal.QuotaEventsPerSecond: 1} })
	batch := make([]peal.Event, peal.MaxBatch)
	for i := range batch {
		batch[i] = event(i)
	}
	w.publish(e, batch...) // a burst
	_, err := e.Publish(t.Context(), tenant, batch[:100]...)
	var refused *peal.Error
	if !errors.As(err, &refused) || refused.Code != peal.RateLimited || refused.RetryAfter <= time.Second || !strings.Contains(err.Error(), "events_per_second") {
		t.Errorf("beyond the burst: %v", err)
	}
	// A limit of the tenant's own takes the place of the default at once.
	if err := w.store.UpdateTenant(t.Context(), peal.Tenant{Name: tenant, Revision: 1, Quotas: peal.Quotas{peal.QuotaEventsPerSecond: 0}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.publish(e, batch[:100]...)
}

// Open live pages are a quota: a tenant's own limit goes before the default, and a page
// that is closed makes room.
func TestStreamsAreAQuota(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	e, _ := w.engine(func(o *dispatch.Options) { o.Quotas, o.Metrics = peal.Quotas{peal.QuotaStreams: 2}, registry })
	w.publish(e, event(0))
	var leave func()
	for range 2 {
		var err error
		if leave, err = e.Stream(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	_, err := e.Stream(t.Context(), tenant)
	if peal.CodeOf(err) != peal.RateLimited || !strings.Contains(err.Error(), "streams is used up: 2 of 2") {
		t.Errorf("a third live page: %v, want rate_limited that names the quota", err)
	}
	list, err := e.Quotas(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range list {
		if use.Quota == peal.QuotaStreams && (!use.Counted || use.Used != 2 || use.Limit != 2 || !use.IsNear()) {
			t.Errorf("the quota is %+v, want 2 of 2", use)
		}
	}
	for name, want := range map[string]float64{"peal_quota_refusals_total": 1, "peal_quota_near_tenants": 1} {
		if got := ofQuota(t, registry, name, peal.QuotaStreams); got != want {
			t.Errorf("%s of streams is %v, want %v", name, got, want)
		}
	}
	if got := ofQuota(t, registry, "peal_quota_near_tenants", peal.QuotaWebhooks); got != 0 {
		t.Errorf("%v tenants are near the quota of webhooks, want 0", got)
	}
	leave()
	if _, err = e.Stream(t.Context(), tenant); err != nil {
		t.Fatalf("a live page after another one was closed: %v", err)
	}
	settings, err := w.store.Tenant(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	settings.Quotas = peal.Quotas{peal.QuotaStreams: 3}
	if err := w.store.UpdateTenant(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err = e.Stream(t.Context(), tenant); err != nil {
		t.Errorf("a third live page with a limit of three: %v", err)
	}
	if _, err = e.Stream(t.Context(), tenant); peal.CodeOf(err) != peal.RateLimited {
		t.Errorf("a fourth live page with a limit of three: %v, want rate_limited", err)
	}
	if _, err = e.Stream(t.Context(), peal.DefaultTenant); err != nil {
		t.Errorf("a live page of the tenant default: %v", err)
	}
}

// ofQuota returns the value of a metric for a quota.
func ofQuota(t *testing.T, registry *prometheus.Registry, name string, quota peal.Quota) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name && metric.GetLabel()[0].GetValue() == string(quota) {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s of %s", name, quota)
	return 0
}

// What quotas refuse of a publish is counted, and a tenant near its limit too.
func TestPendingQuotasAreCounted(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	e, _ := w.engine(func(o *dispatch.Options) {
		o.Quotas, o.Metrics = peal.Quotas{peal.QuotaPendingDeliveries: 10}, registry
	})
	h := w.webhook(e, "http://127.0.0.1:1/hook", func(hook *peal.Webhook) { hook.Status = peal.Paused })
	for i := range 10 {
		w.publish(e, event(i))
	}
	if _, err := e.Publish(t.Context(), tenant, event(10)); peal.CodeOf(err) != peal.RateLimited {
		t.Fatalf("an eleventh delivery of %s: %v, want rate_limited", h.ID, err)
	}
	for name, want := range map[string]float64{"peal_quota_refusals_total": 1, "peal_quota_near_tenants": 1} {
		if got := ofQuota(t, registry, name, peal.QuotaPendingDeliveries); got != want {
			t.Errorf("%s of pending_deliveries is %v, want %v", name, got, want)
		}
	}
}
