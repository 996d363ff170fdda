package bench

import (
	"context"
	"fmt"
	"time"
)

// scenarios are what is measured, in order: the bare loop first, since it is what
// the others are compared with.
var scenarios = []scenario{
	{"bare", "bare net/http loop, 64 goroutines", func(o *Options) time.Duration { return 3*o.Bare + bareLatency(o) }, measureBare},
	{"single", "one event a call, 64 clients", func(o *Options) time.Duration { return o.Throughput + 2*o.Bare }, measureSingle},
	{"batch", "100 events a call", func(o *Options) time.Duration { return 2*o.Throughput + 2*o.Bare }, measureBatch},
	{"fanout", "one event to 10 webhooks", func(o *Options) time.Duration { return 2*o.Throughput + 2*o.Bare }, measureFanout},
	{"latency", "latency, call to arrival", func(o *Options) time.Duration { return 3 * o.Latency }, measureLatency},
	{"neighbour", "beside an endpoint that hangs", func(o *Options) time.Duration { return 2*o.Latency + filling(o.Waiting) }, measureNeighbour},
	{"dead", "beside many dead endpoints", func(o *Options) time.Duration { return 2*o.Latency + filling(10*o.Dead) + 2*time.Second }, measureDead},
	{"drain", "a paused webhook is resumed", func(o *Options) time.Duration { return 2 * filling(o.Drain) }, measureDrain},
	{"memory", "memory with a backlog", func(o *Options) time.Duration { return filling(o.Backlog) }, measureMemory},
	{"history", "throughput with a history", func(o *Options) time.Duration { return 2*o.Throughput + 4*o.Bare + 2*filling(o.History) }, measureHistory},
	{"idle", "many webhooks, nothing to do", func(o *Options) time.Duration { return o.Idle + time.Duration(o.Webhooks)*time.Second/3000 }, measureIdle},
	{"crash", "kill -9 under load", func(o *Options) time.Duration { return time.Duration(o.Kills) * (o.Throughput/2 + time.Second) }, measureCrash},
}

// filling guesses how long it takes to publish events that are to wait.
func filling(n int) time.Duration { return time.Duration(n) * time.Second / 15_000 }

func bareLatency(o *Options) time.Duration { return o.Latency / 2 }

// slow is the rate at which latency is looked at without load.
const slow = 50

func measureBare(ctx context.Context, r *run) error {
	p, err := r.bare.run(ctx, 3*r.options.Bare)
	if err != nil {
		return err
	}
	r.bareCPU = p.cpu
	all, err := r.bare.latencies(ctx, r.open("paced", 1), time.Second/slow, samplesIn(bareLatency(r.options), slow))
	if err != nil {
		return err
	}
	r.bareP50, r.bareP99 = all.quantile(0.5), all.quantile(0.99)
	r.figure("throughput", p.rate, "requests/s", 0, 0)
	if p.cpu > 0 {
		r.figure("CPU per request, both sides", milliseconds(p.cpu), "ms", 0, 0)
	}
	r.figure("p50 at 50/s", milliseconds(r.bareP50), "ms", 0, 0)
	r.figure("p99 at 50/s", milliseconds(r.bareP99), "ms", 0, 0)
	return nil
}

func samplesIn(duration time.Duration, rate float64) int {
	return max(int(duration.Seconds()*rate), 1)
}

// channel is a kind of events with the endpoints that they go to.
type channel struct {
	*endpoints
	load
}

// channel makes webhooks at endpoints that behave in a way, which all get the
// events of one type.
func (r *run) channel(ctx context.Context, tenant, what, behaviour string, width int) (channel, error) {
	to := r.open(what, width)
	for i := range width {
		if _, err := r.webhook(ctx, tenant, to.url(behaviour, i), what); err != nil {
			return channel{}, err
		}
	}
	return channel{to, load{node: r.node, tenant: tenant, to: to.ledger, clients: r.options.clients, eventType: func(int) string { return what }}}, nil
}

// spread makes n webhooks of which each gets every nth event. url gives their addresses.
func (r *run) spread(ctx context.Context, tenant, what string, n int, url func(to *endpoints, i int) string) (channel, error) {
	to := r.open(what, 1)
	types := make([]string, n)
	for i := range types {
		types[i] = fmt.Sprintf("%s.%d", what, i)
	}
	err := inParallel(ctx, n, func(i int) error {
		_, err := r.webhook(ctx, tenant, url(to, i), types[i])
		return err
	})
	return channel{to, load{node: r.node, tenant: tenant, to: to.ledger, clients: r.options.clients, eventType: func(number int) string { return types[number%n] }}}, err
}
