package dispatch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

// admission holds tenants to their quotas of what is pending and of events a second.
//
// It counts up what a tenant publishes, and asks the store what is really pending only
// where that count would exceed a limit: the usual publish costs a look into a map. While
// a tenant is at its limit the store is asked once a second at most, and the less often the
// longer it takes. Other nodes' deliveries are seen when it is asked: on n nodes a tenant
// may get up to n times its limit before all of them know.
type admission struct {
	store   peal.QuotaStore
	tenants *tenantSettings
	quotas  peal.Quotas
	clock   func() time.Time

	mu    sync.Mutex
	known map[string]*admitted
}

// admitted is what is known of a tenant. Its mutex guards it; it is held while the store
// is asked, so that one asks for all.
type admitted struct {
	mu sync.Mutex
	// deliveries and bytes are pending at most: those that the store had when it was asked,
	// and what was reserved since.
	deliveries, bytes int64
	// reserved are those whose insert has not ended.
	reservedDeliveries, reservedBytes int64
	asked                             time.Time
	pause                             time.Duration // before it is asked again
	limiter                           *rate.Limiter
}

const (
	maxAdmitted = 10_000 // tenants that are remembered; more, and all are forgotten
	askPause    = time.Second
	askShare    = 20 // asking takes at most this part of the time
)

func newAdmission(store peal.QuotaStore, tenants *tenantSettings, quotas peal.Quotas) *admission {
	return &admission{store: store, tenants: tenants, quotas: quotas, clock: time.Now, known: map[string]*admitted{}}
}

// limits are those of a tenant that the engine enforces; 0 for none.
type limits struct{ deliveries, bytes, events int64 }

func (a *admission) limits(ctx context.Context, tenant string) (limits, error) {
	settings, err := a.tenants.get(ctx, tenant)
	if err != nil {
		return limits{}, err
	}
	of := func(quota peal.Quota) int64 { return a.quotas.Of(tenant, settings.Quotas, quota) }
	return limits{of(peal.QuotaPendingDeliveries), of(peal.QuotaPendingBytes), of(peal.QuotaEventsPerSecond)}, nil
}

func (a *admission) of(tenant string) *admitted {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.known[tenant]
	if t == nil {
		if len(a.known) >= maxAdmitted {
			clear(a.known)
		}
		t = new(admitted)
		a.known[tenant] = t
	}
	return t
}

// events refuses events beyond the quota of events a second.
func (a *admission) events(tenant string, limit int64, n int) error {
	if limit == 0 {
		return nil
	}
	t := a.of(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	burst := max(10*limit, peal.MaxBatch)
	if t.limiter == nil {
		t.limiter = rate.NewLimiter(rate.Limit(limit), int(burst))
	}
	now := a.clock()
	if t.limiter.Limit() != rate.Limit(limit) {
		t.limiter.SetLimitAt(now, rate.Limit(limit))
		t.limiter.SetBurstAt(now, int(burst))
	}
	reserved := t.limiter.ReserveN(now, n)
	if delay := reserved.DelayFrom(now); delay > 0 {
		reserved.CancelAt(now) // it is refused, not made to wait
		refused := peal.QuotaEventsPerSecond.Exceeded(limit, limit)
		refused.RetryAfter = delay
		return refused
	}
	return nil
}

// reserve refuses deliveries beyond the quotas of what is pending. What it lets in must be
// given to ended.
func (a *admission) reserve(ctx context.Context, tenant string, l limits, deliveries, bytes int64) error {
	most, mostBytes := l.deliveries, l.bytes
	if deliveries == 0 || most == 0 && mostBytes == 0 {
		return nil
	}
	t := a.of(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	exceeded := func() error {
		switch {
		case most > 0 && t.deliveries+deliveries > most:
			return peal.QuotaPendingDeliveries.Exceeded(t.deliveries, most)
		case mostBytes > 0 && t.bytes+bytes > mostBytes:
			return peal.QuotaPendingBytes.Exceeded(t.bytes, mostBytes)
		}
		return nil
	}
	if exceeded() != nil && a.clock().Sub(t.asked) >= t.pause {
		if err := a.ask(ctx, tenant, t, most); err != nil {
			return err
		}
	}
	if err := exceeded(); err != nil {
		return err
	}
	t.deliveries, t.bytes = t.deliveries+deliveries, t.bytes+bytes
	t.reservedDeliveries, t.reservedBytes = t.reservedDeliveries+deliveries, t.reservedBytes+bytes
	return nil
}

// ask asks the store. What is reserved counts on top, whether or not it is there already.
func (a *admission) ask(ctx context.Context, tenant string, t *admitted, most int64) error {
	if most == 0 {
		most = 1 << 40
	}
	begun := a.clock()
	deliveries, bytes, err := a.store.PendingUsage(ctx, tenant, most+1)
	if err != nil {
		return err
	}
	t.asked = a.clock()
	t.pause = max(askPause, askShare*t.asked.Sub(begun))
	t.deliveries, t.bytes = deliveries+t.reservedDeliveries, bytes+t.reservedBytes
	return nil
}

// ended notes that an insert of what was reserved has ended, with or without success.
func (a *admission) ended(tenant string, l limits, deliveries, bytes int64, inserted bool) {
	if deliveries == 0 || l.deliveries == 0 && l.bytes == 0 {
		return
	}
	a.mu.Lock()
	t := a.known[tenant]
	a.mu.Unlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reservedDeliveries, t.reservedBytes = max(0, t.reservedDeliveries-deliveries), max(0, t.reservedBytes-bytes)
	if !inserted {
		t.deliveries, t.bytes = max(0, t.deliveries-deliveries), max(0, t.bytes-bytes)
	}
}
