package bench

import (
	"context"
	"time"
)

// settling is how long the server may tidy up before its idling is looked at.
const settling = time.Second

// measureIdle looks at what a server with many webhooks takes that has nothing to do.
func measureIdle(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	begun := time.Now()
	c, err := r.spread(ctx, tenantName, "idle", r.options.Webhooks, func(to *endpoints, _ int) string { return to.url(takes, 0) })
	if err != nil {
		return err
	}
	created := float64(r.options.Webhooks) / time.Since(begun).Seconds()
	// Some of them are used, to see that they are webhooks.
	if _, _, err := r.flow(ctx, c, 0, min(r.options.Webhooks, 100)); err != nil {
		return err
	}
	if err := pause(ctx, settling); err != nil {
		return err
	}
	before, _ := usageOf(r.node.process.Pid)
	begun = time.Now()
	if err := pause(ctx, r.options.Idle); err != nil {
		return err
	}
	if after, ok := usageOf(r.node.process.Pid); ok {
		r.figure("CPU", 100*part(float64(after.CPU-before.CPU), float64(time.Since(begun))), "% of a core", 0, r.options.Webhooks)
		r.figure("resident", megabytes(after.Resident), "MB", 0, 0)
	}
	r.figure("created at", created, "webhooks/s", 0, 0)
	return nil
}

// pause lets time pass, because that is what is measured.
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
