package bench

import (
	"context"
	"time"
)

// The load that healthy endpoints are looked at with.
const steady = 200

// beside measures the latency of healthy endpoints alone and then beside trouble,
// which begin brings about and end ends.
func (r *run) beside(ctx context.Context, healthy func(what string) (channel, error), size int, begin func() (end func() error, err error)) error {
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

// measureNeighbour looks at one tenant's healthy endpoint while another tenant's
// hangs, with many events waiting for it.
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

// measureDead looks at healthy endpoints while many others refuse connections, hang
// or fail: each of those has ten events waiting at the beginning, and together they
// get as many as the healthy ones all the time.
func measureDead(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	healthy := func(what string) (channel, error) {
		return r.spread(ctx, tenantName, what, r.options.Healthy, func(to *endpoints, _ int) string { return to.url(takes, 0) })
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

// deadURL gives a third of the dead endpoints an address that refuses connections;
// the others hang or fail.
func deadURL(to *endpoints, i int) string {
	switch i % 3 {
	case 0:
		return "http://127.0.0.1:1/refused" // nobody listens on port 1
	case 1:
		return to.url(hangs, 0)
	}
	return to.url(fails, 0)
}
