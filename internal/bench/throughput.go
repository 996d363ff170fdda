package bench

import (
	"context"
	"time"
)

// tenantName is whose events are measured.
const tenantName = "bench"

// burst is how many events the batches make for each second of Throughput.
const burst = 10_000

func measureSingle(ctx context.Context, r *run) error {
	return r.measureThroughput(ctx, 1, 1, "events/s")
}

func measureBatch(ctx context.Context, r *run) error {
	return r.measureThroughput(ctx, 100, 1, "events/s")
}

func measureFanout(ctx context.Context, r *run) error {
	return r.measureThroughput(ctx, 1, 10, "deliveries/s")
}

func (r *run) measureThroughput(ctx context.Context, batch, width int, unit string) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	c, err := r.channel(ctx, tenantName, "bench", takes, width)
	if err != nil {
		return err
	}
	c.batch = batch
	limit := 0
	if batch > 1 {
		// Batches come in faster than they can go out: a burst of a certain length, so
		// that the waiting for it to end has a bound.
		limit = max(int(r.options.Throughput.Seconds()*burst), batch)
	}
	var rate float64
	var used usage
	err = r.besideBare(ctx, func() error {
		rate, used, err = r.flow(ctx, c, r.options.Throughput, limit)
		return err
	})
	if err != nil {
		return err
	}
	if batch == 1 && width == 1 {
		r.single = rate
	}
	came, _, _ := c.progress()
	r.figure("throughput", rate, unit, part(rate, r.bareRate), 0)
	if used.CPU > 0 {
		each := used.CPU / time.Duration(max(came, 1))
		r.figure("CPU per delivery", milliseconds(each), "ms", part(float64(each), float64(r.bareCPU)), 0)
		if used.DatabaseCPU > 0 {
			r.figure("CPU of PostgreSQL per delivery", milliseconds(used.DatabaseCPU/time.Duration(max(came, 1))), "ms", 0, 0)
		}
		r.figure("peak memory", megabytes(used.Peak), "MB", 0, 0)
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	r.figure("disk per delivery", float64(r.disk)/float64(max(came, 1)), "bytes", 0, 0)
	if used.Log > 0 {
		r.figure("PostgreSQL's log per delivery", float64(used.Log)/float64(max(came, 1)), "bytes", 0, 0)
	}
	return nil
}

// flow publishes as fast as the server takes it and waits until all of it has
// arrived. The rate is of arrivals, from the first call to the last of them; used
// is what the server took, from the first call until every delivery was final.
func (r *run) flow(ctx context.Context, c channel, duration time.Duration, limit int) (rate float64, used usage, err error) {
	before, err := r.used()
	if err != nil {
		return 0, usage{}, err
	}
	begun := time.Now()
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
	return float64(came) / last.Sub(begun).Seconds(), used, nil
}

// used gives what the server has used so far, and the database below it.
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

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
