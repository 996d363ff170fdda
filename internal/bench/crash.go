package bench

import (
	"context"
	"fmt"
	"time"
)

// measureCrash kills the server under load, starts it again on what is on disk and
// looks at when the last acknowledged event arrives. One more event is published
// after the start, so that there is a last one even when all had arrived before.
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

// killUnderLoad publishes for a while and kills the server in the midst of it.
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
	<-ended // with the error that nobody answers any more
	return ctx.Err()
}
