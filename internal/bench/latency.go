package bench

import (
	"context"
	"fmt"
	"time"
)

// paced publishes at a fixed rate and gives, sorted, the latencies from the time
// when each event was to be published to its arrival, and how late the calls began.
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
	r.figure("p99 at "+at, milliseconds(all.quantile(0.99)), "ms", part(float64(all.quantile(0.99)), float64(r.bareP99)), 0)
	r.figure("max at "+at, milliseconds(all.quantile(1)), "ms", 0, 0)
	r.figure("calls begun late, p99 at "+at, milliseconds(late.quantile(0.99)), "ms", 0, 0)
}

// warmUp lets the server do everything once, so that what is paid only once is not
// among the samples.
func (r *run) warmUp(ctx context.Context) error {
	c, err := r.channel(ctx, tenantName, "warm-up", takes, 1)
	if err != nil {
		return err
	}
	_, _, err = r.flow(ctx, c, 0, 500)
	return err
}
