package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// usageStore is the part of the store that counts what is pending.
type usageStore interface {
	PendingUsage(ctx context.Context, tenant string, most int64) (deliveries, bytes int64, err error)
	Uses(ctx context.Context, quota peal.Quota, now time.Time) ([]peal.TenantUse, error)
}

// admission enforces the quotas of tenants for pending deliveries and for events a second.
//
// It counts up what a tenant publishes, and asks the store what is pending only where that
// count would exceed a limit: the usual publish costs a look into a map. While a tenant is at
// its limit the store is asked once a second at most, and less often the longer it takes.
// Deliveries of other nodes count when the store is asked: on n nodes a tenant may have up to
// n times its limit before all of them know.
type admission struct {
	store   usageStore
	tenants *tenantSettings
	quotas  peal.Quotas
	clock   func() time.Time

	mu    sync.Mutex
	known map[string]*admitted
}

// admitted is the count of a tenant. Its mutex guards it, and is held while the store is asked,
// so that one caller asks for all.
type admitted struct {
	mu sync.Mutex
	// deliveries and bytes are upper bounds of what is pending: what the store had when it
	// was asked, and what was reserved since.
	deliveries, bytes int64
	// reserved are the deliveries and bytes of inserts under way.
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

func newAdmission(store usageStore, tenants *tenantSettings, quotas peal.Quotas) *admission {
	return &admission{store: store, tenants: tenants, quotas: quotas, clock: time.Now, known: map[string]*admitted{}}
}

// limits are the limits of a tenant that the engine enforces; 0 for none.
type limits struct{ deliveries, bytes, events int64 }

func (a *admission) limits(ctx context.Context, tenant string) (limits, error) {
	settings, err := a.tenants.get(ctx, tenant)
	if err == nil && !settings.DeletingSince.IsZero() {
		err = peal.ErrTenantDeleted
	}
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
		reserved.CancelAt(now) // it is refused and does not wait
		refused := peal.QuotaEventsPerSecond.Exceeded(limit, limit)
		if e, ok := errors.AsType[*peal.Error](refused); ok {
			e.RetryAfter = delay
		}
		return refused
	}
	return nil
}

// reserve refuses deliveries beyond the quotas of pending ones. The caller passes those that it
// accepts to ended.
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

// ask asks the store. What is reserved counts on top, although the store may have it already.
func (a *admission) ask(ctx context.Context, tenant string, t *admitted, most int64) error {
	if most == 0 {
		most = 1 << 40
	}
	started := a.clock()
	deliveries, bytes, err := a.store.PendingUsage(ctx, tenant, most+1)
	if err != nil {
		return err
	}
	t.asked = a.clock()
	t.pause = max(askPause, askShare*t.asked.Sub(started))
	t.deliveries, t.bytes = deliveries+t.reservedDeliveries, bytes+t.reservedBytes
	return nil
}

// ended notes that the insert of what was reserved has ended, with success or not.
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

// tenantStore is the part of the store that reads tenants.
type tenantStore interface {
	Tenant(ctx context.Context, name string) (peal.Tenant, error)
}

// tenantSettings caches the settings of tenants until the routes change, which they do with every
// change of a tenant.
type tenantSettings struct {
	store tenantStore
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]*peal.Tenant
}

// policy returns a tenant's retry policy; nil when it has none.
func (t *tenantSettings) policy(name string) *peal.RetryPolicy {
	tenant, err := t.get(context.Background(), name)
	if err != nil {
		t.log.Warn("cannot read a tenant's retry policy; the default applies until the next change", "tenant", name, "error", err)
		return nil
	}
	return tenant.RetryPolicy
}

// catalogue returns the name of the catalogue that describes a tenant's events.
func (t *tenantSettings) catalogue(ctx context.Context, name string) (string, error) {
	tenant, err := t.get(ctx, name)
	if err != nil {
		return "", err
	}
	return tenant.CatalogueName(), nil
}

// get returns a tenant; one without any settings when it does not exist yet.
func (t *tenantSettings) get(ctx context.Context, name string) (*peal.Tenant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tenant, ok := t.known[name]; ok {
		return tenant, nil
	}
	tenant, err := t.store.Tenant(ctx, name)
	if peal.CodeOf(err) == peal.NotFound {
		return &peal.Tenant{Name: name}, nil // it is not cached: it may be created without a change of routes
	}
	if err != nil {
		return nil, err
	}
	if t.known == nil {
		t.known = make(map[string]*peal.Tenant)
	}
	t.known[name] = &tenant
	return &tenant, nil
}

// reset forgets all tenants.
func (t *tenantSettings) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
}

// isNear reports whether nine tenths of a limit are used.
func isNear(used, limit int64) bool { return limit > 0 && used >= limit-limit/10 }

const (
	// nearEvery is the shortest time for which the count of tenants near a quota is kept.
	nearEvery = time.Minute
	// nearShare limits counting to 1/nearShare of the time.
	nearShare = 50
	// nearTime bounds how long a scrape waits for the count.
	nearTime = 5 * time.Second
)

// nearCollector counts, by quota, the tenants that have used nine tenths of it. The events
// a second are left out: they are nothing that a tenant has.
type nearCollector struct {
	admission *admission
	shares    *share.Limiter // of streams
	near      *prometheus.Desc

	mu    sync.Mutex // held while it counts, so that one counts for all
	asked time.Time
	pause time.Duration
	count map[peal.Quota]int // nil when the store could not say
}

func newNearCollector(a *admission, shares *share.Limiter) *nearCollector {
	return &nearCollector{admission: a, shares: shares, near: prometheus.NewDesc("peal_quota_near_tenants",
		"Tenants that have used at least nine tenths of a quota, of all nodes except for streams; counted once a minute at most.", []string{"quota"}, nil)}
}

// Describe implements [prometheus.Collector].
func (c *nearCollector) Describe(to chan<- *prometheus.Desc) { to <- c.near }

// Collect implements [prometheus.Collector].
func (c *nearCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.asked.IsZero() || now.Sub(c.asked) >= c.pause {
		ctx, cancel := context.WithTimeout(context.Background(), nearTime)
		defer cancel()
		c.asked, c.count = now, c.ask(ctx, now)
		c.pause = max(nearEvery, nearShare*time.Since(now))
	}
	for quota, n := range c.count {
		to <- prometheus.MustNewConstMetric(c.near, prometheus.GaugeValue, float64(n), string(quota))
	}
}

// ask counts the tenants that have used nine tenths of each quota; nil when that cannot be
// found out.
func (c *nearCollector) ask(ctx context.Context, now time.Time) map[peal.Quota]int {
	a, count := c.admission, map[peal.Quota]int{}
	for _, quota := range peal.RowQuotas() {
		count[quota] = 0
		uses, err := a.store.Uses(ctx, quota, now)
		if err != nil {
			return nil
		}
		for i := range uses {
			if isNear(uses[i].Used, a.quotas.Of(uses[i].Tenant, uses[i].Quotas, quota)) {
				count[quota]++
			}
		}
	}
	count[peal.QuotaStreams] = 0
	for tenant, n := range c.shares.Running(share.Stream) {
		settings, err := a.tenants.get(ctx, tenant)
		if err != nil {
			return nil
		}
		if isNear(int64(n), a.quotas.Of(tenant, settings.Quotas, peal.QuotaStreams)) {
			count[peal.QuotaStreams]++
		}
	}
	deliveries, bytes, err := a.near(ctx)
	if err != nil {
		return nil
	}
	count[peal.QuotaPendingDeliveries], count[peal.QuotaPendingBytes] = deliveries, bytes
	return count
}

// near counts the tenants that have published here and are near a quota of what is
// pending. The store is asked only for those that may be.
func (a *admission) near(ctx context.Context) (deliveries, bytes int, err error) {
	a.mu.Lock()
	known := make(map[string]*admitted, len(a.known))
	for tenant, t := range a.known {
		known[tenant] = t
	}
	a.mu.Unlock()
	for tenant, t := range known {
		l, err := a.limits(ctx, tenant)
		if errors.Is(err, peal.ErrTenantDeleted) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		nearDeliveries, nearBytes, err := a.isNear(ctx, tenant, t, l)
		if err != nil {
			return 0, 0, err
		}
		if nearDeliveries {
			deliveries++
		}
		if nearBytes {
			bytes++
		}
	}
	return deliveries, bytes, nil
}

func (a *admission) isNear(ctx context.Context, tenant string, t *admitted, l limits) (deliveries, bytes bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	near := func() {
		deliveries, bytes = isNear(t.deliveries, l.deliveries), isNear(t.bytes, l.bytes)
	}
	if near(); !deliveries && !bytes {
		return false, false, nil
	}
	if a.clock().Sub(t.asked) >= t.pause {
		if err := a.ask(ctx, tenant, t, l.deliveries); err != nil {
			return false, false, err
		}
	}
	near()
	return deliveries, bytes, nil
}
