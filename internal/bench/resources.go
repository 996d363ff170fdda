package bench

import (
	"context"
	"fmt"
	"time"
)

// behind is the number of webhooks that a backlog waits for.
const behind = 100

// measureMemory measures the server's memory while many deliveries are pending for
// hanging endpoints.
func measureMemory(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	pending, err := r.spread(ctx, tenantName, "pending", behind,
		func(to *endpoints, _ int) string { return to.url(hangs, 0) })
	if err != nil {
		return err
	}
	pending.endpoints.waits, pending.batch = true, 100
	started := time.Now()
	if err := pending.flood(ctx, 0, r.options.Backlog); err != nil {
		return err
	}
	rate := float64(r.options.Backlog) / time.Since(started).Seconds()
	if u, ok := usageOf(r.node.process.Pid); ok {
		r.figure("resident", megabytes(u.Resident), "MB", 0, r.options.Backlog)
		r.figure("peak while filling", megabytes(u.Peak), "MB", 0, 0)
	}
	r.figure("filled at", rate, "events/s", 0, 0)
	if err := r.finish(ctx); err != nil {
		return err
	}
	r.figure("disk per pending delivery", float64(r.disk)/float64(r.options.Backlog), "bytes", 0, 0)
	return nil
}

// settling is the time for the server to finish its work before it counts as idle.
const settling = time.Second

// measureIdle measures CPU and memory of an idle server with many webhooks.
func measureIdle(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	started := time.Now()
	c, err := r.spread(ctx, tenantName, "idle", r.options.Webhooks,
		func(to *endpoints, _ int) string { return to.url(takes, 0) })
	if err != nil {
		return err
	}
	created := float64(r.options.Webhooks) / time.Since(started).Seconds()
	// Events for some of them show that the webhooks work.
	if _, _, err := r.flow(ctx, c, 0, min(r.options.Webhooks, 100)); err != nil {
		return err
	}
	if err := pause(ctx, settling); err != nil {
		return err
	}
	before, _ := usageOf(r.node.process.Pid)
	started = time.Now()
	if err := pause(ctx, r.options.Idle); err != nil {
		return err
	}
	if after, ok := usageOf(r.node.process.Pid); ok {
		r.figure("CPU", 100*part(float64(after.CPU-before.CPU), float64(time.Since(started))), "% of a core", 0,
			r.options.Webhooks)
		r.figure("resident", megabytes(after.Resident), "MB", 0, 0)
	}
	r.figure("created at", created, "webhooks/s", 0, 0)
	return nil
}

// measureCrash kills the server under load, restarts it on its data and measures the
// time until the last acknowledged event arrives. It publishes one more event after the
// restart, so that there is one even if all had arrived before.
func measureCrash(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	c, err := r.channel(ctx, tenantName, "crash", takes, 1)
	if err != nil {
		return err
	}
	var longest time.Duration
	for range r.options.Kills {
		if err := r.killUnderLoad(ctx, c); err != nil {
			return err
		}
		restarted := time.Now()
		if err := r.node.start(ctx); err != nil {
			return err
		}
		if err := c.flood(ctx, 0, 1); err != nil {
			return err
		}
		if err := c.await(ctx); err != nil {
			return err
		}
		_, _, last := c.progress()
		longest = max(longest, last.Sub(restarted))
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	count := c.tally()
	r.figure("restart to last arrival", longest.Seconds(), "s", 0, 0)
	r.figure("kills", float64(r.options.Kills), "", 0, 0)
	r.figure("acknowledged", float64(count.Published), "events", 0, 0)
	r.figure("lost", float64(count.Missing), "events", 0, 0)
	r.figure("arrived twice, in flight at a kill", float64(count.Repeated), "deliveries", 0, 0)
	return nil
}

// killUnderLoad publishes for a while and kills the server meanwhile.
func (r *run) killUnderLoad(ctx context.Context, c channel) error {
	loading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- c.flood(loading, time.Hour, 0) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the load ended before the kill: %w", err)
	case <-time.After(r.options.Throughput / 2):
	case <-ctx.Done():
	}
	r.node.kill()
	c.killed()
	<-ended // always an error: the server no longer answers
	return ctx.Err()
}
