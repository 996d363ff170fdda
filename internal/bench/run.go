package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal/client"
)

// session holds the state that all scenarios of a run share.
type session struct {
	options *Options
	sink    *sink
	bare    *bareLoop
	// database is nil if the servers use SQLite.
	database *database
	// single is the throughput of single publishes; 0 until it has been measured.
	single float64
	// bareP50, bareP99 and bareCPU are the bare loop's latencies and CPU time per request.
	bareP50, bareP99, bareCPU time.Duration
}

// run is the state of the running scenario.
type run struct {
	*session
	Scenario
	node     *node
	tenants  []string // all their deliveries must be final at the end
	ledgers  []*ledger
	disk     int64   // bytes; set when the server has stopped
	bareRate float64 // rate of the bare loop before and after this scenario
}

// start starts the scenario's server.
func (r *run) start(ctx context.Context) (err error) {
	r.node, err = newNode(ctx, r.options, r.Name, r.database)
	return err
}

// open creates a ledger and adds it to the report.
func (r *run) open(what string, width int) *endpoints {
	e := r.sink.open(what, width)
	if r.options.stuckAfter > 0 {
		e.stuck = r.options.stuckAfter
	} else if r.database != nil {
		e.stuck = stuckOnNodes
	}
	r.ledgers = append(r.ledgers, e.ledger)
	return e
}

// webhook creates a webhook that sends events of the given types to a URL.
func (r *run) webhook(ctx context.Context, tenant, url string, types ...string) (client.Webhook, error) {
	api, err := r.node.api(tenant)
	if err != nil {
		return client.Webhook{}, err
	}
	webhook, err := api.CreateWebhook(ctx, client.WebhookRequest{URL: &url, Events: types, Format: new("standard"),
		Secret: &r.sink.secret})
	if err != nil {
		return client.Webhook{}, fmt.Errorf("create a webhook: %w", err)
	}
	return webhook.Webhook, nil
}

// finish waits until all deliveries are final and stops the server, so that nothing
// else can arrive. A delivery still pending then would be sent a second time.
func (r *run) finish(ctx context.Context) (err error) {
	if r.node.process == nil {
		return nil // the scenario has called finish already
	}
	for _, tenant := range r.tenants {
		if err := r.awaitFinal(ctx, tenant); err != nil {
			return err
		}
	}
	r.disk, err = r.node.stop()
	return err
}

// awaitFinal waits until no delivery of a tenant is pending.
func (r *run) awaitFinal(ctx context.Context, tenant string) error {
	api, err := r.node.api(tenant)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(stuckAfter); ; {
		page, err := api.Deliveries(ctx, client.DeliveriesQuery{Status: "pending"})
		if err != nil {
			return fmt.Errorf("list pending deliveries: %w", err)
		}
		if len(page.Data) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is still pending after %s", page.Data[0].ID, stuckAfter)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// figure adds a value to the report and judges it. part is its ratio to the bare loop's
// value, or 0. size is the size of the scenario, for targets that depend on it.
func (r *run) figure(name string, value float64, unit string, part float64, size int) {
	f := Figure{Name: name, Value: round(value), Unit: unit, OfBare: round(part)}
	targets := targets
	if r.database != nil {
		targets = databaseTargets
	}
	if t, ok := targets[[2]string{r.Name, name}]; ok {
		t.judge(&f, size)
	}
	r.Figures = append(r.Figures, f)
}

// besideBare runs the bare loop before and after do, so that both meet the machine in
// the same state.
func (r *run) besideBare(ctx context.Context, do func() error) error {
	before, err := r.bare.run(ctx, r.options.Bare)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	after, err := r.bare.run(ctx, r.options.Bare)
	r.bareRate = (before.rate + after.rate) / 2
	return err
}

// tenantName is the tenant that publishes the measured events.
const tenantName = "bench"

// channel is a stream of events and the endpoints that receive them.
type channel struct {
	*endpoints
	load
}

// channel creates width webhooks for one event type; their endpoints all have the given
// behaviour.
func (r *run) channel(ctx context.Context, tenant, what, behaviour string, width int) (channel, error) {
	to := r.open(what, width)
	for i := range width {
		if _, err := r.webhook(ctx, tenant, to.url(behaviour, i), what); err != nil {
			return channel{}, err
		}
	}
	return channel{to, load{node: r.node, tenant: tenant, to: to.ledger, clients: r.options.clients,
		eventType: func(int) string { return what }}}, nil
}

// spread creates n webhooks; each receives every nth event. url returns their addresses.
func (r *run) spread(ctx context.Context, tenant, what string, n int,
	url func(to *endpoints, i int) string) (channel, error) {
	to := r.open(what, 1)
	types := make([]string, n)
	for i := range types {
		types[i] = fmt.Sprintf("%s.%d", what, i)
	}
	err := inParallel(ctx, n, func(i int) error {
		_, err := r.webhook(ctx, tenant, url(to, i), types[i])
		return err
	})
	return channel{to, load{node: r.node, tenant: tenant, to: to.ledger, clients: r.options.clients,
		eventType: func(number int) string { return types[number%n] }}}, err
}

// inParallel calls do for 0 to n-1, at most 32 at a time, and returns the first error.
func inParallel(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, 32) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// flow publishes as fast as the server accepts events and waits for all deliveries. It
// returns the rate of arrivals from the first call to the last arrival, and the
// resources that the server used from the first call until every delivery was final.
func (r *run) flow(ctx context.Context, c channel, duration time.Duration,
	limit int) (rate float64, used usage, err error) {
	before, err := r.used()
	if err != nil {
		return 0, usage{}, err
	}
	started := time.Now()
	if err := c.flood(ctx, duration, limit); err != nil {
		return 0, usage{}, err
	}
	if err := c.await(ctx); err != nil {
		return 0, usage{}, err
	}
	came, _, last := c.progress()
	if err := r.awaitFinal(ctx, c.tenant); err != nil {
		return 0, usage{}, err
	}
	if used, err = r.used(); err != nil {
		return 0, usage{}, err
	}
	used.CPU -= before.CPU
	used.DatabaseCPU -= before.DatabaseCPU
	used.Log -= before.Log
	return float64(came) / last.Sub(started).Seconds(), used, nil
}

// used returns the resources that the server and its database have used so far.
func (r *run) used() (u usage, err error) {
	if r.database != nil {
		if u, err = r.database.used(); err != nil {
			return u, err
		}
	}
	if of, ok := usageOf(r.node.process.Pid); ok {
		u.CPU, u.Resident, u.Peak = of.CPU, of.Resident, of.Peak
	}
	return u, nil
}

// paced publishes at a fixed rate. It returns the sorted latencies, from the time at
// which each event was due to its arrival, and the sorted delays of the calls.
func (c channel) paced(ctx context.Context, rate float64, duration time.Duration) (latencies, late samples, err error) {
	interval := time.Duration(float64(time.Second) / rate)
	start, late, err := c.stream(ctx, interval, samplesIn(duration, rate))
	if err != nil {
		return nil, nil, err
	}
	if err := c.await(ctx); err != nil {
		return nil, nil, err
	}
	return c.latencies(start, interval), late, nil
}

// warmUp publishes some events first, so that costs of the first requests are not among
// the samples.
func (r *run) warmUp(ctx context.Context) error {
	c, err := r.channel(ctx, tenantName, "warm-up", takes, 1)
	if err != nil {
		return err
	}
	_, _, err = r.flow(ctx, c, 0, 500)
	return err
}

func samplesIn(duration time.Duration, rate float64) int {
	return max(int(duration.Seconds()*rate), 1)
}

// pause waits for a duration, which is part of the measurement.
func pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
