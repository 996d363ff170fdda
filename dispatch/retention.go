package dispatch

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// Retention says how long what happened is kept.
type Retention struct {
	// History is how long events, their deliveries and the attempts are kept after all
	// of an event's deliveries have become final; at least a minute, or 0 for ever.
	// Deliveries that paused and disabled webhooks hold back for so long are canceled;
	// replays are kept for as long after their end.
	History time.Duration
	// Attempts is how long attempts keep the heads and the body of what was sent and
	// answered; at least a minute, or 0 for as long as History.
	Attempts time.Duration
	// MaxBytes bounds the store's size: when it is larger, the oldest history goes
	// whatever its age. At least 1 MiB, or 0 for no bound.
	MaxBytes int64
	// Every is how often it is looked for what may go.
	Every time.Duration
}

// DefaultRetention keeps history for 30 days.
func DefaultRetention() Retention {
	return Retention{History: 30 * 24 * time.Hour, Every: 10 * time.Minute}
}

// Validate checks the ranges. The error has code [peal.Invalid] and names the field.
func (r Retention) Validate() error {
	const atLeast = "must be at least 1m, or 0s"
	switch {
	case r.History != 0 && r.History < time.Minute:
		return peal.Invalidf("retention.history", atLeast)
	case r.Attempts != 0 && r.Attempts < time.Minute:
		return peal.Invalidf("retention.attempts", atLeast)
	case r.MaxBytes != 0 && r.MaxBytes < 1<<20:
		return peal.Invalidf("retention.max_bytes", "must be at least 1MiB, or 0")
	case r.Every <= 0:
		return peal.Invalidf("retention.every", "must be above 0")
	}
	return nil
}

// params are what a pass that begins now takes away.
func (r Retention) params(now time.Time) peal.PurgeParams {
	p := peal.PurgeParams{Canceled: now.UTC().Truncate(time.Microsecond), Stats: now, MaxBytes: r.MaxBytes}
	if r.History > 0 {
		p.History = now.Add(-r.History)
	}
	if r.Attempts > 0 && (r.History == 0 || r.Attempts < r.History) {
		p.Attempts = now.Add(-r.Attempts)
	}
	return p
}

// keeper takes away what has been kept long enough.
type keeper struct {
	engine  *Engine
	metrics *retentionMetrics
	over    bool // the store was larger than its bound at the end of the last pass
	kept    atomic.Pointer[Kept]
}

// Kept is how large the store was at the end of retention's last pass.
type Kept struct {
	At time.Time
	// Bytes is the size on disk, Used the part of it that holds something.
	Bytes, Used int64
}

// Kept says how large the store was when this node last looked, which it does every
// [Retention.Every]. It is zero before that, and on a node that leaves retention to another.
func (e *Engine) Kept() Kept {
	if kept := e.keeper.kept.Load(); kept != nil {
		return *kept
	}
	return Kept{}
}

// run makes a pass now and then until ctx ends.
func (k *keeper) run(ctx context.Context) {
	retention := k.engine.options.Retention
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if !k.engine.member.isFirst() { // one node does it for all
			next.Reset(retention.Every)
			continue
		}
		if err := k.pass(ctx, retention); err != nil && ctx.Err() == nil {
			k.engine.log.Warn("cannot take away old history; trying again later", "error", err)
		}
		next.Reset(retention.Every)
	}
}

// rest is how much longer than a batch has held the store the others then have it
// for themselves.
const rest = 2

// pass purges batch after batch until nothing is left to do.
func (k *keeper) pass(ctx context.Context, retention Retention) error {
	params := retention.params(k.engine.clock.aged())
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
		}
		purged, err := k.engine.store.Purge(ctx, params)
		if err != nil {
			return err
		}
		if purged.More {
			crashpoint.Reach(crashpoint.PurgeDone)
		}
		k.metrics.count(&purged)
		if !purged.More {
			k.kept.Store(&Kept{At: time.Now(), Bytes: purged.Bytes, Used: purged.Used})
			k.warn(&purged, retention)
			return nil
		}
		wait.Reset(rest * purged.Held)
	}
}

// warn tells once when what is left does not fit.
func (k *keeper) warn(purged *peal.Purged, retention Retention) {
	over := retention.MaxBytes > 0 && purged.Used > retention.MaxBytes
	if over && !k.over {
		k.engine.log.Warn("the database is larger than retention.max_bytes, and all that is left is pending or settings",
			"bytes", purged.Used, "max_bytes", retention.MaxBytes)
	}
	k.over = over
}

// retentionMetrics are what the keeper counts.
type retentionMetrics struct {
	purged *prometheus.CounterVec // by kind
	held   prometheus.Histogram
	bytes  prometheus.Gauge
	used   prometheus.Gauge
}

func newRetentionMetrics(registerer prometheus.Registerer) (*retentionMetrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "peal", Name: name, Help: help})
	}
	m := &retentionMetrics{
		purged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "peal", Name: "retention_purged_total",
			Help: "What retention has taken away, by kind: event, delivery, attempt, record (heads and body of an attempt), bucket (of counts), webhook, key, replay; canceled counts deliveries held back too long.",
		}, []string{"kind"}),
		held: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Name: "retention_batch_seconds", Help: "Time that a batch of retention kept other changes waiting.", Buckets: secondsBuckets,
		}),
		bytes: gauge("database_bytes", "Size of the database, as of the last look."),
		used:  gauge("database_used_bytes", "The part of the database that holds something, as of the last look."),
	}
	if registerer == nil {
		return m, nil
	}
	m.count(&peal.Purged{}) // the series begin at zero
	for _, c := range []prometheus.Collector{m.purged, m.held, m.bytes, m.used} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *retentionMetrics) count(p *peal.Purged) {
	for kind, n := range map[string]int{
		"event": p.Events, "delivery": p.Deliveries, "attempt": p.Attempts, "record": p.Records,
		"canceled": p.Canceled, "bucket": p.Buckets, "webhook": p.Webhooks, "key": p.Keys, "replay": p.Replays,
	} {
		m.purged.WithLabelValues(kind).Add(float64(n))
	}
	if p.Held > 0 {
		m.held.Observe(p.Held.Seconds())
	}
	m.bytes.Set(float64(p.Bytes))
	m.used.Set(float64(p.Used))
}
