package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/pealhq/peal/client"
)

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

// burst is the number of events published in batches for each second of Throughput.
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
		// Batches are accepted faster than their events can be delivered. The limit bounds
		// the time to wait for the deliveries.
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

// measureDrain measures the delivery rate of a paused webhook with waiting events after
// it is resumed.
func measureDrain(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	to := r.open("held", 1)
	webhook, err := r.webhook(ctx, tenantName, to.url(takes, 0), "held")
	if err != nil {
		return err
	}
	api, err := r.node.api(tenantName)
	if err != nil {
		return err
	}
	if _, err := api.UpdateWebhook(ctx, webhook.ID, client.WebhookRequest{Status: new(client.WebhookStatusPaused)}); err != nil {
		return fmt.Errorf("pause the webhook: %w", err)
	}
	held := load{node: r.node, tenant: tenantName, to: to.ledger, batch: 100, clients: r.options.clients,
		eventType: func(int) string { return "held" }}
	if err := held.flood(ctx, 0, r.options.Drain); err != nil {
		return err
	}
	if early, _, _ := to.progress(); early > 0 {
		return fmt.Errorf("%d events arrived while the webhook was paused", early)
	}
	return r.besideBare(ctx, func() error {
		started := time.Now()
		if _, err := api.UpdateWebhook(ctx, webhook.ID, client.WebhookRequest{Status: new(client.WebhookStatusActive)}); err != nil {
			return fmt.Errorf("resume the webhook: %w", err)
		}
		if err := to.await(ctx); err != nil {
			return err
		}
		came, _, last := to.progress()
		rate := float64(came) / last.Sub(started).Seconds()
		r.figure("throughput", rate, "deliveries/s", 0, 0)
		return nil
	})
}

// measureHistory compares the throughput of an empty database with that of one full of
// delivered events: the same one after filling it, or a kept one. The machine's speed
// may change while it fills, so the ratios to the bare loop are compared.
func measureHistory(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	without, err := r.flowBesideBare(ctx, "empty")
	if err != nil {
		return err
	}
	withoutPart := part(without, r.bareRate)
	if r.options.HistoryDirectory != "" {
		if err := r.moveToKept(ctx); err != nil {
			return err
		}
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	with, err := r.flowBesideBare(ctx, "filled")
	if err != nil {
		return err
	}
	withPart := part(with, r.bareRate)
	r.figure("with/without", part(withPart, withoutPart), "", 0, r.options.History)
	r.Figures[0].ofBare = true
	r.figure("without", without, "events/s", withoutPart, 0)
	r.figure("with "+thousandsOf(r.options.History), with, "events/s", withPart, 0)
	return nil
}

// flowBesideBare measures single publishes of events of a new type.
func (r *run) flowBesideBare(ctx context.Context, what string) (rate float64, err error) {
	c, err := r.channel(ctx, tenantName, what, takes, 1)
	if err != nil {
		return 0, err
	}
	err = r.besideBare(ctx, func() error {
		rate, _, err = r.flow(ctx, c, r.options.Throughput, 0)
		return err
	})
	return rate, err
}

// fillStep is the number of events after which fill records the progress.
const fillStep = 100_000

// fill publishes events until the database holds as many as the options require. A
// kept database receives only the missing ones.
func (r *run) fill(ctx context.Context) error {
	filled, err := r.node.filled()
	if err != nil || filled >= r.options.History {
		return err
	}
	c, err := r.channel(ctx, tenantName, "filling", takes, 1)
	if err != nil {
		return err
	}
	c.batch = 100
	for filled < r.options.History {
		step := min(fillStep, r.options.History-filled)
		if _, _, err := r.flow(ctx, c, 0, step); err != nil {
			return err
		}
		filled += step
		if err := r.node.noteFilled(filled); err != nil {
			return err
		}
	}
	return nil
}

// moveToKept replaces the scenario's server by one on the kept directory. It deletes the
// webhooks of earlier runs because their endpoints are gone.
func (r *run) moveToKept(ctx context.Context) error {
	if err := r.finish(ctx); err != nil {
		return err
	}
	if err := r.node.remove(); err != nil {
		return err
	}
	var err error
	if r.node, err = newKeptNode(ctx, r.options, r.Name); err != nil {
		return err
	}
	api, err := r.node.api(tenantName)
	if err != nil {
		return err
	}
	for webhook, err := range api.AllWebhooks(ctx, client.WebhooksQuery{}) {
		if err == nil {
			err = api.DeleteWebhook(ctx, webhook.ID)
		}
		if err != nil {
			return fmt.Errorf("delete the webhooks of earlier runs: %w", err)
		}
	}
	return nil
}
