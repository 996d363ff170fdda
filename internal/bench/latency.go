package bench

import (
	"context"
	"fmt"
	"time"
)

// slow is the rate, in events a second, for measuring latency without load.
const slow = 50

func measureLatency(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	quiet, err := r.channel(ctx, tenantName, "quiet", takes, 1)
	if err != nil {
		return err
	}
	all, late, err := quiet.paced(ctx, slow, 2*r.options.Latency)
	if err != nil {
		return err
	}
	r.latencyFigures(all, late, "50/s")
	if r.single == 0 { // it was not chosen
		probe, err := r.channel(ctx, tenantName, "probe", takes, 1)
		if err != nil {
			return err
		}
		if r.single, _, err = r.flow(ctx, probe, r.options.Throughput/2, 0); err != nil {
			return err
		}
	}
	busy, err := r.channel(ctx, tenantName, "busy", takes, 1)
	if err != nil {
		return err
	}
	rate := max(r.single/2, 1)
	before, err := r.used()
	if err != nil {
		return err
	}
	if all, late, err = busy.paced(ctx, rate, r.options.Latency); err != nil {
		return err
	}
	after, err := r.used()
	if err != nil {
		return err
	}
	at := fmt.Sprintf("half load (%s/s)", thousandsOf(int(rate)))
	r.latencyFigures(all, late, at)
	if after.CPU > before.CPU {
		r.figure("CPU per delivery at "+at, milliseconds((after.CPU-before.CPU)/time.Duration(len(all))), "ms", 0, 0)
	}
	if after.DatabaseCPU > before.DatabaseCPU {
		r.figure("CPU of PostgreSQL per delivery at "+at, milliseconds((after.DatabaseCPU-before.DatabaseCPU)/time.Duration(len(all))), "ms", 0, 0)
	}
	return nil
}

func (r *run) latencyFigures(all, late samples, at string) {
	r.figure("p50 at "+at, milliseconds(all.quantile(0.5)), "ms", part(float64(all.quantile(0.5)), float64(r.bareP50)), 0)
	r.figure("p95 at "+at, milliseconds(all.quantile(0.95)), "ms", 0, 0)
	r.figure("p99 at "+at, milliseconds(all.quantile(0.99)), "ms", part(float64(all.quantile(0.99)), float64(r.bareP99)),
		0)
	r.figure("max at "+at, milliseconds(all.quantile(1)), "ms", 0, 0)
	r.figure("late starts of calls, p99 at "+at, milliseconds(late.quantile(0.99)), "ms", 0, 0)
}

// steady is the rate, in events a second, for healthy endpoints beside others.
const steady = 200

// beside measures the latency of healthy endpoints alone and then next to a trouble, which begin
// starts and end stops.
func (r *run) beside(ctx context.Context, healthy func(what string) (channel, error), size int,
	begin func() (end func() error, err error)) error {
	alone, err := healthy("alone")
	if err != nil {
		return err
	}
	quiet, _, err := alone.paced(ctx, steady, r.options.Latency)
	if err != nil {
		return err
	}
	troubled, err := healthy("beside")
	if err != nil {
		return err
	}
	end, err := begin()
	if err != nil {
		return err
	}
	loud, _, err := troubled.paced(ctx, steady, r.options.Latency)
	if endErr := end(); err == nil {
		err = endErr
	}
	if err != nil {
		return err
	}
	p99s := [2]float64{milliseconds(quiet.quantile(0.99)), milliseconds(loud.quantile(0.99))}
	r.figure("p99 beside/alone", part(p99s[1], p99s[0]), "", 0, size)
	r.figure("p99 alone", p99s[0], "ms", 0, 0)
	r.figure("p99 beside", p99s[1], "ms", 0, 0)
	r.figure("p50 alone", milliseconds(quiet.quantile(0.5)), "ms", 0, 0)
	r.figure("p50 beside", milliseconds(loud.quantile(0.5)), "ms", 0, 0)
	return nil
}

// measureNeighbour measures one tenant's healthy endpoint while another tenant's endpoint
// hangs and many events wait for it.
func measureNeighbour(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	healthy := func(what string) (channel, error) { return r.channel(ctx, tenantName, what, takes, 1) }
	return r.beside(ctx, healthy, r.options.Waiting, func() (func() error, error) {
		noisy, err := r.channel(ctx, "noisy", "hanging", hangs, 1)
		if err != nil {
			return nil, err
		}
		noisy.endpoints.waits, noisy.batch = true, 100
		return func() error { return nil }, noisy.flood(ctx, 0, r.options.Waiting)
	})
}

// measureDead measures healthy endpoints while many others refuse connections, hang or
// fail. Each of those has ten waiting events at the start, and together they receive
// events at the same rate as the healthy ones.
func measureDead(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	healthy := func(what string) (channel, error) {
		return r.spread(ctx, tenantName, what, r.options.Healthy, func(to *endpoints,
			_ int) string {
			return to.url(takes, 0)
		})
	}
	return r.beside(ctx, healthy, r.options.Dead, func() (func() error, error) {
		dead, err := r.spread(ctx, "dead", "dead", r.options.Dead, deadURL)
		if err != nil {
			return nil, err
		}
		dead.endpoints.waits, dead.batch = true, 100
		if err := dead.flood(ctx, 0, 10*r.options.Dead); err != nil {
			return nil, err
		}
		more := dead
		more.batch, more.clients = 1, 16
		streaming, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			_, _, err := more.stream(streaming, time.Second/steady, samplesIn(r.options.Latency, steady))
			ended <- err
		}()
		return func() error {
			stop()
			if err := <-ended; err != context.Canceled {
				return err
			}
			return nil
		}, nil
	})
}

// deadURL returns the address of dead endpoint i: a third refuse connections, a third
// hang and a third fail.
func deadURL(to *endpoints, i int) string {
	switch i % 3 {
	case 0:
		return "http://127.0.0.1:1/refused" // nothing listens on port 1
	case 1:
		return to.url(hangs, 0)
	}
	return to.url(fails, 0)
}
